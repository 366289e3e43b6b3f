// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyModel
import SallyTransport

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The whole program: arguments in, exit status out.
package enum Program {
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - name: how it was called; `starcluster` has spellings of its own.
    package static func run(_ arguments: [String], calledAs name: String = "sally-cluster") async -> Int32 {
        let isStarCluster = name.split(separator: "/").last == "starcluster"
        let voice = isStarCluster ? "!!! ERROR - " : "sally-cluster: "
        do {
            let words = isStarCluster ? StarClusterSpelling.translate(arguments) : arguments
            var command = try ClusterCommand.parseAsRoot(words)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return report(error, voice)
        }
    }

    /// Says what is wrong on standard error.
    ///
    /// - Returns: the exit status that says it to programs.
    private static func report(_ error: any Error, _ voice: String) -> Int32 {
        switch error {
        case let error as SallyError:
            say(voice + error.message)
            if let hint = error.hint { say("  \(hint)") }
            return error.code.exitStatus
        case let error as Interrupted:
            say(voice + "interrupted")
            return error.exitStatus
        case let error as TransportError:
            say(voice + "a node does not answer: \(error)")
            return SallyError.Code.unavailable.exitStatus
        default:
            let code = ClusterCommand.exitCode(for: error)
            let text = ClusterCommand.fullMessage(for: error)
            if !text.isEmpty { write(text + "\n", to: code.isSuccess ? STDOUT_FILENO : STDERR_FILENO) }
            return code.rawValue
        }
    }

    private static func say(_ text: String) { write(text + "\n", to: STDERR_FILENO) }
}
