// SPDX-License-Identifier: Apache-2.0

/// What can be said about a job, in the words of sbatch(1)'s long options with `_` for `-`. They are the keys of the
/// body of POST /v1/clusters/NAME/jobs, and the options of `sally submit` and of `#SBATCH` lines.
package enum JobField: String, Sendable, CaseIterable {
    case account, array, begin, chdir, comment, constraint, contiguous
    case cpusPerGPU = "cpus_per_gpu"
    case cpusPerTask = "cpus_per_task"
    case dependency, error, exclude, exclusive
    case gpus
    case gpusPerNode = "gpus_per_node"
    case gpusPerTask = "gpus_per_task"
    case gres, hold, input
    case jobName = "job_name"
    case killOnInvalidDependency = "kill_on_invalid_dep"
    case mailType = "mail_type"
    case memory = "mem"
    case memoryPerCPU = "mem_per_cpu"
    case memoryPerGPU = "mem_per_gpu"
    case cpusPerNode = "mincpus"
    case nice
    case noKill = "no_kill"
    case nodelist, nodes
    case ntasks
    case ntasksPerNode = "ntasks_per_node"
    case ntasksPerSocket = "ntasks_per_socket"
    case openMode = "open_mode"
    case output, partition
    case preferred = "prefer"
    case qos, requeue, reservation, signal, switches, time
    case timeMinimum = "time_min"
    case disk = "tmp"

    package enum Kind: Sendable {
        /// A notation or free text; a JSON number is read as its digits.
        case text
        case integer
        case flag
    }

    package var kind: Kind {
        switch self {
        case .cpusPerGPU, .cpusPerNode, .cpusPerTask, .nice, .ntasks, .ntasksPerNode, .ntasksPerSocket: .integer
        case .contiguous, .hold, .noKill, .requeue: .flag
        case .account, .array, .begin, .chdir, .comment, .constraint, .dependency, .disk, .error, .exclude, .exclusive,
            .gpus, .gpusPerNode, .gpusPerTask, .gres, .input, .jobName, .killOnInvalidDependency, .mailType, .memory,
            .memoryPerCPU, .memoryPerGPU, .nodelist, .nodes, .openMode, .output, .partition, .preferred, .qos,
            .reservation, .signal, .switches, .time, .timeMinimum:
            .text
        }
    }
}
