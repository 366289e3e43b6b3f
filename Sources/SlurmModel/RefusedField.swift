// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What Slurm knows and the gateway does not offer: sbatch(1)'s long options with `_` for `-`, and slurmrestd's names. Refused
/// by name with the reason, never ignored.
package enum RefusedField: String, Sendable, CaseIterable {
    /// The gateway sets it, or it would name somebody else.
    case identity
    /// Slurm keeps it for its operators.
    case operators
    /// It uses something that no rule of the policy counts.
    case uncounted
    /// It would move tasks, CPUs or memory in a way that the upper bounds do not follow.
    case unbounded
    /// It reaches outside of what the person owns on the cluster.
    case reach
    /// Mail of the cluster to an address that nobody has proved to own.
    case mail
    /// slurmrestd's spelling of something that sbatch spells otherwise.
    case spelling
    /// It belongs to the machine on which sbatch runs.
    case local
    /// It tunes how a job runs and is not offered so far as policy knows nothing of it.
    case tuning

    package var reason: String {
        switch self {
        case .identity: "the gateway decides it"
        case .operators: "Slurm keeps it for its operators"
        case .uncounted: "no rule can limit what it uses"
        case .unbounded: "what it lets a job use cannot be bounded beforehand"
        case .reach: "it reaches further than your own jobs and files"
        case .mail: "the cluster sends no mail to addresses that are not known to be yours"
        case .spelling: "sbatch spells it otherwise"
        case .local: "it is about the machine that sbatch runs on"
        case .tuning: "the gateway does not judge it"
        }
    }

    package var hint: String {
        switch self {
        case .identity: "leave it away: the job runs as your account"
        case .operators: "ask an administrator of the cluster"
        case .uncounted: "ask for nodes, CPUs, memory or GPUs"
        case .unbounded: "say --nodes, --ntasks, --ntasks-per-node or --cpus-per-task"
        case .reach: "leave it away, or ask an administrator of the cluster"
        case .mail: "--mail-type alone sends mail to your account on the cluster"
        case .spelling, .tuning: "`sally submit --help` and JobRequest in /v1/openapi.json list what is offered"
        case .local: "leave it away"
        }
    }

    package var names: [String] {
        let text =
            switch self {
            case .identity:
                "allocation_node_list allocation_node_port clusters crontab gid group_id immediate job_id jobid step_id uid user_id"
            case .operators: "admin_comment power priority reboot site_factor"
            case .uncounted:
                "batch_features bb bbf burst_buffer core_spec core_specification licenses network reserve_ports resv_ports "
                    + "thread_spec thread_specification wckey"
            case .unbounded:
                "cores_per_socket distribution extra_node_info gpus_per_socket hint minimum_cpus_per_node mincpus "
                    + "ntasks_per_core ntasks_per_gpu ntasks_per_socket ntasks_per_tres overcommit oversubscribe segment "
                    + "segment_size sockets_per_node threads_per_core tres_per_socket use_min_nodes"
            case .reach:
                "cluster_constraint container container_id container_type extra flags mcs_label nodefile "
                    + "selinux_context spank_environment x11"
            case .mail: "mail_user"
            case .spelling:
                "argv begin_time constraints cpus_per_tres current_working_directory end_time excluded_nodes "
                    + "kill_warning_delay kill_warning_flags kill_warning_signal maximum_cpus maximum_nodes memory_per_cpu "
                    + "memory_per_gpu memory_per_node memory_per_tres minimum_cpus minimum_nodes name required_nodes shared "
                    + "standard_error standard_input standard_output tasks tasks_per_node time_limit time_minimum "
                    + "tres_per_job tres_per_node tres_per_task"
            case .local: "export_file get_user_env ignore_pbs propagate rlimits umask verbose wait"
            case .tuning:
                "account_gather_frequency acctg_freq batch consolidate_segments contiguous cpu_binding cpu_freq "
                    + "cpu_frequency deadline delay_boot gpu_bind gpu_freq gres_flags kill_on_invalid_dep kill_on_node_fail "
                    + "mem_bind no_kill oom_kill_step prefer profile required_switches resv_mpi_ports spread_job "
                    + "stepmgr switches tmp tres_bind tres_freq wait_all_nodes wait_for_switch"
            }
        return text.split(separator: " ").map(String.init)
    }

    package static let byName: [String: RefusedField] = {
        var table: [String: RefusedField] = [:]
        for reason in allCases { for name in reason.names { table[name] = reason } }
        return table
    }()
}
