// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension QueueKeeper {
    /// What the loops leave for each other and for readers.
    struct State {
        var snapshot = QueueSnapshot.empty
        var memory = QueueReader.Memory()
        /// Whether the loop runs that reads what is ordered, and what it has brought.
        var isServed = false
        var delivery: QueueReader.Delivery?
        /// What we did ourselves and no read has seen yet.
        var deeds = QueueDeeds()
        /// Jobs read by themselves since.
        var wholes: [JobID: [QueuedJob]] = [:]
        var failure: SallyError?
        var failures = 0
        var pace = QueuePace()
        /// The latest moment after which somebody wants a read to begin.
        var wanted: ContinuousClock.Instant?
        /// When the read began that is under way.
        var readingSince: ContinuousClock.Instant?
    }
}
