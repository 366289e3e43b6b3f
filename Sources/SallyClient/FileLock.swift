// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One holder at a time, over processes and tasks alike (flock(2)): let go by `release`, and by the kernel when the
/// process ends.
package struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for the lock without holding up a thread.
    /// - Throws: `SallyError(.timeout)` after `limit`; `CancellationError`.
    package init(_ path: String, within limit: Duration) async throws {
        descriptor = try await locked(path, within: limit)
    }

    deinit {
        // A child between fork and exec has the descriptor still, and the lock would live on with it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

private func locked(_ path: String, within limit: Duration) async throws -> Int32 {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw SallyError(.misconfigured, "cannot open \(path): \(lastError())") }
    let end = ContinuousClock.now + limit
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
        guard errno == EWOULDBLOCK || errno == EINTR else {
            defer { close(file) }
            throw SallyError(.misconfigured, "cannot lock \(path): \(lastError())")
        }
        guard ContinuousClock.now < end else {
            close(file)
            throw SallyError(
                .timeout, "another sally holds \(path) for more than \(limit.components.seconds) seconds",
                hint: "end it, or try again")
        }
        do {
            try await Task.sleep(for: .milliseconds(15))
        } catch {
            close(file)
            throw error
        }
    }
    return file
}
