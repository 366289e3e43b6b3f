// SPDX-License-Identifier: Apache-2.0

/// Limits of the database.
package struct DatabaseSettings: Sendable, Equatable {
    /// How long a commit waits for another process that writes.
    package var busyLimit: Duration
    /// How long a write may wait for its turn before it is refused instead of run.
    package var waitLimit: Duration
    /// The most writes that may wait.
    package var waitingLimit: Int
    /// The most writes in one commit.
    package var batchLimit: Int
    /// How long a write that nobody waits for waits for company.
    package var companyLimit: Duration
    /// Connections for reading.
    package var readers: Int

    package init(
        busyLimit: Duration = .seconds(10), waitLimit: Duration = .seconds(20), waitingLimit: Int = 4096,
        batchLimit: Int = 128, companyLimit: Duration = .milliseconds(5), readers: Int = 4
    ) {
        self.busyLimit = busyLimit
        self.waitLimit = waitLimit
        self.waitingLimit = waitingLimit
        self.batchLimit = batchLimit
        self.companyLimit = companyLimit
        self.readers = readers
    }
}
