// SPDX-License-Identifier: Apache-2.0

/// Sources for all of these: src/plugins/openapi/dbv0.0.38/parse.c; QOS, ASSOC, USER, ACCOUNT, JOB and STEP in
/// src/plugins/data_parser/v0.0.40 to v0.0.45/parsers.c; recorded replies of 22.05.8 and 24.11.5.
extension NounTable {
    /// `GET /slurmdb/VERSION/qos`.
    static let qos = NounTable([
        .text("description"),
        .words("flags").gaining(43, "DELETED", "PARTITION_QOS"),
        .integer("id"),
        .field("limits.grace_time", usual: .zero)
            .old("limits.grace_time", .plainNumber).also("limits.grace_time", 40...45, .integer),
        .limit("limits.max.active_jobs.accruing"),
        .limit("limits.max.active_jobs.count"),
        .number("limits.max.jobs.count", 42...45, usual: .infinite),
        .limit("limits.max.jobs.active_jobs.per.account"),
        .limit("limits.max.jobs.active_jobs.per.user"),
        .limit("limits.max.jobs.per.account"),
        .limit("limits.max.jobs.per.user"),
        .records("limits.max.tres.total", tres),
        .records("limits.max.tres.minutes.total", tres, 42...45),
        .records("limits.max.tres.minutes.per.qos", tres),
        .records("limits.max.tres.minutes.per.job", tres),
        .records("limits.max.tres.minutes.per.account", tres),
        .records("limits.max.tres.minutes.per.user", tres),
        .records("limits.max.tres.per.account", tres),
        .records("limits.max.tres.per.job", tres),
        .records("limits.max.tres.per.node", tres),
        .records("limits.max.tres.per.user", tres),
        .limit("limits.max.wall_clock.per.qos"),
        .limit("limits.max.wall_clock.per.job"),
        .limit("limits.max.accruing.per.account"),
        .limit("limits.max.accruing.per.user"),
        .field("limits.factor", usual: .infinite).old("limits.factor", .plainLimit).also(
            "limits.factor", 40...45, .realNumber),
        .limit("limits.min.priority_threshold"),
        .records("limits.min.tres.per.job", tres),
        .text("name"),
        .words("preempt.list"),
        .words("preempt.mode"),
        .limit("preempt.exempt_time"),
        .number("priority"),
        .field("usage_factor", usual: .real(1))
            .old("usage_factor", .plainReal).also("usage_factor", 40...45, .realNumber),
        .field("usage_threshold", usual: .infinite).old("usage_threshold", .plainLimit).also(
            "usage_threshold", 40...45, .realNumber),
    ])

    static let tres = NounTable([
        .text("type"),
        .text("name"),
        .integer("id"),
        // NO_VAL64, as slurmrestd writes it.
        .integer("count", usual: -2),
    ])

    /// `GET /slurmdb/VERSION/accounts`.
    static let account = NounTable([
        .records("associations", associationName),
        .records("coordinators", coordinator),
        .text("description"),
        .text("name"),
        .text("organization"),
        .words("flags"),
    ])

    static let associationName = NounTable([
        .text("account"),
        .text("cluster"),
        .text("partition"),
        .text("user"),
        .integer("id", 40...45),
    ])

    static let coordinator = NounTable([
        .text("name"),
        .flag("direct", 40...45).old("direct", .bit),
    ])

    /// `GET /slurmdb/VERSION/associations`. v0.0.40 says who it is a second time, in `id`.
    static let association = NounTable([
        .records("accounting", usage, 40...45),
        .text("account").also("id.account", 40...40, .text),
        .text("cluster").also("id.cluster", 40...40, .text),
        .text("comment", 40...45),
        .text("default.qos"),
        // Which one is the default has a member of its own since v0.0.40.
        .field("flags").old("flags", .oldWords(WordNames(dropped: ["DEFAULT"]))).also("flags", 40...45, .words),
        .limit("max.jobs.per.count"),
        .limit("max.jobs.per.accruing"),
        .limit("max.jobs.per.submitted"),
        .limit("max.jobs.per.wall_clock"),
        .limit("max.jobs.active"),
        .limit("max.jobs.accruing"),
        .limit("max.jobs.total"),
        .records("max.tres.total", tres),
        .records("max.tres.group.minutes", tres),
        .records("max.tres.group.active", tres),
        .records("max.tres.minutes.total", tres),
        .records("max.tres.minutes.per.job", tres),
        .records("max.tres.per.job", tres),
        .records("max.tres.per.node", tres),
        .limit("max.per.account.wall_clock"),
        .integer("id", 41...45).also("id.id", 40...40, .integer),
        .flag("is_default", 40...45).old("is_default", .bit),
        .text("lineage", 40...45),
        .limit("min.priority_threshold"),
        .text("parent_account"),
        .text("partition").also("id.partition", 40...40, .text),
        .limit("priority"),
        .words("qos"),
        .integer("shares_raw"),
        // Always empty: what is used is nothing that slurmdbd knows.
        .field("usage").old("usage", .emptyObject),
        .text("user").also("id.user", 40...40, .text),
    ])

    static let usage = NounTable([
        .integer("allocated.seconds", 40...45),
        .integer("id", 40...45),
        .integer("id_alt", 42...45),
        .integer("start", 40...45),
        .text("TRES.type", 40...45),
        .text("TRES.name", 40...45),
        .integer("TRES.id", 40...45),
        .integer("TRES.count", 40...45),
    ])

    /// `GET /slurmdb/VERSION/users`.
    static let user = NounTable([
        .field("administrator_level").old("administrator_level", .oldWords(oldLevels))
            .also("administrator_level", 40...45, .words),
        .records("associations", associationName),
        .records("coordinators", coordinator),
        .integer("default.qos", 44...45),
        .text("default.account"),
        .text("default.wckey"),
        .words("flags"),
        .text("name"),
        .text("old_name", 40...45),
        .records("wckeys", wckey, 40...45),
    ])

    static let wckey = NounTable([
        .records("accounting", usage, 40...45),
        .text("cluster", 40...45),
        .integer("id", 40...45),
        .text("name", 40...45),
        .text("user", 40...45),
        .words("flags", 40...45),
    ])
}

private let oldLevels = WordNames(
    names: ["NOT SET": "Not Set", "NONE": "None", "OPERATOR": "Operator", "ADMINISTRATOR": "Administrator"])
