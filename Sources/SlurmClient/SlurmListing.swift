// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SlurmModel

/// A list beside the queue that slurmrestd answers whole.
package enum SlurmListing: Sendable, Hashable {
    case partitions, nodes, reservations
    /// Of slurmdbd, which the service account is asked for: as an operator it sees everybody, whatever PrivateData hides.
    case users, associations, accounts, qos
    /// One person's jobs in accounting.
    case jobs(of: UserName, since: Timestamp)
    case job(JobID, of: UserName)

    package var noun: SlurmNoun {
        switch self {
        case .partitions: .partition
        case .nodes: .node
        case .reservations: .reservation
        case .users: .user
        case .associations: .association
        case .accounts: .account
        case .qos: .qos
        case .jobs, .job: .accountingJob
        }
    }

    /// Whether jobs of accounting come with their steps.
    enum Steps: Sendable {
        case listed, skipped
    }

    /// Built from checked names and numbers only.
    ///
    /// - Precondition: `steps` are skipped of jobs of accounting alone, and where the version has that.
    func path(_ version: APIVersion, _ steps: Steps) -> String {
        switch self {
        case .partitions: "/slurm/\(version)/partitions"
        case .nodes: "/slurm/\(version)/nodes"
        case .reservations: "/slurm/\(version)/reservations"
        // From v0.0.40 on associations come when they are asked for, and the default account with them alone
        // (src/plugins/accounting_storage/mysql/as_mysql_user.c, `as_mysql_get_users`); v0.0.38 tells them always.
        case .users: "/slurmdb/\(version)/users\(version.takesOptions ? "" : "?with_assocs=true")"
        case .associations: "/slurmdb/\(version)/associations"
        case .accounts: "/slurmdb/\(version)/accounts"
        case .qos: "/slurmdb/\(version)/qos"
        // v0.0.38 knows no filter by user: everybody's jobs of that time come, and are cut.
        case .jobs(let user, let since):
            "/slurmdb/\(version)/jobs?start_time=uts\(since.rawValue)\(version.takesOptions ? "" : "&users=\(user)")"
                + steps.query(version)
        case .job(let job, _):
            switch steps {
            case .listed: "/slurmdb/\(version)/job/\(job)"
            // The list of that one job, of all times: no earlier one is taken (src/common/parse_time.c).
            case .skipped: "/slurmdb/\(version)/jobs?step=\(job)&start_time=uts1000000\(steps.query(version))"
            }
        }
    }

    /// Errors that say no more than that there is nothing. 9003: an empty result is an error to some versions. 2017: no such job.
    var meaningNothing: [Int] {
        switch self {
        case .partitions, .nodes: []
        case .reservations, .users, .associations, .accounts, .qos: [9003]
        case .jobs, .job: [9003, 2017]
        }
    }

    /// Whose records alone are wanted.
    package var owner: UserName? {
        switch self {
        case .partitions, .nodes, .reservations, .users, .associations, .accounts, .qos: nil
        case .jobs(let user, _), .job(_, let user): user
        }
    }
}

extension SlurmListing.Steps {
    /// v0.0.41 and later take any flag for all the flags that are wanted: what else is the rule has to be said with it. Without
    /// the first a job that began again would hide its earlier records, without the second times would be cut to those
    /// asked for (src/slurmrestd/plugins/openapi/slurmdbd/jobs.c, slurm-24-05).
    fileprivate func query(_ version: APIVersion) -> String {
        switch self {
        case .listed: ""
        case .skipped:
            "&skip_steps=true"
                + (version.takesOptions ? "" : "&show_duplicates=true&disable_truncate_usage_time=true")
        }
    }
}
