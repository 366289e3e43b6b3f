// SPDX-License-Identifier: Apache-2.0

/// Who a job runs as, and what Slurm keeps for its operators.
let identityFields: [DescriptionField] = [
    .init(
        .account, "account", .judged, .rules, .whilePending, [.init("account", 36...45, .text)],
        "Slurm reads it in lower case; absent: the person's default account, sent by name"),
    .init(
        refused: "uid", .identity,
        [.init("user_id", 36...38, .text, .disabled), .init("user_id", 40...45, .text)]),
    .init(
        refused: "gid", .identity,
        [.init("group_id", 36...38, .text, .disabled), .init("group_id", 40...45, .text)]),
    .init(
        refused: "jobid", .identity,
        [.init("job_id", 36...38, .integer(.thirtyTwo), .disabled), .init("job_id", 40...45, .integer(.thirtyTwo))]),
    .init(refused: "step_id", .identity, [.init("step_id", 44...45, .object)]),
    .init(
        refused: "clusters", .identity,
        [
            .init("clusters", 36...38, .text, .disabled), .init("cluster", 36...38, .text, .disabled),
            .init("clusters", 40...45, .text),
        ], "the cluster is named by the path"),
    .init(
        refused: "immediate", .identity,
        [.init("immediate", 36...38, .flag, .disabled), .init("immediate", 40...45, .flag)]),
    .init(
        refused: "crontab", .identity, [.init("crontab", 40...45, .object)],
        "slurmrestd before 24.05 crashes of one"),
    .init(
        stripped: "allocation_node_list",
        [
            .init("allocation_node_list", 36...38, .text, .disabled),
            .init("allocation_node_list", 40...45, .text),
        ], "slurmctld puts slurmrestd's own host here"),
    .init(
        stripped: "allocation_node_port", [.init("allocation_node_port", 40...45, .integer(.sixteen))],
        "nobody listens for a batch job"),
    .init(
        refused: "hetjob_group", .identity,
        [
            .init("hetjob_group", 36...38, .integer(.thirtyTwo), .disabled),
            .init("hetjob_group", 40...45, .integer(.thirtyTwo)),
        ], "heterogeneous jobs are refused as a whole"),
    .init(refused: "admin_comment", .operators, [.init("admin_comment", 40...45, .text)]),
    .init(
        refused: "reboot", .operators, [.init("reboot", 36...38, .flag, .disabled), .init("reboot", 40...45, .flag)]),
    .init(refused: "site_factor", .operators, [.init("site_factor", 40...45, .integer(.thirtyTwo))]),
    .init(
        refused: "power", .operators,
        [.init("power_flags", 36...38, .text, .disabled), .init("power_flags", 40...44, .list, .removed)]),
    .init(
        .priority, "priority", .normalised, .nothing, .always,
        [
            .init("priority", 36...36, .text, .disabled), .init("priority", 37...38, .integer(.thirtyTwo), .alias),
            .init("priority", 40...45, .number(.thirtyTwo), .alias),
        ], "0 is hold; every other value is an operator's and refused, where Slurm would ignore it silently"),
    .init(
        .hold, "hold", .allowed, .nothing, .always, [.init("hold", 36...45, .flag)],
        "Slurm keeps it in priority; an administrator's hold is not released by it"),
    .init(
        .nice, "nice", .allowed, .nothing, .always, [.init("nice", 36...45, .integer(.thirtyTwo))],
        "below 0 is an operator's and refused"),
]
