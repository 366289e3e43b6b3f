// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The policy in force. Only a whole, valid policy ever replaces another.
package final class PolicySource: Sendable {
    private let state: Mutex<Snapshot>

    /// A policy with its place in the order of replacements, 1 for the first.
    package struct Snapshot: Sendable {
        package let policy: Policy
        package let revision: Int
    }

    package init(_ policy: Policy) {
        state = Mutex(Snapshot(policy: policy, revision: 1))
    }

    package var current: Snapshot { state.withLock { $0 } }

    /// Puts `policy` in force for every decision that begins later. Returns its revision.
    @discardableResult
    package func replace(with policy: Policy) -> Int {
        state.withLock {
            $0 = Snapshot(policy: policy, revision: $0.revision + 1)
            return $0.revision
        }
    }

    /// Puts what `load` returns in force.
    ///
    /// - Throws: what `load` throws; the policy in force then stays.
    @discardableResult
    package func reload(_ load: () throws -> Policy) throws -> Int {
        replace(with: try load())
    }
}
