// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport

/// An answer of the gateway to a request made by hand.
struct Answer: CustomStringConvertible {
    var status: Int
    var body: String
    var description: String { "\(status) \(body)" }
}

/// The same with its headers, their names in lower case.
struct HeadedAnswer {
    var status: Int
    var headers: [String: String] = [:]
    var body: String
}

extension Stack {
    /// Reads with curl, and keeps the headers.
    func get(_ path: String, token: String, headers: [String] = [], at gateway: String? = nil) async throws
        -> HeadedAnswer
    {
        let lines = ["Authorization: Bearer \(token)"] + headers
        let result = try await runProgram(
            "/usr/bin/curl", ["-sS", "-m", "60", "-i", "-H", "@-", "\(gateway ?? self.gateway)\(path)"],
            input: lines.map { "\($0)\n" }.joined())
        guard result.status == 0, let end = result.output.firstRange(of: "\r\n\r\n") else {
            throw Failure("curl: \(result)")
        }
        let head = result.output[..<end.lowerBound].split(separator: "\r\n")
        var answer = HeadedAnswer(
            status: Int(head.first?.split(separator: " ").dropFirst().first ?? "") ?? 0,
            body: String(result.output[end.upperBound...]))
        for line in head.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            answer.headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].drop { $0 == " " }
                .description
        }
        return answer
    }

    /// Sends a request with curl. Headers go over standard input, so that no token stands on a command line.
    ///
    /// - Parameter gateway: another one than the stack's own.
    func request(
        _ method: String, _ path: String, token: String? = nil, headers: [String] = [], body: String? = nil,
        at gateway: String? = nil
    ) async throws -> Answer {
        let lines = (token.map { ["Authorization: Bearer \($0)"] } ?? []) + headers
        var arguments = [
            "-sS", "-m", "60", "--path-as-is", "-X", method, "-w", "\n%{http_code}", "-H", "@-",
            "\(gateway ?? self.gateway)\(path)",
        ]
        if let body {
            arguments += ["--data-binary", body]
            if !headers.contains(where: { $0.lowercased().hasPrefix("content-type") }) {
                arguments += ["-H", "Content-Type: application/json"]
            }
        }
        let result = try await runProgram(
            "/usr/bin/curl", arguments, input: lines.map { "\($0)\n" }.joined())
        guard result.status == 0 else { throw Failure("curl: \(result)") }
        let end = result.output.lastIndex(of: "\n") ?? result.output.startIndex
        return Answer(
            status: Int(result.output[end...].filter(\.isNumber)) ?? 0, body: String(result.output[..<end]))
    }
}
