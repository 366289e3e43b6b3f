// SPDX-License-Identifier: Apache-2.0

/// What slurmrestd reports of a job, in the queue and in accounting.
enum JobKey: Hashable, Sendable {
    case id, arrayID, arrayTask, arrayTasks, name, user, uid, account, partition, qos, states, reason
    /// A wait status before v0.0.40: eight bits of exit status, then the signal.
    case waitStatus, exitStatus, signal
    case submitted, started, ended, timeLimit, nodes, nodeList, cpus, memoryPerNode, memoryPerCPU, tasks
    case requestedTRES, allocatedTRES
    case workingDirectory, standardOutput, standardError, standardInput
    case comment, requeue, restarts, hold, priority, nice, dependency
}

/// `GET /slurm/VERSION/jobs` and `/job/ID`. Sources: src/plugins/openapi/v0.0.38/jobs.c; JOB_INFO in
/// src/plugins/data_parser/v0.0.40 to v0.0.42/parsers.c; recorded replies of 22.05.8 and 24.11.5.
let jobRows: [FieldRow<JobKey>] = [
    .init(.id, "job_id", 36...45, .integer),
    .init(.arrayID, "array_job_id", 36...45, .number),
    .init(.arrayTask, "array_task_id", 36...45, .number),
    .init(.arrayTasks, "array_task_string", 36...45, .text),
    .init(.name, "name", 36...45, .text),
    .init(.user, "user_name", 36...45, .text),
    .init(.uid, "user_id", 36...45, .integer),
    .init(.account, "account", 36...45, .text),
    .init(.partition, "partition", 36...45, .text),
    .init(.qos, "qos", 36...45, .text),
    .init(.states, "job_state", 36...45, .words),
    .init(.reason, "state_reason", 36...45, .text),
    .init(.waitStatus, "exit_code", 36...39, .integer),
    .init(.exitStatus, "exit_code.return_code", 40...45, .number),
    .init(.signal, "exit_code.signal.id", 40...45, .number),
    .init(.submitted, "submit_time", 36...45, .number),
    .init(.started, "start_time", 36...45, .number),
    .init(.ended, "end_time", 36...45, .number),
    .init(.timeLimit, "time_limit", 36...45, .number),
    .init(.nodes, "node_count", 36...45, .number),
    .init(.nodeList, "nodes", 36...45, .text),
    .init(.cpus, "cpus", 36...45, .number),
    .init(.memoryPerNode, "memory_per_node", 36...45, .number),
    .init(.memoryPerCPU, "memory_per_cpu", 36...45, .number),
    .init(.tasks, "tasks", 36...45, .number),
    .init(.requestedTRES, "tres_req_str", 36...45, .text),
    .init(.allocatedTRES, "tres_alloc_str", 36...45, .text),
    .init(.workingDirectory, "current_working_directory", 36...45, .text),
    .init(.standardOutput, "standard_output", 36...42, .text),
    .init(.standardOutput, "stdout_expanded", 43...45, .text),
    .init(.standardError, "standard_error", 36...42, .text),
    .init(.standardError, "stderr_expanded", 43...45, .text),
    .init(.standardInput, "standard_input", 36...42, .text),
    .init(.standardInput, "stdin_expanded", 43...45, .text),
    .init(.comment, "comment", 36...45, .text),
    .init(.requeue, "requeue", 36...45, .flag),
    .init(.restarts, "restart_cnt", 36...45, .integer),
    .init(.hold, "hold", 40...45, .flag),
    .init(.priority, "priority", 36...45, .number),
    .init(.nice, "nice", 36...45, .integer),
    .init(.dependency, "dependency", 36...45, .text),
]

/// `GET /slurmdb/VERSION/jobs` and `/job/ID`.
let accountingJobRows: [FieldRow<JobKey>] = [
    .init(.id, "job_id", 36...45, .integer),
    .init(.arrayID, "array.job_id", 36...45, .integer),
    .init(.arrayTask, "array.task_id", 36...45, .number),
    .init(.arrayTasks, "array.task", 36...45, .text),
    .init(.name, "name", 36...45, .text),
    .init(.user, "user", 36...45, .text),
    .init(.account, "account", 36...45, .text),
    .init(.partition, "partition", 36...45, .text),
    .init(.qos, "qos", 36...45, .text),
    .init(.states, "state.current", 36...45, .words),
    .init(.reason, "state.reason", 36...45, .text),
    .init(.exitStatus, "exit_code.return_code", 36...45, .number),
    .init(.signal, "exit_code.signal.signal_id", 36...39, .number),
    .init(.signal, "exit_code.signal.id", 40...45, .number),
    .init(.submitted, "time.submission", 36...45, .number),
    .init(.started, "time.start", 36...45, .number),
    .init(.ended, "time.end", 36...45, .number),
    .init(.timeLimit, "time.limit", 36...45, .number),
    .init(.nodes, "allocation_nodes", 36...45, .integer),
    .init(.nodeList, "nodes", 36...45, .text),
    .init(.cpus, "required.CPUs", 36...45, .integer),
    .init(.workingDirectory, "working_directory", 36...45, .text),
    .init(.standardOutput, "stdout_expanded", 42...45, .text),
    .init(.standardError, "stderr_expanded", 42...45, .text),
    .init(.standardInput, "stdin_expanded", 42...45, .text),
    .init(.comment, "comment.job", 36...45, .text),
    .init(.restarts, "restart_cnt", 42...45, .integer),
]
