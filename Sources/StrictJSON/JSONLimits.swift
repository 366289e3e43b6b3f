// SPDX-License-Identifier: Apache-2.0

/// How much JSON is read before it is refused.
package struct JSONLimits: Sendable, Equatable {
    package var maximumBytes: Int
    /// Objects and arrays in one another.
    package var maximumDepth: Int

    package init(maximumBytes: Int, maximumDepth: Int) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
    }

    /// A request of a person: a job script of 4 MiB, escaped, and what stands around it.
    package static let request = JSONLimits(maximumBytes: 16 << 20, maximumDepth: 32)
    /// A listing of slurmrestd: 20 MB for 5,000 jobs.
    package static let listing = JSONLimits(maximumBytes: 512 << 20, maximumDepth: 64)
}
