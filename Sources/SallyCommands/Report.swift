// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import StrictJSON

extension Surroundings {
    /// Prints `value` with its schema first: `{"schema":"sallyport/NAME/1",...}`.
    func putJSON(_ name: String, _ value: some Encodable) throws {
        var members: [(String, JSONValue)] = [("schema", .string("sallyport/\(name)/1"))]
        if case .object(let object) = try Codec.json(value) {
            for member in object { members.append((member.key, member.value)) }
        }
        try put(JSONValue.object(JSONObject(members)).text(output.isTerminal ? .indented : .compact))
    }

    func putJSON(_ name: String, _ members: [(String, JSONValue)]) throws {
        let all = [("schema", JSONValue.string("sallyport/\(name)/1"))] + members
        try put(JSONValue.object(JSONObject(all)).text(output.isTerminal ? .indented : .compact))
    }

    /// What the gateway's shared view of a cluster has; how old it is goes to standard error while Slurm does not answer.
    func shared<Answer: Decodable>(
        _ path: String, of gateway: GatewayClient, as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        let (answer, stale) = try await gateway.getShared(path, as: type)
        if let stale { try sayStale(stale) }
        return answer
    }

    func sayStale(_ seconds: Int) throws { try say("sally: \(Surroundings.staleness(seconds))") }

    static func staleness(_ seconds: Int) -> String {
        "Slurm does not answer; this is what it said \(seconds) seconds ago"
    }

    /// Prints columns; text of others is made harmless for terminals.
    func putTable(_ columns: [String], _ rows: [[String]]) throws {
        for line in Table.lines(columns, rows) { try put(line) }
    }
}

/// Columns side by side, two spaces apart, nothing at the end of a line.
enum Table {
    static func lines(_ columns: [String], _ rows: [[String]]) -> [String] {
        let cells = [columns] + rows.map { $0.map { $0.isEmpty ? "-" : printable($0) } }
        let widths = columns.indices.map { column in cells.map { $0[column].terminalColumns }.max() ?? 0 }
        return cells.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if index < row.count - 1 {
                    line += String(repeating: " ", count: widths[index] - cell.terminalColumns + 2)
                }
            }
            return line
        }
    }

    /// Names and values, one a line; those without a value are left out.
    static func pairs(_ pairs: [(String, String?)]) -> [String] {
        let known = pairs.compactMap { name, value in value.map { (name, $0) } }
        let width = known.map(\.0.count).max() ?? 0
        return known.map { "\($0.0)\(String(repeating: " ", count: width - $0.0.count + 2))\(printable($0.1))" }
    }
}

/// Minutes as Slurm writes them: `2-03:04:00`, `03:04:00`.
func slurmTime(minutes: Int?) -> String {
    guard let minutes else { return "UNLIMITED" }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let days = minutes / 1440
    return "\(days > 0 ? "\(days)-" : "")\(two(minutes % 1440 / 60)):\(two(minutes % 60)):00"
}
