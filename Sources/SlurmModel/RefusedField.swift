// SPDX-License-Identifier: Apache-2.0

/// Why the gateway does not offer something that Slurm knows. It is refused by name with the reason, never ignored.
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

    /// The names that are refused for this reason where jobs are described in sbatch's words: its options with `_` for `-`, and
    /// slurmrestd's own names.
    package var names: [String] { RefusedField.byName.filter { $0.value == self }.keys.sorted() }

    /// Those of sbatch's own options among them, with `_` for `-`.
    package static let options: [String: RefusedField] = {
        let keys = Set(jobDescriptionFields.filter { $0.part == nil }.map(\.key)).subtracting(notOptions)
        return byName.filter { keys.contains($0.key) || $0.key == "tres_per_task" }
    }()

    /// Fields that sbatch has no option for, and options of srun and salloc.
    private static let notOptions = Set(
        optionsOfOthers + [
            "accelerator_binding", "admin_comment", "allocation_node_list", "allocation_node_port", "container_type",
            "cpu_bind", "cpu_binding_flags", "crontab", "distribution_plane_size", "end_time", "flags", "hetjob_group",
            "maximum_cpus", "memory_binding_type", "memory_update_delay", "memory_update_margin",
            "minimum_boards_per_node", "minimum_cpus", "minimum_sockets_per_board", "relative", "reserve_ports",
            "rlimits",
            "selinux_context", "site_factor", "spank_environment", "step_id", "tasks_per_board", "x11_magic_cookie",
            "x11_target_host", "x11_target_port",
        ])

    /// From the rows of `jobDescriptionFields`. What a request can say in sbatch's words is not among them.
    package static let byName: [String: RefusedField] = {
        let offered = Set(JobField.allCases.map(\.rawValue) + ["script", "arguments", "environment"])
        var table: [String: RefusedField] = [:]
        var keys: Set<String> = []
        for field in jobDescriptionFields where !optionsOfOthers.contains(field.key) {
            let reason: RefusedField
            switch field.policy {
            case .refused(let why): reason = why
            case .stripped: reason = .identity
            case .allowed, .judged, .normalised: continue
            }
            keys.insert(field.key)
            for name in [field.key] + field.names { table[name] = reason }
        }
        // What v0.0.40 and later call something that sbatch has a name for.
        for field in jobDescriptionFields where field.part != nil {
            for name in field.names where !keys.contains(name) { table[name] = .spelling }
        }
        return table.filter { !offered.contains($0.key) && !$0.key.contains(" ") }
    }()
}

extension DescriptionField {
    /// Without misspellings and second names.
    fileprivate var names: [String] {
        spellings.filter { $0.role != .alias || $0.versions.upperBound > 38 }.map {
            String($0.name.prefix { $0 != "." })
        }
    }
}
