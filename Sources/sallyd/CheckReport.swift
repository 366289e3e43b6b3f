// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// What a check found, hop by hop.
struct CheckReport {
    private struct Line {
        var hop: String
        var good: Bool
        var message: String
        var hint: String?
    }

    private var lines: [Line] = []

    var isGood: Bool { lines.allSatisfy(\.good) }

    mutating func good(_ hop: String, _ message: String) {
        lines.append(Line(hop: hop, good: true, message: message, hint: nil))
    }

    mutating func bad(_ hop: String, _ error: any Error, next: String) {
        let known = error as? SallyError
        let cause = known?.cause.map { " (\($0))" } ?? ""
        lines.append(
            Line(hop: hop, good: false, message: (known?.message ?? "\(error)") + cause, hint: known?.hint ?? next))
    }

    /// A line a hop, and what to do next below the bad ones.
    var text: String {
        let width = lines.map(\.hop.count).max() ?? 0
        return lines.map { line in
            let hop = line.hop + String(repeating: " ", count: width - line.hop.count)
            let hint = line.hint.map { "\n        \($0)" } ?? ""
            return "\(line.good ? "ok  " : "BAD ")  \(hop)  \(line.message)\(hint)"
        }.joined(separator: "\n")
    }

    var json: String {
        let hops: [JSONValue] = lines.map { line in
            var hop: [(String, JSONValue)] = [
                ("hop", .string(line.hop)), ("good", .bool(line.good)), ("message", .string(line.message)),
            ]
            if let hint = line.hint { hop.append(("hint", .string(hint))) }
            return .object(JSONObject(hop))
        }
        let report: JSONValue = ["schema": "sallyport/config-check/1", "good": .bool(isGood), "hops": .array(hops)]
        return report.text(.indented)
    }
}
