// SPDX-License-Identifier: Apache-2.0

/// What runs, with which files, and who is told.
let runningFields: [DescriptionField] = [
    .init(
        .script, "script", .allowed, .nothing, .never, [.init("script", 40...45, .text)],
        "in the job or beside it; both only where they are the same. #SBATCH lines in it mean nothing to slurmrestd"),
    .init(
        .arguments, "arguments", .allowed, .nothing, .never,
        [.init("argv", 36...38, .list, .alias), .init("argv", 40...45, .list)],
        "the first element is replaced by slurmstepd and not read. 22.05.8: slurmrestd dies of it, so it is not sent"),
    .init(
        .name, "job_name", .allowed, .nothing, .whilePending,
        [.init("name", 36...45, .text), .init("job_name", 36...38, .text, .alias)]),
    .init(
        .comment, "comment", .allowed, .nothing, .always, [.init("comment", 36...45, .text)],
        "its end carries the gateway's marker, cut from every view and kept through updates"),
    .init(
        .environment, "environment", .allowed, .nothing, .never,
        [.init("environment", 36...38, .map), .init("environment", 40...45, .assignments)],
        "as object or as list, in every version; SLURM_JWT, SLURM_GET_USER_ENV, SPANK_ and _SLURM_SPANK_OPTION_ names are refused; USER, LOGNAME and HOME are set"
    ),
    .init(
        .workingDirectory, "chdir", .allowed, .nothing, .never,
        [
            .init("current_working_directory", 36...45, .text), .init("cwd", 36...38, .text, .alias),
        ], "absolute; absent: the home on the cluster"),
    .init(
        .standardOutput, "output", .allowed, .nothing, .whilePending,
        [.init("standard_output", 36...45, .text), .init("standard_out", 36...36, .text, .alias)]),
    .init(.standardError, "error", .allowed, .nothing, .never, [.init("standard_error", 36...45, .text)]),
    .init(
        .standardInput, "input", .allowed, .nothing, .never,
        [.init("standard_input", 36...45, .text), .init("standard_in", 36...36, .text, .alias)]),
    .init(.openMode, "open_mode", .allowed, .nothing, .never, [.init("open_mode", 36...38, .text)]),
    .init(.openModeWords, "open_mode", .allowed, .nothing, .never, [.init("open_mode", 40...45, .words)]),
    .init(
        .mail, "mail_type", .allowed, .nothing, .never,
        [.init("mail_type", 36...38, .text), .init("mail_type", 40...45, .list)]),
    .init(refused: "mail_user", .mail, [.init("mail_user", 36...45, .text)]),
    .init(
        refused: "spank_environment", .reach, [.init("spank_environment", 40...45, .assignments)],
        "reaches the environment of root's prolog and epilog"),
    .init(
        refused: "container", .reach,
        [.init("container", 38...38, .text), .init("container", 40...45, .text)]),
    .init(refused: "container_id", .reach, [.init("container_id", 40...45, .text)]),
    .init(refused: "container_type", .reach, [.init("container_type", 45...45, .text)]),
    .init(refused: "x11", .reach, [.init("x11", 36...38, .text, .disabled), .init("x11", 40...45, .words)]),
    .init(refused: "x11_magic_cookie", .reach, [.init("x11_magic_cookie", 40...45, .text)]),
    .init(refused: "x11_target_host", .reach, [.init("x11_target_host", 40...45, .text)]),
    .init(refused: "x11_target_port", .reach, [.init("x11_target_port", 40...45, .integer(.sixteen))]),
    .init(refused: "flags", .reach, [], "sbatch has no such option"),
    .init(refused: "stepmgr", .tuning, [], "STEPMGR_ENABLED among the flags"),
    .init(refused: "oom_kill_step", .tuning, [.init("oom_kill_step", 42...45, .integer(.sixteen))]),
]
