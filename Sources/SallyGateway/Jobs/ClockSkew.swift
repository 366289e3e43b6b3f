// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// How far slurmctld's clock and the gateway's are apart, as measured around one answer of slurmctld's. slurmctld checks
/// tokens by its own clock: where that is behind, a token lives longer than it says.
package struct ClockSkew: Sendable, Equatable {
    /// At most so many seconds slurmctld's clock is behind the gateway's.
    package let behind: Int64
    /// At most so many seconds it is ahead.
    package let ahead: Int64
    /// At least so many seconds they are apart; negative where slurmctld's is behind.
    package let apart: Int64

    /// In seconds. A cluster whose clock is wrong by more than this refuses most of what it is asked, and nothing is decided by
    /// such a clock.
    package static let limit: Int64 = 300

    /// What is counted with where nothing was measured.
    package static let unmeasured = ClockSkew(behind: limit, ahead: limit, apart: 0)

    private init(behind: Int64, ahead: Int64, apart: Int64) {
        self.behind = behind
        self.ahead = ahead
        self.apart = apart
    }

    /// - Parameters:
    ///   - asked: the gateway's clock before the question; `answered`: after the answer.
    ///   - slurm: slurmctld's clock in between. All three are cut to whole seconds.
    package init(asked: Timestamp, answered: Timestamp, slurm: Timestamp) {
        let first = min(asked, answered).rawValue
        let last = max(asked, answered).rawValue
        behind = max(0, last + 1 - slurm.rawValue)
        ahead = max(0, slurm.rawValue + 1 - first)
        apart = slurm.rawValue > last ? slurm.rawValue - last : min(0, slurm.rawValue - first)
    }

    /// Why nothing may be decided by these clocks; nil where something may.
    package func problem(_ cluster: ClusterName) -> SallyError? {
        guard apart.magnitude > ClockSkew.limit.magnitude else { return nil }
        let side = apart < 0 ? "behind" : "ahead of"
        return SallyError(
            .misconfigured,
            "the clock of cluster \(cluster) is \(apart.magnitude) s \(side) the gateway's, more than \(ClockSkew.limit) s",
            hint: "an administrator has to set the clocks right; until then lost answers stay undecided")
    }
}
