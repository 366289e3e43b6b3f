// SPDX-License-Identifier: Apache-2.0

import SallyClient

/// What Slurm's reasons mean to the person who waits (squeue(1), JOB REASON CODES).
enum PendingReason {
    static func sentence(_ reason: String) -> String {
        if let known = sentences[reason] { return "\(known) (\(reason))" }
        if reason.hasPrefix("QOS") { return "a limit of its QOS is reached (\(printable(reason)))" }
        if reason.hasPrefix("Assoc") { return "a limit of its account is reached (\(printable(reason)))" }
        return printable(reason)
    }

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
    ]
}
