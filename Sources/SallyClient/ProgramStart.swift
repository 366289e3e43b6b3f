// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Starts other programs: the browser, and sally-cluster.
package enum ProgramStart {
    /// Starts a program and does not wait for it. It writes to our standard error, never to standard output, which
    /// belongs to data.
    /// - Returns: false when it could not be started.
    package static func inBackground(_ arguments: [String]) -> Bool {
        guard let program = arguments.first else { return false }
        var actions = fileActions()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, 2, 1)
        var process: pid_t = 0
        return withArguments(arguments) { posix_spawnp(&process, program, &actions, nil, $0, environ) } == 0
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
