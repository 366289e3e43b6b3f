// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyNetwork
import SallyPolicy
import SlurmModel

/// slurmctld's clock, held against the gateway's.
struct SlurmClock: Sendable {
    let cluster: ClusterName
    let queue: any SlurmQueue
    let access: ServiceAccess
    let metrics: Metrics
    let clock: any WallClock

    /// How far the clocks are apart, now: slurmctld's clock in the middle of an answer of its own. And how many of its messages
    /// slurmdbd has not got: a job whose end is among them is missing in accounting.
    ///
    /// - Throws: `.misconfigured` where they are so far apart that nothing may be decided; why slurmctld did not tell.
    func measured() async throws -> (skew: ClockSkew, accountingBacklog: Int64) {
        let told = try await look()
        if let problem = told.skew.problem(cluster) { throw problem }
        return told
    }

    /// How far the clocks are apart, now; `ClockSkew.unmeasured` where slurmctld does not tell within `limit`.
    ///
    /// - Throws: `.misconfigured` where it tells, and they are so far apart that nothing may be decided.
    func skew(within limit: Duration) async throws -> ClockSkew {
        let skew = try? await withDeadline(limit) { try await look().skew }  // then nothing was measured
        if let problem = skew?.problem(cluster) { throw problem }
        return skew ?? .unmeasured
    }

    private func look() async throws -> (skew: ClockSkew, accountingBacklog: Int64) {
        let asked = clock.now
        let slurm = try await access.read(.readQueue(cluster)) { read, token in
            try await queue.diagnosis(read, token: token)
        }
        let skew = ClockSkew(asked: asked, answered: clock.now, slurm: slurm.time)
        metrics.skewed(cluster, seconds: skew.apart)
        return (skew, slurm.accountingBacklog)
    }
}
