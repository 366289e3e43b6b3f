// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport

/// An answer of the gateway to a request made by hand.
struct Answer: CustomStringConvertible {
    var status: Int
    var body: String
    var description: String { "\(status) \(body)" }
}

extension Stack {
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
