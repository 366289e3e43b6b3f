// SPDX-License-Identifier: Apache-2.0

/// What a submission can say.
enum DescriptionKey: Hashable, Sendable {
    case name, arguments, partition, account, qos, reservation
    case nodes, minimumNodes, maximumNodes, tasks, tasksPerNode, cpusPerTask, memoryPerNode, memoryPerCPU
    case gpus, gpusPerNode, gpusPerTask, tresPerJob, tresPerNode, tresPerTask
    case timeLimit, timeMinimum, array, dependency, begin, beginRelative
    case workingDirectory, standardOutput, standardError, standardInput, openMode, openModeWords
    case environment, comment, requeue, noRequeue, hold, nice
    case constraint, requiredNodes, excludedNodes, exclusive, cpusPerGPU, cpusPerTRES, memoryPerGPU, memoryPerTRES, mail
    case signal, signalName, signalSeconds, signalFlags
}

/// Sources: tag slurm-22-05-8-1, src/common/slurm_opt.c and src/plugins/openapi/v0.0.38; src/plugins/data_parser/v0.0.40
/// to v0.0.42/parsers.c (JOB_DESC_MSG). All rows of v0.0.38 and v0.0.42 were tried on daemons of 22.05.8 and 24.11.5.
let jobDescriptionRows: [FieldRow<DescriptionKey>] = [
    .init(.name, "name", 36...45, .text),
    // 22.05.8: slurmrestd dies of a submission with argv, after slurmctld has taken the job.
    .init(.arguments, "argv", 40...45, .list),
    .init(.partition, "partition", 36...45, .text),
    .init(.account, "account", 36...45, .text),
    .init(.qos, "qos", 36...45, .text),
    .init(.reservation, "reservation", 36...45, .text),
    // 22.05.8 takes a list of two numbers, as its description says, and then ignores it. A text is heeded.
    .init(.nodes, "nodes", 36...38, .text),
    .init(.minimumNodes, "minimum_nodes", 40...45, .integer),
    .init(.maximumNodes, "maximum_nodes", 40...45, .integer),
    .init(.tasks, "tasks", 36...45, .integer),
    .init(.tasksPerNode, "tasks_per_node", 36...45, .integer),
    .init(.cpusPerTask, "cpus_per_task", 36...45, .integer),
    .init(.memoryPerNode, "memory_per_node", 36...38, .integer),
    .init(.memoryPerNode, "memory_per_node", 40...45, .number),
    .init(.memoryPerCPU, "memory_per_cpu", 36...38, .integer),
    .init(.memoryPerCPU, "memory_per_cpu", 40...45, .number),
    .init(.gpus, "gpus", 36...38, .text),
    .init(.gpusPerNode, "gpus_per_node", 36...38, .text),
    .init(.gpusPerTask, "gpus_per_task", 36...38, .text),
    .init(.tresPerJob, "tres_per_job", 40...45, .text),
    .init(.tresPerNode, "tres_per_node", 40...45, .text),
    .init(.tresPerTask, "tres_per_task", 40...45, .text),
    .init(.cpusPerGPU, "cpus_per_gpu", 36...38, .integer),
    .init(.cpusPerTRES, "cpus_per_tres", 40...45, .text),
    .init(.memoryPerGPU, "memory_per_gpu", 36...38, .integer),
    .init(.memoryPerTRES, "memory_per_tres", 40...45, .text),
    .init(.constraint, "constraints", 36...45, .text),
    .init(.requiredNodes, "nodelist", 36...38, .text),
    .init(.requiredNodes, "required_nodes", 40...45, .list),
    .init(.excludedNodes, "exclude_nodes", 36...38, .text),
    .init(.excludedNodes, "excluded_nodes", 40...45, .list),
    .init(.exclusive, "exclusive", 36...38, .text),
    .init(.exclusive, "shared", 40...45, .list),
    .init(.mail, "mail_type", 36...38, .text),
    .init(.mail, "mail_type", 40...45, .list),
    .init(.timeLimit, "time_limit", 36...38, .integer),
    .init(.timeLimit, "time_limit", 40...45, .number),
    .init(.timeMinimum, "time_minimum", 36...38, .integer),
    .init(.timeMinimum, "time_minimum", 40...45, .number),
    .init(.array, "array", 36...45, .text),
    .init(.dependency, "dependency", 36...45, .text),
    // The description says integer; 22.05.8 answers 2054 to one.
    .init(.beginRelative, "begin_time", 36...38, .relativeTime),
    .init(.begin, "begin_time", 40...45, .number),
    .init(.workingDirectory, "current_working_directory", 36...45, .text),
    .init(.standardOutput, "standard_output", 36...45, .text),
    .init(.standardError, "standard_error", 36...45, .text),
    .init(.standardInput, "standard_input", 36...45, .text),
    .init(.openMode, "open_mode", 36...38, .text),
    .init(.openModeWords, "open_mode", 40...45, .words),
    .init(.environment, "environment", 36...38, .map),
    .init(.environment, "environment", 40...45, .assignments),
    .init(.comment, "comment", 36...45, .text),
    // 22.05.8 reads every value of requeue as true, false included.
    .init(.noRequeue, "no_requeue", 36...38, .flag),
    .init(.requeue, "requeue", 36...45, .flag),
    .init(.hold, "hold", 36...45, .flag),
    .init(.nice, "nice", 36...45, .integer),
    .init(.signal, "signal", 36...38, .text),
    .init(.signalName, "kill_warning_signal", 40...45, .text),
    .init(.signalSeconds, "kill_warning_delay", 40...45, .number),
    .init(.signalFlags, "kill_warning_flags", 40...45, .words),
]
