// SPDX-License-Identifier: Apache-2.0

/// What stands around lists, and answers that are none.
extension NounTable {
    /// v0.0.38 writes `Slurm` and whole numbers.
    static let meta = NounTable([
        .text("plugin.type"),
        .text("plugin.name"),
        .text("plugin.data_parser", 40...45),
        .text("plugin.accounting_storage", 40...45),
        .text("client.source", 40...45),
        .text("client.user", 40...45),
        .text("client.group", 40...45),
        .words("command", 40...45),
        .text("slurm.version.major", 40...45).old("Slurm.version.major", .integerText),
        .text("slurm.version.micro", 40...45).old("Slurm.version.micro", .integerText),
        .text("slurm.version.minor", 40...45).old("Slurm.version.minor", .integerText),
        .text("slurm.release", 40...45).old("Slurm.release", .text),
        .text("slurm.cluster", 40...45),
    ])

    /// v0.0.38 calls the number `error_code` where a job was submitted and `errno` of reservations.
    static let error = NounTable([
        .text("description"),
        .integer("error_number").old("error_code", .integer).old("errno", .integer),
        .text("error"),
        .text("source"),
    ])

    static let warning = NounTable([
        .text("description", 40...45),
        .text("source", 40...45),
    ])

    static let ping = NounTable([
        .text("hostname"),
        .text("pinged", 40...45).old("ping", .text),
        .integer("status", 38...38),
        .flag("responding", 42...45),
        .integer("latency", 40...45),
        .text("mode"),
        .flag("primary", 42...45),
    ])

    /// v0.0.40 has it since 23.11.6.
    static let jobState = NounTable([
        .text("job_id", 40...45),
        .words("state", 40...45).gaining(44, "EXPEDITING"),
    ])

    /// The answer to a submission. v0.0.40 and v0.0.41 say it twice.
    static let submission = NounTable([
        .integer("job_id").also("result.job_id", 40...41, .integer),
        .text("step_id").also("result.step_id", 40...41, .text),
        .field("error_code", usual: .zero).also("result.error_code", 40...41, .integer),
        .field("error", usual: .text("No error")).also("result.error", 40...41, .text),
        .text("job_submit_user_msg").also("result.job_submit_user_msg", 40...41, .text),
    ])

    static let cancellation = NounTable([
        .text("error.string", 40...45, usual: .text("No error")),
        .integer("error.code", 40...45),
        .text("error.message", 40...45),
        .text("step_id", 40...45),
        .number("job_id", 40...45),
        .text("federation.sibling", 40...45),
    ])

    static let updateResult = NounTable([
        .integer("job_id", 40...45),
        .text("step_id", 40...45),
        .text("error", 40...45, usual: .text("No error")),
        .integer("error_code", 40...45),
        .text("why", 40...45),
    ])
}
