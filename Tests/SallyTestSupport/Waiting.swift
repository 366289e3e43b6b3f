// SPDX-License-Identifier: Apache-2.0

/// A condition did not come true in time.
package struct WaitedInVain: Error, CustomStringConvertible {
    package let what: String
    package let limit: Duration
    package var description: String { "waited \(limit) for: \(what)" }
}

/// Asks `condition` again and again until it holds. For tests that watch another process or task.
///
/// - Throws: `WaitedInVain` after `limit`; what `condition` throws; `CancellationError`.
package func eventually(
    _ what: String, within limit: Duration = .seconds(240), condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else { throw WaitedInVain(what: what, limit: limit) }
        try await Task.sleep(for: .milliseconds(10))
    }
}
