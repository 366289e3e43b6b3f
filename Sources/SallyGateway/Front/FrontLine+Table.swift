// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

// A table: longer than a file usually is.
extension FrontLine {
    /// Every path of slurmrestd's v0.0.40 to v0.0.44 (its OpenAPI documents of 23.11 to 25.11).
    static let all: [FrontLine] = slurm + slurmdb + refused

    private static let updateTime = Endpoint.Query(
        name: "update_time", schema: "Text", text: "UNIX time; what did not change since is listed all the same")
    private static let flags = Endpoint.Query(name: "flags", schema: "Text", text: "ALL and DETAIL; both are the rule")
    private static let signal = Endpoint.Query(
        name: "signal", schema: "Text", text: "Name or number; absent: the job is ended")
    private static let signalFlags = Endpoint.Query(
        name: "flags", schema: "Text", text: "With a signal: BATCH_JOB, FULL_JOB")

    private static func get(
        _ path: String, _ operation: FrontOperation, _ summary: String, _ query: [Endpoint.Query] = [],
        db: Bool = false, refusing refusedQuery: [String] = []
    ) -> FrontLine {
        FrontLine(
            method: .get, path: path, service: db ? .slurmdb : .slurm, answer: .offered(operation), query: query,
            refusedQuery: refusedQuery, summary: summary)
    }

    private static let slurm: [FrontLine] = [
        get("ping", .ping, "Whether the cluster answers"),
        get("diag", .diag, "How many jobs wait and run; nothing of slurmctld's own"),
        FrontLine(
            method: .post, path: "job/submit", service: .slurm, answer: .offered(.submit), body: .json("JobSubmission"),
            summary: "Submit a job"),
        get("jobs", .jobs, "My jobs in the queue", [updateTime, flags]),
        get(
            "jobs/state", .jobStates, "The states of my jobs",
            [
                Endpoint.Query(
                    name: "job_id", schema: "Text", text: "At most 1,000 jobs with commas between; absent: all"),
                updateTime, flags,
            ]),
        FrontLine(
            method: .delete, path: "jobs", service: .slurm, answer: .offered(.cancelList), body: .json("KillJobs"),
            summary: "End or signal several of my jobs"),
        get("job/{job}", .job, "One of my jobs", [updateTime, flags]),
        FrontLine(
            method: .post, path: "job/{job}", service: .slurm, answer: .offered(.update), body: .json("JobUpdate"),
            summary: "Change one of my jobs"),
        FrontLine(
            method: .delete, path: "job/{job}", service: .slurm, answer: .offered(.cancel),
            query: [signal, signalFlags], summary: "End one of my jobs, or signal it"),
        get("partitions", .partitions, "Partitions", [updateTime, flags]),
        get("partition/{name}", .partition, "One partition", [updateTime, flags]),
        get("nodes", .nodes, "Nodes", [updateTime, flags]),
        get("node/{name}", .node, "One node", [updateTime, flags]),
        get(
            "reservations", .reservations, "Reservations that name me or one of my accounts, and those for maintenance",
            [updateTime]),
        get("reservation/{name}", .reservation, "One of them", [updateTime]),
    ]

    private static let finished: [Endpoint.Query] = [
        .init(name: "start_time", schema: "Text", text: "UNIX time; absent: a day ago"),
        .init(name: "end_time", schema: "Text", text: "UNIX time; absent: now"),
        .init(name: "users", schema: "Text", text: "My own name"),
        .init(name: "account", schema: "Text", text: "Names with commas between"),
        .init(name: "partition", schema: "Text", text: "Names with commas between"),
        .init(name: "job_name", schema: "Text", text: "Names with commas between"),
        .init(name: "state", schema: "Text", text: "States with commas between, in full or short: FAILED or F"),
        .init(
            name: "step", schema: "Text",
            text: "Jobs, tasks, components or steps with commas between: 123, 123_4, 123+1, 123.0"),
        .init(name: "skip_steps", schema: "Text", text: "true: without their steps"),
    ]

    private static let slurmdb: [FrontLine] = [
        get(
            "jobs", .finishedJobs, "My jobs in accounting", finished, db: true,
            refusing: [
                "association", "cluster", "constraints", "cpus_max", "cpus_min", "scheduler_unset",
                "scheduled_on_submit", "scheduled_by_main", "scheduled_by_backfill", "job_started", "exit_code",
                "show_duplicates", "disable_truncate_usage_time", "whole_hetjob", "disable_whole_hetjob",
                "disable_wait_for_result", "usage_time_as_submit_time", "show_batch_script", "show_job_environment",
                "format", "groups", "qos", "reason", "reservation", "reservation_id", "node", "wckey", "nodes_max",
                "nodes_min", "timelimit_max", "timelimit_min", "job_altered", "submit_time",
            ]),
        get("job/{job}", .finishedJob, "One of my jobs in accounting", db: true),
        get(
            "users", .users, "Myself", [withAssociations], db: true,
            refusing: [
                "admin_level", "default_account", "default_wckey", "with_coords", "with_deleted", "with_wckeys",
                "without_defaults",
            ]),
        get(
            "user/{name}", .user, "Myself", [withAssociations], db: true,
            refusing: ["with_deleted", "with_coords", "with_wckeys"]),
        get("associations", .associations, "My associations", db: true, refusing: associationFilters),
        get("association", .association, "The first of them", db: true, refusing: associationFilters),
        get(
            "accounts", .accounts, "My accounts", db: true,
            refusing: accountFilters + [
                "description", "DELETED", "WithAssociations", "WithCoordinators", "NoUsersAreCoords", "UsersAreCoords",
            ]),
        get("account/{name}", .account, "One of my accounts", db: true, refusing: accountFilters),
        get("qos", .allQOS, "The QOS that I may use", db: true, refusing: qosFilters),
        get("qos/{name}", .qos, "One of them", db: true, refusing: qosFilters),
    ]

    private static let withAssociations = Endpoint.Query(
        name: "with_assocs", schema: "Text", text: "false: without my associations; absent: with them")
    private static let associationFilters = [
        "account", "cluster", "default_qos", "parent_account", "partition", "user", "qos", "id",
        "format", "only_defaults", "usage_start", "usage_end", "with_deleted", "with_usage", "with_raw_qos",
        "with_sub_accts", "without_parent_info", "without_parent_limits", "Include deleted associations",
        "Include usage", "Filter to only defaults", "Include the raw QOS or delta_qos", "Include sub acct information",
        "Exclude parent id/name", "Exclude limits from parents",
    ]
    private static let accountFilters = ["with_assocs", "with_coords", "with_deleted"]
    private static let qosFilters = [
        "id", "format", "name", "description", "preempt_mode", "with_deleted", "Include deleted QOS",
    ]

    private static func refused(
        _ service: FrontPath.Service, _ why: String, _ lines: [(HTTPRequest.Method, String)]
    ) -> [FrontLine] {
        lines.map { method, path in
            FrontLine(
                method: method, path: path, service: service, answer: .refused(why), body: .unread, summary: why)
        }
    }

    private static let operators = "it is for operators of the cluster, who use Slurm's own commands"
    private static let others = "it tells of other people"

    private static let refused: [FrontLine] =
        refused(
            .slurm, operators,
            [
                (.get, "reconfigure"), (.post, "node/{name}"), (.delete, "node/{name}"), (.post, "nodes"),
                (.post, "new/node"), (.post, "reservation"), (.post, "reservations"), (.delete, "reservation/{name}"),
            ])
        + refused(.slurm, others, [(.get, "shares")])
        + refused(.slurm, "the gateway does not read it", [(.get, "licenses"), (.get, "resources/{job}")])
        + refused(.slurm, "an allocation without a script is not offered: submit a job", [(.post, "job/allocate")])
        + refused(
            .slurmdb, operators,
            [
                (.get, "config"), (.post, "config"), (.get, "diag"), (.get, "ping"), (.get, "clusters"),
                (.post, "clusters"), (.get, "cluster/{name}"), (.delete, "cluster/{name}"), (.post, "users"),
                (.delete, "user/{name}"), (.post, "users_association"), (.post, "accounts"),
                (.delete, "account/{name}"), (.post, "accounts_association"), (.post, "associations"),
                (.delete, "associations"), (.delete, "association"), (.post, "qos"), (.delete, "qos/{name}"),
                (.post, "tres"), (.post, "wckeys"), (.delete, "wckey/{name}"), (.post, "jobs"), (.post, "job/{job}"),
            ])
        + refused(
            .slurmdb, "the gateway does not read it",
            [
                (.get, "tres"), (.get, "wckeys"), (.get, "wckey/{name}"), (.get, "instances"), (.get, "instance"),
            ])
}
