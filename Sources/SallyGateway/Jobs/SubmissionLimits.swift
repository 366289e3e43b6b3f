// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// Which of Slurm's limits stand over a job and refuse it when it is submitted: pure.
///
/// slurmctld says no more than that one of them is reached (ESLURM_ACCOUNTING_POLICY); which one, slurmrestd writes into its own
/// log. Numbers of submitted jobs and an association's MaxWall always refuse. The others do where a QOS of the job has
/// DenyOnLimit, or none is known; else such a job is taken and waits (src/slurmctld/acct_policy.c, `acct_policy_validate`).
struct SubmissionLimits {
    /// Of one cluster: the person's, and those that are an account's.
    let associations: [SlurmRecord]
    let qos: [SlurmRecord]

    /// What a submission asked for.
    struct Job: Sendable {
        var user: UserName
        var account: AccountName
        var partitions: [PartitionName]
        /// Empty: what is usual.
        var qos: [QOSName]
        /// Those that its partitions bring along (slurm.conf(5) QOS).
        var partitionQOS: [String]
    }

    /// How a limit is called in sacctmgr(1), and where slurmdbd's answer has it.
    private struct Limit {
        var name: String
        var key: String
        var kind = Kind.count
        var refuses = Refuses.always

        enum Kind {
            case count, minutes, tres
        }

        enum Refuses {
            case always
            /// With DenyOnLimit.
            case strictly
        }
    }

    /// Such as `MaxSubmitJobs=1 of your association with account lab`; nil where no limit is set.
    func words(_ job: Job) -> String? {
        let names = qosNames(job)
        let own = qos.filter { record in names.contains { $0 == record.text("name")?.lowercased() } }
        let isStrict = own.isEmpty || own.contains { $0.words("flags").contains("DENY_LIMIT") }
        var groups: [String] = []
        func add(_ limits: [Limit], _ record: SlurmRecord, _ owner: String) {
            let said = limits.compactMap { limit -> String? in
                guard isStrict || limit.refuses == .always, let amount = SubmissionLimits.amount(limit, record) else {
                    return nil
                }
                return "\(limit.name)=\(amount)"
            }
            guard !said.isEmpty else { return }
            groups.append("\(said.joined(separator: ", ")) of \(owner)")
        }
        for association in associations where isOwn(association, job) {
            let partition = association.text("partition").map { " in partition \($0)" } ?? ""
            add(
                SubmissionLimits.single + SubmissionLimits.group, association,
                "your association with account \(job.account)\(partition)")
        }
        for (account, association) in accounts(job) { add(SubmissionLimits.group, association, "account \(account)") }
        for record in own { add(SubmissionLimits.ofQOS, record, "QOS \(record.text("name") ?? "")") }
        return groups.isEmpty ? nil : groups.joined(separator: "; ")
    }

    private func isOwn(_ association: SlurmRecord, _ job: Job) -> Bool {
        guard association.text("user") == job.user.rawValue, isOf(association, job.account.rawValue) else {
            return false
        }
        return association.text("partition").map { name in job.partitions.contains { $0.rawValue == name } } ?? true
    }

    private func isOf(_ association: SlurmRecord, _ account: String) -> Bool {
        association.text("account")?.lowercased() == account
    }

    /// The job's account and those above it, whose limits hold for all who are below them together.
    private func accounts(_ job: Job) -> [(name: String, association: SlurmRecord)] {
        var found: [(name: String, association: SlurmRecord)] = []
        var next: String? = job.account.rawValue
        while let name = next, !found.contains(where: { $0.name == name }) {
            guard let above = associations.first(where: { ($0.text("user") ?? "").isEmpty && isOf($0, name) }) else {
                break
            }
            found.append((name, above))
            next = above.text("parent_account")?.lowercased()
        }
        return found
    }

    private func qosNames(_ job: Job) -> [String] {
        let usual = UsualQOS(associations).names(of: job.user)[job.account].map { [$0] } ?? []
        return (job.qos.isEmpty ? usual : job.qos).map(\.rawValue) + job.partitionQOS.map { $0.lowercased() }
    }

    private static func amount(_ limit: Limit, _ record: SlurmRecord) -> String? {
        switch limit.kind {
        case .count: record.number(limit.key).map { "\($0)" }
        case .minutes:
            record.number(limit.key).map { $0 == 0 ? "0" : TimeLimit(minutes: Int(clamping: $0)).description }
        case .tres: record.tres(limit.key)
        }
    }

    /// Those of an association that each job, or each person, has by itself.
    private static let single: [Limit] = [
        Limit(name: "MaxSubmitJobs", key: "max.jobs.total"),
        Limit(name: "MaxWall", key: "max.jobs.per.wall_clock", kind: .minutes),
        Limit(name: "MaxTRES", key: "max.tres.per.job", kind: .tres, refuses: .strictly),
        Limit(name: "MaxTRESPerNode", key: "max.tres.per.node", kind: .tres, refuses: .strictly),
        Limit(name: "MaxTRESMins", key: "max.tres.minutes.per.job", kind: .tres, refuses: .strictly),
    ]

    /// Those of an association that hold for all below it together.
    private static let group: [Limit] = [
        Limit(name: "GrpSubmitJobs", key: "max.jobs.per.submitted"),
        Limit(name: "GrpTRES", key: "max.tres.total", kind: .tres, refuses: .strictly),
        Limit(name: "GrpTRESMins", key: "max.tres.group.minutes", kind: .tres, refuses: .strictly),
        Limit(name: "GrpTRESRunMins", key: "max.tres.group.active", kind: .tres, refuses: .strictly),
        Limit(name: "GrpWall", key: "max.per.account.wall_clock", kind: .minutes, refuses: .strictly),
    ]

    private static let ofQOS: [Limit] = [
        Limit(name: "GrpSubmitJobs", key: "limits.max.jobs.count"),
        Limit(name: "MaxSubmitJobsPerUser", key: "limits.max.jobs.per.user"),
        Limit(name: "MaxSubmitJobsPerAccount", key: "limits.max.jobs.per.account"),
        Limit(name: "MaxWall", key: "limits.max.wall_clock.per.job", kind: .minutes, refuses: .strictly),
        Limit(name: "GrpWall", key: "limits.max.wall_clock.per.qos", kind: .minutes, refuses: .strictly),
        Limit(name: "MaxTRES", key: "limits.max.tres.per.job", kind: .tres, refuses: .strictly),
        Limit(name: "MaxTRESPerNode", key: "limits.max.tres.per.node", kind: .tres, refuses: .strictly),
        Limit(name: "MaxTRESPerUser", key: "limits.max.tres.per.user", kind: .tres, refuses: .strictly),
        Limit(name: "MaxTRESPerAccount", key: "limits.max.tres.per.account", kind: .tres, refuses: .strictly),
        Limit(name: "MinTRES", key: "limits.min.tres.per.job", kind: .tres, refuses: .strictly),
        Limit(name: "MaxTRESMins", key: "limits.max.tres.minutes.per.job", kind: .tres, refuses: .strictly),
        Limit(name: "GrpTRES", key: "limits.max.tres.total", kind: .tres, refuses: .strictly),
        Limit(name: "GrpTRESMins", key: "limits.max.tres.minutes.total", kind: .tres, refuses: .strictly),
        Limit(name: "GrpTRESRunMins", key: "limits.max.tres.minutes.per.qos", kind: .tres, refuses: .strictly),
    ]
}
