// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Runs `body` and gives up, cancelling it, after `limit`.
/// - Throws: `SallyError(.timeout)`; what `body` throws.
package func withDeadline<Value: Sendable>(
    _ limit: Duration, _ what: String, _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw SallyError(.timeout, "\(what) took more than \(limit.components.seconds) seconds", hint: "try again")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
