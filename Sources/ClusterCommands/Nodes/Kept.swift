// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Carries a value out of a closure that returns nothing.
final class Kept<Value: Sendable>: Sendable {
    private let kept = Mutex<Value?>(nil)
    var value: Value? { kept.withLock { $0 } }
    func keep(_ value: Value) { kept.withLock { $0 = value } }
}
