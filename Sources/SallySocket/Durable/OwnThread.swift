// SPDX-License-Identifier: Apache-2.0

import NIOPosix

/// Runs `body`, which blocks (fsync, flock), on a thread that nothing else waits for.
package func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await NIOThreadPool.singleton.runIfActive(body)
}
