// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport

@testable import SallyAccounts

let toolEnvironment = CleanEnvironment.make(from: [:])

/// How a program ended, with what it wrote.
struct ToolResult {
    var status: Int32
    var output: String
    var errors: String
}

/// Runs a program of OpenSSH, tar or age as a person would.
func runTool(_ program: String, _ arguments: [String], input: String = "") async throws -> ToolResult {
    let done = try await ProgramCall(
        program: program, arguments: arguments, environment: toolEnvironment, standardInput: Array(input.utf8),
        deadline: .seconds(60), outputLimit: 8 << 20
    ).run()
    return ToolResult(status: done.status, output: done.output, errors: done.errorOutput)
}

/// `user001`, `user002` and so on.
func users(_ count: Int) -> [UserName] {
    (1...count).map { number in
        let digits = String(number)
        return UserName(unchecked: "user" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits)
    }
}

func freshKey(_ user: UserName, _ algorithm: KeyAlgorithm = .ed25519) throws -> UserKey {
    UserKey(user: user, pair: try KeyPair.make(algorithm, comment: user.rawValue))
}

/// The error that `body` throws; nil when it throws none or another.
func refusal<Value>(_ body: () async throws -> Value) async -> SallyError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? SallyError
    }
}

/// A public key of another making than ours: an SSH string after the other, as a line.
func handMade(_ type: String, _ fields: [[UInt8]], comment: String = "") -> String {
    var blob = SSHWriter()
    blob.string(type)
    for field in fields { blob.string(field) }
    return line(type, blob.bytes) + (comment.isEmpty ? "" : " \(comment)")
}
