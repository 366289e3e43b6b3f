// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// A job of the queue as it was asked for, read back from what slurmrestd reports: as much of it as bounds and rules need.
struct ExistingJob {
    var request = JobRequest(script: "")
    /// What Slurm counts of it: asked for, and given.
    var reported: [TRES] = []
    /// Tasks of the array that this record stands for; 1 for every other job.
    var arrayTasks = 1

    private let json: JSONValue

    /// Both families name these alike, and numbers are read in either form.
    /// - Throws: `SallyError(.unsupported)` where the job asks for resources that are not offered, so that nothing bounds it.
    init(_ json: JSONValue) throws {
        self.json = json
        guard let account = text("account"), let partition = text("partition") else {
            throw SallyError(.unavailable, "Slurm's record of the job names no account or no partition")
        }
        guard number("het_job_id") ?? 0 == 0 else {
            throw SallyError(
                .unsupported, "the job is part of a heterogeneous job: no rule judges its parts together",
                hint: "cancel it, and submit another")
        }
        try request.set(.account, to: account)
        try request.set(.partition, to: partition)
        // Slurm reports the default as if it had been named; from v0.0.40 on it says which it was.
        if !(json["flags"]?.array ?? []).contains("USING_DEFAULT_QOS") { try set(.qos, "qos") }
        try set(.reservation, "resv_name")
        try set(.timeMinimum, "time_minimum", from: 1)
        request.timeLimit = timeLimit
        reported = ["tres_req_str", "tres_alloc_str"].compactMap { text($0).map { TRES($0) } }
        arrayTasks = try tasksOfArray()
        try readCounts()
        try readMemory()
        try readDevices()
        try readNames()
        reconcile()
    }

    private mutating func readCounts() throws {
        let tasks = number("tasks") ?? 0
        if tasks > 0 { request.tasks = tasks }
        if let each = number("tasks_per_node"), each > 0 { request.tasksPerNode = each }
        if let each = number("minimum_cpus_per_node"), each > 1 { request.cpusPerNode = each }
        let least = max(1, number("node_count") ?? 1)
        let most = number("max_nodes") ?? 0
        if most > 0 || least > 1 {
            request.nodes = NodeCount(minimum: least, maximum: most > 0 ? max(most, least) : max(least, tasks))
        }
        // What a task has where it is not reported: v0.0.38 keeps it to itself.
        let cpus = number("cpus") ?? 0
        let each = max(number("cpus_per_task") ?? 1, tasks > 0 ? (cpus + tasks - 1) / tasks : cpus, 1)
        if text("cpus_per_tres") == nil { request.cpusPerTask = each }
    }

    private mutating func readMemory() throws {
        if let each = number("memory_per_cpu"), each > 0 {
            request.memoryPerCPU = Memory(mebibytes: Int64(each))
        } else if let each = number("memory_per_node"), text("memory_per_tres") == nil {
            request.memoryPerNode = Memory(mebibytes: Int64(each))
        }
    }

    private mutating func readDevices() throws {
        let keys: [(JobField, String)] = [
            (.gpus, "tres_per_job"), (.gpusPerNode, "tres_per_node"), (.gpusPerTask, "tres_per_task"),
        ]
        for (field, key) in keys {
            guard let text = text(key) else { continue }
            let counts = try GPUCounts(gres: text)
            if !counts.isEmpty { try request.set(field, to: counts.description) }
        }
        if text("tres_per_socket") != nil {
            throw SallyError(
                .unsupported, "the job asks for resources of each socket, which \(RefusedField.unbounded.reason)",
                hint: "cancel it, and submit another")
        }
        if let text = text("cpus_per_tres") { try request.set(.cpusPerGPU, to: JobDraft.perGPU(text)) }
        if let text = text("memory_per_tres") {
            request.memoryPerNode = nil
            try request.set(.memoryPerGPU, to: JobDraft.perGPU(text))
        }
        switch json["shared"] {
        case nil, .null?, .array([])?, .array(["oversubscribe"])?: break
        case .array(["user"])?: request.exclusive = .user
        // A way of sharing that is not known here is taken for the largest.
        case .array?, .bool?, .number?, .string?, .object?: request.exclusive = .node
        }
    }

    private mutating func readNames() throws {
        try set(.exclude, "excluded_nodes")
        try set(.nodelist, "required_nodes")
        request.requeue = json["requeue"]?.bool
        request.comment = text("comment")
    }

    /// What Slurm reports may contradict what a request may say: the larger of the two is taken.
    private mutating func reconcile() {
        if let tasks = request.tasks, let nodes = request.nodes { request.tasks = max(tasks, nodes.minimum) }
        if let names = request.requiredNodes?.names.count, let nodes = request.nodes {
            request.nodes?.maximum = max(nodes.maximum, names)
        }
    }

    private var timeLimit: TimeLimit? {
        switch try? FieldForm.number(.thirtyTwo).read(json["time_limit"] ?? .null) {  // what cannot be read is no limit
        case .number(let minutes)? where minutes >= 0: TimeLimit(minutes: Int(minutes))
        case .number?, .unset?, .infinite?, .text?, .flag?, .list?, .map?, nil: .unlimited
        }
    }

    /// Tasks that have not become jobs of their own.
    private func tasksOfArray() throws -> Int {
        guard let text = text("array_task_string") else { return 1 }
        // Slurm cuts long lists short.
        if let array = try? ArraySpec(text) { return array.count }  // not one that it cut
        return ArraySpec.limit
    }

    private mutating func set(_ field: JobField, _ key: String, from least: Int = 0) throws {
        if case .object? = json[key] {
            if let number = number(key), number >= least { try request.set(field, to: "\(number)") }
            return
        }
        guard let text = text(key), decimal(text).map({ $0 >= least }) ?? true else { return }
        try request.set(field, to: text)
    }

    private func text(_ key: String) -> String? {
        switch json[key] {
        case .string(let text)?: text.isEmpty ? nil : text
        case .number(let text)?: text
        case .array(let parts)?: parts.isEmpty ? nil : parts.compactMap(\.string).joined(separator: ",")
        case .null?, .bool?, .object?, nil: nil
        }
    }

    /// Nil where it is unset, or cannot be read. Far more than any cluster has stays far more, and can be counted with.
    private func number(_ key: String) -> Int? {
        guard let value = json[key] else { return nil }
        let reading = try? FieldForm.number(.sixtyFour).read(value)  // nil: not a number
        guard case .number(let number)? = reading else { return nil }
        return Int(min(max(number, 0), 1 << 40))
    }
}
