// SPDX-License-Identifier: Apache-2.0

/// Where a job may run.
let placementFields: [DescriptionField] = [
    .init(
        .partition, "partition", .judged, .rules, .whilePending, [.init("partition", 36...45, .text)],
        "every one of a list; absent: the cluster's default, sent by name"),
    .init(.qos, "qos", .judged, .rules, .whilePending, [.init("qos", 36...45, .text)], "every one of a list"),
    .init(
        .reservation, "reservation", .judged, .rules, .whilePending, [.init("reservation", 36...45, .text)],
        "every one of a list"),
    .init(
        .constraint, "constraint", .allowed, .nothing, .whilePending,
        [.init("constraints", 36...45, .text), .init("constraint", 36...38, .text, .alias)],
        "counts such as `rack1*2` are refused: they are a number of nodes"),
    .init(
        .preferred, "prefer", .allowed, .nothing, .whilePending,
        [.init("prefer", 38...38, .text), .init("prefer", 40...45, .text)]),
    .init(
        .requiredNodes, "nodelist", .judged, .nodes, .whilePending,
        [
            .init("nodelist", 36...38, .text), .init("node_list", 36...38, .text, .alias),
            .init("required_nodes", 36...38, .text, .disabled), .init("required_nodes", 40...45, .list),
        ], "each name is a node; sent name by name, because some versions take a text for one name"),
    .init(
        .excludedNodes, "exclude", .allowed, .nothing, .whilePending,
        [
            .init("exclude_nodes", 36...38, .text), .init("excluded_nodes", 36...38, .text, .disabled),
            .init("excluded_nodes", 40...45, .list),
        ]),
    .init(
        .exclusive, "exclusive", .judged, .wholeNodes, .never,
        [.init("exclusive", 36...38, .text), .init("exclusive", 40...41, .list, .alias)],
        "`true` and `user`; `mcs` is refused"),
    .init(
        .shared, "exclusive", .judged, .wholeNodes, .never, [.init("shared", 40...45, .list)],
        "`none` is exclusive, `user` is exclusive=user; `oversubscribe`, `mcs` and `topo` are refused"),
    .init(
        refused: "oversubscribe", .unbounded,
        [
            .init("oversubscribe", 36...37, .text, .disabled), .init("oversubscribe", 38...38, .text),
            .init("oversubscribe", 40...41, .text),
        ], "false is refused as well: v0.0.40 reads it as exclusive"),
    .init(
        .contiguous, "contiguous", .allowed, .nothing, .never,
        [.init("contiguous", 36...38, .flag, .disabled), .init("contiguous", 40...45, .flag)]),
    .init(
        .switches, "switches", .allowed, .nothing, .whilePending,
        [
            .init("required_switches", 36...38, .text, .disabled),
            .init("required_switches", 40...45, .number(.thirtyTwo)),
        ]),
    .init(
        .switchWait, "switches", .allowed, .nothing, .whilePending,
        [
            .init("wait_for_switch", 36...38, .integer(.thirtyTwo), .disabled),
            .init("wait_for_switch", 40...45, .integer(.thirtyTwo)),
        ], "seconds: what stands after @"),
    .init(refused: "batch", .uncounted, [.init("batch_features", 36...45, .text)]),
    .init(
        refused: "cluster_constraint", .reach,
        [
            .init("cluster_constraint", 36...45, .text), .init("cluster_constraints", 36...36, .text, .alias),
        ], "only in a federation"),
    .init(refused: "extra", .reach, [.init("extra", 40...45, .text)], "sites filter nodes by it"),
    .init(
        refused: "nodefile", .reach, [.init("nodefile", 36...38, .text, .disabled)],
        "a file of names on slurmrestd's host"),
    .init(refused: "mcs_label", .reach, [.init("mcs_label", 36...45, .text), .init("msc_label", 36...37, .text)]),
    .init(refused: "selinux_context", .reach, [.init("selinux_context", 40...45, .text)]),
    .init(refused: "spread_job", .tuning, [.init("spread_job", 36...38, .flag)], "SPREAD_JOB among the flags"),
    .init(
        refused: "use_min_nodes", .unbounded, [.init("minimum_nodes", 36...38, .flag)],
        "not the number that v0.0.40 and later call so; PREFER_MINIMUM_NODE_COUNT among the flags"),
    .init(refused: "relative", .reach, [.init("relative", 36...38, .text, .disabled)]),
    .init(refused: "delay_boot", .tuning, [.init("delay_boot", 36...45, .integer(.thirtyTwo))]),
    .init(refused: "wait_all_nodes", .tuning, [.init("wait_all_nodes", 36...45, .flag)]),
    .init(refused: "consolidate_segments", .tuning, []),
    .init(refused: "segment", .unbounded, [.init("segment_size", 41...45, .number(.sixteen))]),
]
