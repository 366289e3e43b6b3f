// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyNetwork
import SallySocket
import SlurmClient
import SlurmModel

/// Finds out which limits stand over a job that Slurm refused for one of them: what associations and QOS say in slurmdbd, read
/// as the service account and at most once in a while whoever is refused (`FrontListings`).
struct LimitFinder: Sendable {
    /// By which Slurm knows the cluster.
    let slurmName: String
    /// Whether there is accounting to ask.
    let hasAccounting: Bool
    let listings: FrontListings
    let keeper: QueueKeeper
    /// The refusal is told then, whatever is known.
    var patience = Duration.seconds(3)

    /// ESLURM_ACCOUNTING_POLICY.
    private static let number = 2050

    /// The refusal with the limits in its advice; as it is where it is of another kind, where nothing is set, and where slurmdbd
    /// does not say so in time.
    func explained(_ refusal: SlurmRefusal, of job: ResolvedJob) async -> SlurmRefusal {
        guard refusal.number == LimitFinder.number, hasAccounting else { return refusal }
        let names = job.partitions.map(\.rawValue)
        let asked = SubmissionLimits.Job(
            user: job.user, account: job.account, partitions: job.partitions, qos: job.qos,
            partitionQOS: keeper.latest.partitions.filter { names.contains($0.name) }.compactMap(\.qos))
        let limits = try? await withDeadline(patience) { try await read(asked) }  // whatever is in the way
        guard let words = limits?.words(asked) else { return refusal }
        var refusal = refusal
        refusal.advice =
            "one of these is reached: \(words): wait for jobs to end, ask for less, or ask an administrator"
        return refusal
    }

    private func read(_ job: SubmissionLimits.Job) async throws -> SubmissionLimits {
        let associations = try await listings.read(.associations)
        let qos = try await listings.read(.qos)
        return await besideLoops {
            let known = associations.records(named: job.user.rawValue) + associations.records(named: "")
            return SubmissionLimits(
                associations: known.filter { $0.isOf(slurmName) },
                qos: (0..<qos.count).compactMap { qos.record($0) })
        }
    }
}
