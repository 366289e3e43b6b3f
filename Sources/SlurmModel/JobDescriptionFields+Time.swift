// SPDX-License-Identifier: Apache-2.0

/// When a job runs, how long, how often.
let timeFields: [DescriptionField] = [
    .init(
        .timeLimit, "time", .judged, .time, .always,
        [.init("time_limit", 36...38, .integer(.thirtyTwo)), .init("time_limit", 40...45, .number(.thirtyTwo))],
        "minutes; in v0.0.36 to v0.0.38 sbatch's notation as well. Absent: the partition's default, sent. "
            + "Of a running job only operators raise it"),
    .init(
        .timeMinimum, "time_min", .judged, .time, .whilePending,
        [
            .init("time_minimum", 36...38, .integer(.thirtyTwo)),
            .init("time minimum", 36...37, .integer(.thirtyTwo), .alias),
            .init("time_minimum", 40...45, .number(.thirtyTwo)),
        ]),
    .init(
        .array, "array", .judged, .arrayTasks, .always, [.init("array", 36...45, .text)],
        "an update changes how many tasks run at once and nothing else: `5`, `%5` or an array with it; sent as `5`"),
    .init(.dependency, "dependency", .allowed, .nothing, .whilePending, [.init("dependency", 36...45, .text)]),
    .init(
        .killOnInvalidDependency, "kill_on_invalid_dep", .allowed, .nothing, .never,
        [
            .init("kill_on_invalid_dependency", 36...38, .text),
            .init("kill_on_invalid dependency", 36...36, .text, .alias),
        ]),
    .init(
        .flags, "kill_on_invalid_dep", .allowed, .nothing, .never, [.init("flags", 40...45, .words)],
        "KILL_INVALID_DEPENDENCY and NO_KILL_INVALID_DEPENDENCY; every other flag is refused"),
    .init(
        .beginRelative, "begin", .allowed, .nothing, .whilePending, [.init("begin_time", 36...38, .moment)],
        "sent as now+SECONDS: 22.05.8 answers 2054 to the number that its description asks for"),
    .init(.begin, "begin", .allowed, .nothing, .whilePending, [.init("begin_time", 40...45, .number(.sixtyFour))]),
    .init(
        refused: "deadline", .tuning,
        [.init("deadline", 36...38, .text), .init("deadline", 40...45, .integer(.sixtyFour))]),
    .init(refused: "end_time", .spelling, [.init("end_time", 40...45, .integer(.sixtyFour))], "say time"),
    .init(
        .requeue, "requeue", .allowed, .nothing, .always, [.init("requeue", 36...45, .flag)],
        "22.05.8 reads every value as true, false included; there false is sent as no_requeue"),
    .init(.noRequeue, "no_requeue", .normalised, .nothing, .always, [.init("no_requeue", 36...38, .flag)], "requeue"),
    .init(
        .noKill, "no_kill", .allowed, .nothing, .never, [.init("no_kill", 36...38, .text)],
        "`set`: 22.05.8 refuses the flag that its description asks for; read as a flag as well"),
    .init(
        .killOnNodeFail, "no_kill", .allowed, .nothing, .never, [.init("kill_on_node_fail", 40...45, .flag)],
        "false is no_kill"),
    .init(
        .signal, "signal", .allowed, .nothing, .never, [.init("signal", 36...38, .text)],
        "B: cannot be sent in these versions"),
    .init(.signalName, "signal", .allowed, .nothing, .never, [.init("kill_warning_signal", 40...45, .text)]),
    .init(
        .signalSeconds, "signal", .allowed, .nothing, .never,
        [.init("kill_warning_delay", 40...45, .number(.sixteen))]),
    .init(
        .signalFlags, "signal", .allowed, .nothing, .never, [.init("kill_warning_flags", 40...45, .words)],
        "BATCH_JOB alone"),
]
