// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import StrictJSON

/// What a request says beside its path: the query string or, where there is none, the members of a JSON object in the
/// body. slurmrestd reads either (operations.c, `_get_query`), and some clients send an object with every GET.
struct FrontQuery: Sendable {
    private let values: [String: String]

    private static let bodyLimit = 65536

    /// - Precondition: `RequestRules` saw the request.
    /// - Throws: `.invalidRequest` for both at once, for what is unknown and for what is no text or number; `.unsupported`
    ///   for what slurmrestd knows here and the front does not offer.
    init(_ request: Request, _ line: FrontLine, _ context: GatewayContext) async throws {
        var values: [String: String] = [:]
        for parameter in request.uri.queryParameters { values[String(parameter.key)] = String(parameter.value) }
        let body: [UInt8]
        switch line.body {
        case .query: body = try await request.bytes(limit: FrontQuery.bodyLimit, context)
        case .none, .json, .unread: body = []
        }
        if !body.isEmpty {
            let members = try FrontQuery.members(body)
            guard values.isEmpty || members.isEmpty else {
                throw SallyError(.invalidRequest, "query and body are both given", hint: "send the query alone")
            }
            for member in members {
                try FrontQuery.check(member.key, line)
                if let text = try FrontQuery.text(member.value, member.key) { values[member.key] = text }
            }
        }
        self.values = values.filter { !$0.value.isEmpty }
    }

    subscript(name: String) -> String? { values[name] }

    /// The most texts in one list.
    static let listLimit = 1000

    /// Texts between commas, each once, in the order in which they came first.
    ///
    /// - Throws: `.invalidRequest` for more than 1,000 different ones.
    func list(_ name: String) throws -> [String] {
        var found: [String] = []
        var seen: Set<Substring> = []
        for text in (values[name] ?? "").split(separator: ",") where seen.insert(text).inserted {
            guard found.count < FrontQuery.listLimit else {
                throw SallyError(
                    .invalidRequest, "\(name) has more than \(FrontQuery.listLimit) values",
                    hint: "ask several times, or for all")
            }
            found.append(String(text))
        }
        return found
    }

    /// Whether something is asked for.
    ///
    /// - Parameter absent: what is meant where nothing is said.
    /// - Throws: `.invalidRequest` for what is neither a yes nor a no.
    func flag(_ name: String, absent: Bool = false) throws -> Bool {
        guard let text = values[name] else { return absent }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw SallyError(.invalidRequest, "\(name) \(quoted(text)) is not valid", hint: "true or false")
        }
    }

    /// A moment as UNIX time, with or without slurmrestd's `uts` before it.
    func moment(_ name: String) throws -> Timestamp? {
        guard let text = values[name] else { return nil }
        let digits = text.hasPrefix("uts") ? text.dropFirst(3) : Substring(text)
        guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int64(digits), number < 1 << 40 else {
            throw SallyError(
                .invalidRequest, "\(name) \(quoted(text)) is not valid",
                hint: "\(name) is a number of seconds since 1970")
        }
        return Timestamp(number)
    }

    private static func members(_ body: [UInt8]) throws -> JSONObject {
        do {
            guard let object = try JSONValue(parsing: body).object else {
                throw SallyError(.invalidRequest, "the body is no JSON object")
            }
            return object
        } catch let error as JSONError {
            throw SallyError(.invalidRequest, "\(error)")
        }
    }

    private static func check(_ name: String, _ line: FrontLine) throws {
        if line.query.contains(where: { $0.name == name }) { return }
        throw SallyError(
            line.refusedQuery.contains(name) ? .unsupported : .invalidRequest,
            "query parameter \(quoted(name)) is not offered", hint: "see /openapi")
    }

    private static func text(_ value: JSONValue, _ name: String) throws -> String? {
        switch value {
        case .null: return nil
        case .string(let text), .number(let text): return text
        case .bool(let value): return value ? "true" : "false"
        case .array(let elements):
            return try elements.compactMap { element in
                guard let text = element.string else { throw mistyped(name, element) }
                return text
            }.joined(separator: ",")
        case .object: throw mistyped(name, value)
        }
    }

    private static func mistyped(_ name: String, _ value: JSONValue) -> SallyError {
        SallyError(.invalidRequest, "\(name): expected a text, found \(value.kind)")
    }
}
