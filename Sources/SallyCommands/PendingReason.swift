// SPDX-License-Identifier: Apache-2.0

import SallyClient

/// What Slurm's reasons mean to the person who waits (squeue(1), JOB REASON CODES).
enum PendingReason {
    static func sentence(_ reason: String) -> String {
        let shown = printable(reason)
        // slurmctld writes "Nodes_required_for_job_are_DOWN,_DRAINED..." too.
        let reason = String(reason.map { $0 == "_" ? " " : $0 })
        // "ReqNodeNotAvail, UnavailableNodes:n1": the word comes first.
        let word = String(reason.prefix { $0 != "," && $0 != "(" })
        if let known = sentences[word] { return "\(known) (\(shown))" }
        for (start, whose) in owners where word.hasPrefix(start) {
            let limit = word.dropFirst(start.utf8.count)
            guard let what = limits.first(where: { limit.hasPrefix($0.0) })?.1 else {
                return "a limit of \(whose) is reached (\(shown))"
            }
            // What one job may not have does not become free by waiting.
            let forEver = limit.hasSuffix("PerJob") || limit.contains("MaxWallDuration")
            return "the limit of \(whose) on \(what) is reached"
                + (forEver ? "; it will not start as it is (\(shown))" : " (\(shown))")
        }
        return shown
    }

    /// slurm/src/common/slurm_protocol_defs.c spells a limit's owner first: QOSMaxJobsPerUserLimit, AssocGrpCpuLimit.
    private static let owners: [(String, String)] = [("QOS", "its QOS"), ("Assoc", "its account"), ("Max", "Slurm")]

    /// What is limited, by how the rest of the word begins.
    private static let limits: [(String, String)] = [
        ("MaxJobs", "jobs that run at once"), ("MaxJobCount", "jobs that run at once"),
        ("JobLimit", "jobs that run at once"), ("GrpJobs", "jobs that run at once"),
        ("MaxSubmit", "jobs in the queue"), ("GrpSubmit", "jobs in the queue"),
        ("MaxCpu", "CPUs"), ("GrpCpuMinutes", "CPU time"), ("GrpCPUMinutes", "CPU time"), ("GrpCpu", "CPUs"),
        ("GrpCPU", "CPUs"), ("MaxGRES", "GPUs and the like"), ("GrpGRES", "GPUs and the like"),
        ("MaxMem", "memory"), ("GrpMem", "memory"), ("MaxNode", "nodes"), ("GrpNode", "nodes"),
        ("MaxWall", "time"), ("GrpWall", "time"), ("ResourceLimit", "resources"), ("UsageThreshold", "usage"),
    ]

    private static let sentences: [String: String] = [
        "Resources": "not enough is free",
        "Priority": "other jobs go first",
        "Dependency": "a job that it depends on has not ended",
        "DependencyNeverSatisfied": "a job that it depends on ended otherwise; it will not start, cancel it",
        "BeginTime": "its begin time has not come",
        "JobHeldUser": "you hold it",
        "JobHeldAdmin": "an administrator holds it",
        "ReqNodeNotAvail": "a node that it needs is not available",
        "PartitionDown": "its partition is down",
        "PartitionInactive": "its partition takes no jobs to run now",
        "PartitionTimeLimit": "it asks for more time than its partition gives; it will not start as it is",
        "PartitionNodeLimit": "it asks for more nodes than its partition gives; it will not start as it is",
        "NodeDown": "a node that it needs is down",
        "BadConstraints": "no node fits its constraints; it will not start as it is",
        "Reservation": "its reservation has not begun",
        "InvalidAccount": "its account is not valid here",
        "InvalidQOS": "its QOS is not valid here",
        "JobArrayTaskLimit": "as many tasks of the array run as it permits",
        "Licenses": "not enough licences are free",
        "JobHoldMaxRequeue": "it was put back in the queue too often and is held",
        "Cleaning": "its run before is being cleaned up",
        "FrontEndDown": "a host that it needs is down",
        "launch failed requeued held": "it could not be started and is held: ask an administrator",
        "QOSNotAllowed": "its QOS is not allowed in its partition; it will not start as it is",
        "QOSTimeLimit": "it asks for more time than its QOS gives",
        "QOSUsageThreshold": "the usage that its QOS permits is reached",
        "AccountNotAllowed": "its account is not allowed in its partition; it will not start as it is",
        "ReservationDeleted": "its reservation was deleted; it will not start, cancel it",
        "BurstBufferStageIn": "its data is brought in",
        "PartitionConfig": "its partition does not permit what it asks for; it will not start as it is",
        "Nodes required for job are DOWN": "nodes that it needs are down, drained or reserved",
        "Prolog": "its nodes are being prepared",
    ]
}
