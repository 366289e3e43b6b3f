// SPDX-License-Identifier: Apache-2.0

/// What is about the machine on which sbatch or srun runs. v0.0.36 to v0.0.38 list every option of the three commands.
let localFields: [DescriptionField] =
    [
        .init(
            refused: "get_user_env", .local, [.init("get_user_environment", 36...38, .flag)],
            "starts a log-in shell on a node"),
        .init(refused: "umask", .local, [.init("umask", 36...38, .text)]),
        .init(refused: "test_only", .local, [.init("test_only", 36...38, .flag)], "there is no dry run over REST"),
        .init(
            refused: "propagate", .local, [.init("propagate", 36...38, .text, .disabled)],
            "limits of the shell that sbatch runs in"),
        .init(refused: "rlimits", .local, rlimits.map { FieldSpelling("rlimits.\($0)", 40...45, .number(.sixtyFour)) }),
        .init(refused: "verbose", .local, [.init("verbose", 36...38, .text, .disabled)]),
        .init(refused: "wait", .local, [.init("wait", 36...38, .flag, .disabled)]),
        .init(refused: "ignore_pbs", .local, [.init("ignore_pbs", 36...38, .flag, .disabled)]),
        .init(refused: "export_file", .local, [.init("export_file", 36...38, .text, .disabled)]),
    ] + optionsOfOthers.map { .init(refused: $0, .local, [.init($0, 36...38, .text, .disabled)]) }

private let rlimits = ["cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as"]

/// Options of srun and salloc, and of sbatch's own output. Where jobs are described in sbatch's words they are unknown.
let optionsOfOthers = [
    "bell", "compress", "debugger_test", "disable_status", "epilog", "export", "help", "kill_command",
    "kill_on_bad_exit",
    "label", "max_threads", "message_timeout", "mpi", "multiple_program", "no_allocation", "no_bell", "no_shell",
    "parsable", "preserve_environment", "prolog", "pty", "quiet", "quit_on_interrupt", "slurmd_debug", "task_epilog",
    "task_prolog", "threads", "unbuffered", "unknown", "usage", "version", "wrap",
]
