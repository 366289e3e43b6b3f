// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// The options that sbatch(1) reads from the environment ("INPUT ENVIRONMENT VARIABLES"), of Slurm 22.05. The command
/// line wins over them, and they over #SBATCH lines. An empty variable says nothing.
enum SubmissionEnvironment {
    private enum Meaning {
        /// The value is the option's.
        case value(SubmissionOption)
        /// That the variable is there says all.
        case flag(SubmissionOption)
        /// A value, or none in sbatch's words for an option that stands alone.
        case optional(SubmissionOption)
    }

    /// - Throws: `SallyError(.unsupported)` for a variable that asks for what the gateway does not offer: leaving it out
    ///   would make another job than sbatch's.
    static func options(_ environment: [String: String]) throws -> [SaidOption] {
        var options: [SaidOption] = []
        for (name, meaning) in meanings {
            guard let value = environment[name], !value.isEmpty else { continue }
            switch meaning {
            case .value(.refused(let refused)), .flag(.refused(let refused)), .optional(.refused(let refused)):
                throw SallyError(
                    .unsupported, "variable \(name) is not offered: \(refused.reason)", hint: "unset \(name)")
            case .value(let option): options.append(SaidOption(option: option, spelling: name, value: value))
            case .flag(let option): options.append(SaidOption(option: option, spelling: name, value: nil))
            case .optional(let option):
                guard case .optional(let usual) = option.value else { continue }
                let isBare = ["exclusive", "yes", "1"].contains(value.lowercased())
                options.append(SaidOption(option: option, spelling: name, value: isBare ? usual : value))
            }
        }
        return options
    }

    /// What `-M` says to sbatch: SBATCH_CLUSTERS, else SLURM_CLUSTERS. SALLY_CLUSTER, which is about sally alone, wins.
    static func cluster(_ here: Surroundings) -> String? {
        guard here.set("SALLY_CLUSTER") == nil else { return nil }
        return here.set("SBATCH_CLUSTERS") ?? here.set("SLURM_CLUSTERS")
    }

    /// In this order, so that of two that say the same thing the later counts.
    private static let meanings: [(String, Meaning)] = [
        ("SBATCH_ACCOUNT", .value(.field(.account))),
        ("SBATCH_ARRAY_INX", .value(.field(.array))),
        ("SBATCH_CONSTRAINT", .value(.field(.constraint))),
        ("SBATCH_CPUS_PER_GPU", .value(.field(.cpusPerGPU))),
        ("SBATCH_CPUS_PER_TASK", .value(.field(.cpusPerTask))),
        ("SBATCH_ERROR", .value(.field(.error))),
        ("SBATCH_EXCLUSIVE", .optional(.field(.exclusive))),
        ("SBATCH_EXPORT", .value(.export)),
        ("SBATCH_GPUS", .value(.field(.gpus))),
        ("SBATCH_GPUS_PER_NODE", .value(.field(.gpusPerNode))),
        ("SBATCH_GPUS_PER_TASK", .value(.field(.gpusPerTask))),
        ("SBATCH_GRES", .value(.field(.gres))),
        ("SBATCH_INPUT", .value(.field(.input))),
        ("SBATCH_JOB_NAME", .value(.field(.jobName))),
        ("SBATCH_MEM_PER_CPU", .value(.field(.memoryPerCPU))),
        ("SBATCH_MEM_PER_GPU", .value(.field(.memoryPerGPU))),
        ("SBATCH_MEM_PER_NODE", .value(.field(.memory))),
        ("SBATCH_OPEN_MODE", .value(.field(.openMode))),
        ("SBATCH_OUTPUT", .value(.field(.output))),
        ("SBATCH_PARTITION", .value(.field(.partition))),
        ("SBATCH_QOS", .value(.field(.qos))),
        ("SBATCH_NO_KILL", .flag(.field(.noKill))),
        ("SBATCH_NO_REQUEUE", .flag(.noRequeue)),
        ("SBATCH_REQUEUE", .flag(.field(.requeue))),
        ("SBATCH_REQ_SWITCH", .value(.field(.switches))),
        ("SBATCH_RESERVATION", .value(.field(.reservation))),
        ("SBATCH_SIGNAL", .value(.field(.signal))),
        ("SBATCH_TIMELIMIT", .value(.field(.time))),
        ("SBATCH_ACCTG_FREQ", .value(.refused(.tuning))),
        ("SBATCH_BATCH", .value(.refused(.tuning))),
        ("SBATCH_BURST_BUFFER", .value(.refused(.uncounted))),
        ("SBATCH_CONTAINER", .value(.refused(.reach))),
        ("SBATCH_CONTAINER_ID", .value(.refused(.reach))),
        ("SBATCH_CORE_SPEC", .value(.refused(.uncounted))),
        ("SBATCH_CPU_FREQ_REQ", .value(.refused(.tuning))),
        ("SBATCH_DELAY_BOOT", .value(.refused(.tuning))),
        ("SBATCH_DISTRIBUTION", .value(.refused(.unbounded))),
        ("SBATCH_GET_USER_ENV", .value(.refused(.local))),
        ("SBATCH_GPU_BIND", .value(.refused(.tuning))),
        ("SBATCH_GPU_FREQ", .value(.refused(.tuning))),
        ("SBATCH_GRES_FLAGS", .value(.refused(.tuning))),
        ("SBATCH_HINT", .value(.refused(.unbounded))),
        ("SBATCH_MEM_BIND", .value(.refused(.tuning))),
        ("SBATCH_NETWORK", .value(.refused(.uncounted))),
        ("SBATCH_OVERCOMMIT", .value(.refused(.unbounded))),
        ("SBATCH_POWER", .value(.refused(.operators))),
        ("SBATCH_PROFILE", .value(.refused(.tuning))),
        ("SBATCH_SPREAD_JOB", .value(.refused(.tuning))),
        ("SBATCH_THREAD_SPEC", .value(.refused(.uncounted))),
        ("SBATCH_THREADS_PER_CORE", .value(.refused(.unbounded))),
        ("SBATCH_TRES_BIND", .value(.refused(.tuning))),
        ("SBATCH_TRES_PER_TASK", .value(.refused(.spelling))),
        ("SBATCH_USE_MIN_NODES", .value(.refused(.unbounded))),
        ("SBATCH_WAIT", .value(.refused(.local))),
        ("SBATCH_WAIT_ALL_NODES", .value(.refused(.tuning))),
        ("SBATCH_WAIT4SWITCH", .value(.refused(.tuning))),
        ("SBATCH_WCKEY", .value(.refused(.uncounted))),
    ]
}
