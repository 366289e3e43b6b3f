// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyModel

/// `body` did not return in time; it was cancelled and has ended.
package struct DeadlineExceeded: Error, Sendable {}

/// Runs `body` and cancels it when it takes longer than `limit`.
///
/// The alarm is an event loop's: one that is not needed any more is gone, where `Task.sleep` would leave a timer behind
/// for every request until its time is over.
///
/// - Throws: `DeadlineExceeded`; what `body` throws.
package func withDeadline<Value: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let rung = loop.makePromise(of: Void.self)
    let alarm = loop.scheduleTask(in: TimeAmount(limit)) { rung.succeed() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await rung.futureResult.get()
            return nil
        }
        defer {
            group.cancelAll()
            alarm.cancel()
            rung.succeed()
        }
        guard let first = try await group.next(), let value = first else { throw DeadlineExceeded() }
        return value
    }
}

/// The same, with words for who waits.
///
/// - Parameter what: what takes so long, such as `the gateway's answer`.
/// - Throws: `SallyError(.timeout)`; what `body` throws.
package func withDeadline<Value: Sendable>(
    _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    do {
        return try await withDeadline(limit, body)
    } catch is DeadlineExceeded {
        throw SallyError(.timeout, "\(what) took more than \(limit.components.seconds) seconds", hint: "try again")
    }
}
