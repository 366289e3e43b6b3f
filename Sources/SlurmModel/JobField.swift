// SPDX-License-Identifier: Apache-2.0

/// What can be said about a job, in the words of sbatch(1)'s long options with `_` for `-`. They are the keys of the
/// body of POST /v1/clusters/NAME/jobs, and the options of `sally submit` and of `#SBATCH` lines.
package enum JobField: String, Sendable, CaseIterable {
    case account, array, begin, chdir, comment
    case cpusPerTask = "cpus_per_task"
    case dependency, error
    case gpus
    case gpusPerNode = "gpus_per_node"
    case gpusPerTask = "gpus_per_task"
    case gres, hold, input
    case jobName = "job_name"
    case memory = "mem"
    case memoryPerCPU = "mem_per_cpu"
    case nice, nodes
    case ntasks
    case ntasksPerNode = "ntasks_per_node"
    case openMode = "open_mode"
    case output, partition, qos, requeue, reservation, signal, time
    case timeMinimum = "time_min"

    package enum Kind: Sendable {
        /// A notation or free text; a JSON number is read as its digits.
        case text
        case integer
        case flag
    }

    package var kind: Kind {
        switch self {
        case .cpusPerTask, .nice, .ntasks, .ntasksPerNode: .integer
        case .hold, .requeue: .flag
        case .account, .array, .begin, .chdir, .comment, .dependency, .error, .gpus, .gpusPerNode, .gpusPerTask, .gres,
            .input, .jobName, .memory, .memoryPerCPU, .nodes, .openMode, .output, .partition, .qos, .reservation,
            .signal,
            .time, .timeMinimum:
            .text
        }
    }

    /// What Slurm knows and the gateway does not offer, because policy cannot judge it or because it reaches further than
    /// the person: sbatch(1)'s options and slurmrestd's names. Refused by name, never ignored.
    package static let refused: Set<String> = [
        "account_gather_frequency", "acctg_freq", "admin_comment", "allocation_node_list", "allocation_node_port",
        "argv",
        "batch", "batch_features", "bb", "bbf", "begin_time", "burst_buffer", "cluster_constraint", "clusters",
        "constraint",
        "constraints", "container", "container_id", "container_type", "contiguous", "core_spec", "core_specification",
        "cores_per_socket", "cpu_binding", "cpu_freq", "cpu_frequency", "cpus_per_gpu", "cpus_per_tres", "crontab",
        "current_working_directory", "deadline", "delay_boot", "distribution", "end_time", "exclude", "excluded_nodes",
        "exclusive", "export_file", "extra", "extra_node_info", "flags", "get_user_env", "gid", "gpu_bind", "gpu_freq",
        "gpus_per_socket", "gres_flags", "group_id", "hint", "immediate", "job_id", "jobid", "kill_on_invalid_dep",
        "kill_on_node_fail", "kill_warning_delay", "kill_warning_flags", "kill_warning_signal", "licenses", "mail_type",
        "mail_user", "maximum_cpus", "maximum_nodes", "mcs_label", "mem_bind", "mem_per_gpu", "memory_per_cpu",
        "memory_per_gpu", "memory_per_node", "memory_per_tres", "mincpus", "minimum_cpus", "minimum_cpus_per_node",
        "minimum_nodes", "name", "network", "no_kill", "nodefile", "nodelist", "ntasks_per_core", "ntasks_per_gpu",
        "ntasks_per_socket", "ntasks_per_tres", "oom_kill_step", "overcommit", "oversubscribe", "power", "prefer",
        "priority",
        "profile", "propagate", "reboot", "required_nodes", "required_switches", "reserve_ports", "resv_ports",
        "rlimits",
        "segment", "segment_size", "selinux_context", "shared", "site_factor", "sockets_per_node", "spank_environment",
        "spread_job", "standard_error", "standard_input", "standard_output", "step_id", "switches", "tasks",
        "tasks_per_node", "thread_spec", "thread_specification", "threads_per_core", "time_limit", "time_minimum",
        "tmp",
        "tres_bind", "tres_freq", "tres_per_job", "tres_per_node", "tres_per_socket", "tres_per_task", "uid",
        "use_min_nodes", "user_id", "wait_all_nodes", "wait_for_switch", "wckey", "x11",
    ]
}
