// SPDX-License-Identifier: Apache-2.0

import Subprocess
import SystemPackage

/// How a program ended, with what it wrote.
package struct ProgramResult: Sendable, CustomStringConvertible {
    /// The exit status; 128 + N when signal N ended it.
    package var status: Int32
    package var output: String
    package var errors: String
    package var description: String { "status \(status)\n--- stdout\n\(output)\n--- stderr\n\(errors)" }
}

/// Runs a program to its end, with exactly this environment, and collects at most 8 MiB of each stream.
///
/// - Throws: what swift-subprocess throws when the program cannot be started.
package func runProgram(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String = ""
) async throws -> ProgramResult {
    var values: [Environment.Key: String] = [:]
    for (name, value) in environment { values[Environment.Key(stringLiteral: name)] = value }
    let result = try await run(
        path.contains("/") ? .path(FilePath(path)) : .name(path), arguments: Arguments(arguments),
        environment: .custom(values), input: .string(input), output: .string(limit: 8 << 20),
        error: .string(limit: 8 << 20))
    let status: Int32 =
        switch result.terminationStatus {
        case .exited(let code): code
        case .signaled(let number): 128 + number
        }
    return ProgramResult(status: status, output: result.standardOutput, errors: result.standardError)
}
