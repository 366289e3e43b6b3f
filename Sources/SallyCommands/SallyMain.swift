// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import StrictJSON

/// The program: parses, runs, says what went wrong and with which exit status.
package enum SallyMain {
    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit status.
    package static func run(_ arguments: [String], in here: Surroundings) async -> Int32 {
        var here = here
        let arguments = leading(arguments, into: &here)
        do {
            try await Surroundings.$current.withValue(here) {
                var command = try await SallyCommand.asyncParseAsRoot(arguments)
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
            }
            return 0
        } catch {
            return report(error, json: wantsJSON(arguments), here)
        }
    }

    /// `sally --context NAME jobs` is `sally jobs --context NAME`: options before the command go into its environment.
    private static func leading(_ arguments: [String], into here: inout Surroundings) -> [String] {
        var rest = arguments[...]
        while let first = rest.first {
            let (variable, names) =
                first.hasPrefix("--context")
                ? ("SALLY_CONTEXT", ["--context"]) : ("SALLY_CLUSTER", ["--cluster", "-M"])
            if names.contains(first), rest.count >= 2 {
                here.environment[variable] = rest[rest.startIndex + 1]
                rest = rest.dropFirst(2)
            } else if let name = names.first(where: { $0.hasPrefix("--") && first.hasPrefix("\($0)=") }) {
                here.environment[variable] = String(first.dropFirst(name.count + 1))
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        return Array(rest)
    }

    private static func wantsJSON(_ arguments: [String]) -> Bool { arguments.prefix { $0 != "--" }.contains("--json") }

    private static func report(_ error: any Error, json: Bool, _ here: Surroundings) -> Int32 {
        switch error {
        case is ClosedOutput: return 128 + 13
        case is CancellationError: return 130
        case let status as ExitCode: return status.rawValue
        case let error as SallyError: return report(error, json: json, here)
        case let error as JSONError:
            return report(SallyError(.internal, "JSON: \(error)", cause: "\(error)"), json: json, here)
        default: break
        }
        let status = SallyCommand.exitCode(for: error).rawValue
        let message = SallyCommand.fullMessage(for: error)
        if status == 0 {
            return (try? here.put(message)) == nil ? 128 + 13 : 0  // only a closed output fails
        }
        if json {
            return report(
                SallyError(.invalidRequest, SallyCommand.message(for: error), hint: "see `sally --help`"), json: true,
                here)
        }
        try? here.say(message)  // nobody listens: the exit status says it
        return status
    }

    private static func report(_ error: SallyError, json: Bool, _ here: Surroundings) -> Int32 {
        let text: String
        if json, let document = try? Codec.json(Problem(error, request: error.request ?? "")) {  // else as text
            text = document.text(.compact)
        } else {
            text = error.told()
        }
        try? here.say(text)  // nobody listens: the exit status says it
        return error.code.exitStatus
    }
}
