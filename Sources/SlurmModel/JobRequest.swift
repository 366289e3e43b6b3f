// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A batch job as a person asks for it. What is nil, Slurm or the cluster's defaults decide.
///
/// Only what policy can judge stands here; everything else that Slurm knows is refused by name (`RefusedField`).
package struct JobRequest: Sendable, Equatable {
    package var name: String?
    /// The batch script itself. Begins with `#!`.
    package var script: String
    /// What the script gets as its arguments.
    package var arguments: [String] = []
    /// Any of these; Slurm takes the one that starts first. Empty: the cluster's default.
    package var partitions: [PartitionName] = []
    package var account: AccountName?
    package var qos: [QOSName] = []
    package var reservations: [ReservationName] = []
    package var nodes: NodeCount?
    package var tasks: Int?
    package var tasksPerNode: Int?
    package var tasksPerSocket: Int?
    package var cpusPerTask: Int?
    /// On each node, whatever its tasks need (sbatch(1) --mincpus).
    package var cpusPerNode: Int?
    package var cpusPerGPU: Int?
    /// Features that each node must have.
    package var constraint: Constraint?
    /// Features that are better, not necessary.
    package var preferred: Constraint?
    /// Neighbours only, and no more switches between the nodes than these.
    package var contiguous = false
    package var switches: SwitchCount?
    /// Free in the node's TmpFS; chooses nodes and takes nothing.
    package var diskPerNode: Memory?
    /// The job gets all of these, and others where they are not enough.
    package var requiredNodes: NodeNames?
    package var excludedNodes: NodeNames?
    package var exclusive: Exclusive?
    /// 0 is all the memory of each node.
    package var memoryPerNode: Memory?
    package var memoryPerCPU: Memory?
    package var memoryPerGPU: Memory?
    /// For the whole job.
    package var gpus: GPUCounts?
    package var gpusPerNode: GPUCounts?
    package var gpusPerTask: GPUCounts?
    package var timeLimit: TimeLimit?
    package var timeMinimum: TimeLimit?
    package var array: ArraySpec?
    package var dependency: Dependency?
    /// Whether a dependency that can never be fulfilled ends the job. Nil: slurm.conf(5) DependencyParameters.
    package var killOnInvalidDependency: Bool?
    /// The job outlives a node that fails.
    package var noKill = false
    package var begin: BeginTime?
    /// Absolute. Nil: the home on the cluster.
    package var workingDirectory: String?
    package var standardOutput: String?
    package var standardError: String?
    package var standardInput: String?
    package var openMode: OpenMode?
    package var environment: [String: String] = [:]
    package var comment: String?
    package var requeue: Bool?
    package var hold = false
    package var nice: Int?
    package var signal: JobSignal?
    /// Mail about these goes to the account on the cluster, and nowhere else.
    package var mail: MailEvents?

    /// Nodes that no other job shares, or no other person's.
    package enum Exclusive: String, Sendable {
        case node, user
    }

    package enum OpenMode: String, Sendable {
        case append, truncate
    }

    /// slurm.conf(5) max_script_size.
    package static let largestScript = 4 << 20
    /// Names and values together.
    package static let largestEnvironment = 1 << 20

    /// Nothing is checked but what is said; `check()` does it.
    package init(script: String) { self.script = script }
}

extension JobRequest {
    /// Everything that is wrong with the request as a whole, in one error.
    /// - Throws: `SallyError(.invalidRequest)`.
    package func check() throws {
        let problems = problems
        guard !problems.isEmpty else { return }
        throw SallyError(
            .invalidRequest, problems.joined(separator: "; "),
            hint: problems.count == 1 && !script.hasPrefix("#!")
                ? "a batch script begins with #! and an interpreter" : nil)
    }

    private var problems: [String] {
        var problems: [String] = []
        if script.utf8.isEmpty {
            problems.append("script is missing")
        } else if !script.hasPrefix("#!") {
            problems.append("script does not begin with #!")
        }
        if script.utf8.count > JobRequest.largestScript {
            problems.append("script is longer than \(JobRequest.largestScript) bytes")
        }
        if script.utf8.contains(0) { problems.append("script contains a NUL byte") }
        if script.utf8.contains(0x0d) { problems.append("script contains DOS line breaks") }
        if asksForBurstBuffers {
            problems.append("script asks for burst buffers (#BB or #DW), which no rule can limit")
        }
        if arguments.contains(where: { $0.utf8.contains(0) }) { problems.append("arguments contain a NUL byte") }
        if arguments.count > 1000 || arguments.reduce(0, { $0 + $1.utf8.count }) > 128 << 10 {
            problems.append("arguments are more than 1000 or longer than 128 KiB")
        }
        problems += resourceProblems
        if let timeMinimum, let timeLimit, let limit = timeLimit.minutes, (timeMinimum.minutes ?? .max) > limit {
            problems.append("time_min is more than time")
        }
        return problems + environmentProblems
    }

    /// slurmctld's burst buffer plugins read `#BB`, `#BB_LUA` and `#DW` at the head of a script, up to the first line that is neither
    /// empty nor begins with `#` (Slurm's burst_buffer_datawarp.c, `_xlate_batch`); --bb is only another way to write them.
    private var asksForBurstBuffers: Bool {
        var rest = script.utf8[...]
        while true {
            rest = rest.drop { $0 == 0x0a }
            guard rest.first == 0x23 else { return false }
            if rest.starts(with: "#BB".utf8) || rest.starts(with: "#DW".utf8) { return true }
            rest = rest.drop { $0 != 0x0a }
        }
    }

    private var resourceProblems: [String] {
        var problems: [String] = []
        let memory = [
            memoryPerNode == nil ? nil : "mem", memoryPerCPU == nil ? nil : "mem_per_cpu",
            memoryPerGPU == nil ? nil : "mem_per_gpu",
        ].compactMap(\.self)
        if memory.count > 1 { problems.append("\(memory.joined(separator: " and ")) exclude each other") }
        if cpusPerTask != nil && cpusPerGPU != nil {
            problems.append("cpus_per_task and cpus_per_gpu exclude each other")
        }
        let hasGPUs = gpus != nil || gpusPerNode != nil || gpusPerTask != nil
        if tasksPerSocket != nil && tasks == nil { problems.append("ntasks_per_socket needs ntasks") }
        if cpusPerGPU != nil && !hasGPUs { problems.append("cpus_per_gpu needs gpus") }
        if memoryPerGPU != nil && !hasGPUs { problems.append("mem_per_gpu needs gpus") }
        if gpusPerTask != nil && tasks == nil && (nodes == nil || tasksPerNode == nil) {
            problems.append("gpus_per_task needs ntasks, or nodes and ntasks_per_node")
        }
        if let nodes, let tasksPerNode, let all = impliedTasks, all > JobRequest.largestTasks {
            problems.append(
                "nodes \(nodes) with ntasks_per_node \(tasksPerNode) are more than \(JobRequest.largestTasks) tasks")
        }
        if let nodes, let tasks, tasks < nodes.minimum {
            problems.append("ntasks \(tasks) is less than the \(nodes.minimum) nodes")
        }
        if let nodes, let requiredNodes, requiredNodes.names.count > nodes.maximum {
            problems.append("nodelist names \(requiredNodes.names.count) nodes, and nodes is \(nodes)")
        }
        if let requiredNodes, let excludedNodes,
            let both = requiredNodes.names.first(where: Set(excludedNodes.names).contains)
        {
            problems.append("nodelist and exclude both name \(both)")
        }
        return problems
    }

    private var environmentProblems: [String] {
        var problems: [String] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            if !isVariableName(name) {
                problems.append("environment: \(quoted(name)) is not a variable's name")
            } else if !isPermitted(name) {
                problems.append("environment: \(name) is not permitted")
            }
            if value.utf8.contains(0) { problems.append("environment: \(quoted(name)) contains a NUL byte") }
            if problems.count > 10 { break }
        }
        if environment.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }) > JobRequest.largestEnvironment {
            problems.append("environment is longer than \(JobRequest.largestEnvironment) bytes")
        }
        return problems
    }
}

/// Whether a job may have a variable of this name: not what tells Slurm or its plugins something that is not offered as an option.
/// SLURM_GET_USER_ENV is --get-user-env, for which slurmd runs a login shell of the user's; `_SLURM_SPANK_OPTION_` carries the options
/// of plugins (spank(7)).
private func isPermitted(_ name: String) -> Bool {
    !["SLURM_JWT", "SLURM_GET_USER_ENV"].contains(name) && !name.hasPrefix("SPANK_")
        && !name.hasPrefix("_SLURM_SPANK_OPTION_")
}

/// Letters, digits and `_`, no digit first (POSIX.1-2017, XBD 8.1).
func isVariableName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first), text.utf8.count <= 256 else { return false }
    return text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
        default: false
        }
    }
}
