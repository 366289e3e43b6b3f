// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A program that was started and runs beside us.
package struct StartedProgram: Sendable {
    /// Waits for its end: its exit status, or 128 and the signal that ended it.
    package let exitStatus: @Sendable () async throws -> Int32

    package init(exitStatus: @escaping @Sendable () async throws -> Int32) { self.exitStatus = exitStatus }
}

/// Starts other programs: the browser, and sally-cluster.
package enum ProgramStart {
    /// Starts a program and does not wait for it. It writes to our standard error, never to standard output, which
    /// belongs to data.
    /// - Returns: nil when it could not be started.
    package static func inBackground(_ arguments: [String]) -> StartedProgram? {
        guard let program = arguments.first else { return nil }
        var actions = fileActions()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, 2, 1)
        var process: pid_t = 0
        guard withArguments(arguments, { posix_spawnp(&process, program, &actions, nil, $0, environ) }) == 0 else {
            return nil
        }
        return StartedProgram { [process] in try await end(of: process) }
    }

    /// Asks from time to time: waitpid(2) itself would hold a thread for as long as a browser runs.
    private static func end(of process: pid_t) async throws -> Int32 {
        while true {
            var status: Int32 = 0
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f }
            if ended < 0, errno != EINTR { return 0 }  // somebody else waited for it
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Puts another program in the place of this one; returns only when that fails.
    package static func replace(_ path: String, _ arguments: [String]) {
        _ = withArguments(arguments) { execv(path, $0) }
    }

    private static func withArguments<Result>(
        _ arguments: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            // An array with at least the closing nil has an address.
            body(buffer.baseAddress!)  // never empty: the closing nil
        }
    }

    #if canImport(Darwin)
    private static func fileActions() -> posix_spawn_file_actions_t? { nil }
    #else
    private static func fileActions() -> posix_spawn_file_actions_t { posix_spawn_file_actions_t() }
    #endif
}
