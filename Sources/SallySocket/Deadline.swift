// SPDX-License-Identifier: Apache-2.0

/// `body` did not return in time; it was cancelled and has ended.
package struct DeadlineExceeded: Error, Sendable {}

/// Runs `body` and cancels it when it takes longer than `limit`.
///
/// - Throws: `DeadlineExceeded`; what `body` throws; `CancellationError`.
package func withDeadline<Value: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw DeadlineExceeded()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw DeadlineExceeded() }
        return value
    }
}
