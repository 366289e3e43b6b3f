// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// A job of the queue as it was asked for, read back from what slurmrestd reports: as much of it as bounds and rules need.
struct ExistingJob {
    /// Its nodes are those of `nodes`.
    var request = JobRequest(script: "")
    var nodes = NodeRange(minimum: 1, maximum: nil)
    /// What Slurm counts of it: what was asked for, and what was given.
    private(set) var required: TRES?
    private(set) var given: TRES?
    /// Tasks of the array that this record stands for; 1 for every other job.
    private(set) var arrayTasks = 1
    /// Nodes that it asked for at least, as far as that is known: of those that `nodes` has, Slurm may have guessed some.
    var leastNodes = 1
    /// Whether it asked for memory, so that it gets none of what Slurm gives for each GPU.
    var asksMemory = false
    /// Whether it asked for CPUs for each GPU. Of a job that is there nobody knows: Slurm writes its own in the same place.
    var asksCPUsPerGPU = false

    private let json: JSONValue

    var reported: [TRES] { [required, given].compactMap(\.self) }

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
        // Whatever the flag USING_DEFAULT_QOS says: it tells how the job was submitted, and stays when an update names a QOS.
        try set(.qos, "qos")
        try set(.reservation, "resv_name")
        try set(.timeMinimum, "time_minimum", from: 1)
        request.timeLimit = timeLimit
        required = text("tres_req_str").map { TRES($0) }
        given = text("tres_alloc_str").map { TRES($0) }
        arrayTasks = try tasksOfArray()
        try readCounts()
        try readMemory()
        try readDevices()
        try readNames()
        request.tasks = request.tasks.map { max($0, nodes.minimum) }
        asksMemory = has("flags", "EXACT_MEMORY_REQUESTED")
        // Of a job that has run, what is required are the nodes that it got.
        if has("job_state", "PENDING"), number("restart_cnt") ?? 0 == 0 { leastNodes = max(1, required?.nodes ?? 1) }
    }

    private mutating func readCounts() throws {
        let tasks = number("tasks") ?? 0
        if tasks > 0 { request.tasks = tasks }
        if let each = number("tasks_per_node"), each > 0 { request.tasksPerNode = each }
        if let each = number("minimum_cpus_per_node"), each > 1 { request.cpusPerNode = each }
        let most = number("max_nodes") ?? 0
        nodes = NodeRange(minimum: max(1, number("node_count") ?? 1), maximum: most > 0 ? most : nil)
        // What a task has where it is not reported: v0.0.38 keeps it to itself. CPUs that come with GPUs are none of a task's.
        let cpus = text("cpus_per_tres") == nil ? number("cpus") ?? 0 : 0
        request.cpusPerTask = max(number("cpus_per_task") ?? 1, tasks > 0 ? (cpus + tasks - 1) / tasks : cpus, 1)
    }

    private mutating func readMemory() throws {
        if let each = number("memory_per_cpu"), each > 0 {
            request.memoryPerCPU = Memory(mebibytes: Int64(each))
        } else if let each = number("memory_per_node"), each > 0 || text("memory_per_tres") == nil {
            // 0 is all of it, but beside an amount for each GPU: there it is what Slurm writes where nothing was said.
            request.memoryPerNode = Memory(mebibytes: Int64(each))
        }
    }

    private mutating func readDevices() throws {
        let keys: [(JobField, String)] = [
            (.gpus, "tres_per_job"), (.gpusPerNode, "tres_per_node"), (.gpusPerTask, "tres_per_task"),
        ]
        for (field, key) in keys {
            guard let text = text(key) else { continue }
            let counts = try GPUCounts(gres: try withoutCPUs(text))
            if !counts.isEmpty { try request.set(field, to: counts.description) }
        }
        let unbounded =
            text("tres_per_socket") != nil
            ? "tres_per_socket" : (number("tasks_per_tres") ?? 0) > 0 ? "tasks_per_tres" : nil
        if let key = unbounded {
            throw SallyError(
                .unsupported, "the job says \(key): \(RefusedField.unbounded.reason)",
                hint: "cancel it, and submit another")
        }
        if let text = text("cpus_per_tres") { try request.set(.cpusPerGPU, to: JobDraft.perGPU(text)) }
        if let text = text("memory_per_tres") { try request.set(.memoryPerGPU, to: JobDraft.perGPU(text)) }
        switch json["shared"] {
        case nil, .null?, .array([])?, .array(["oversubscribe"])?: break
        case .array(["user"])?: request.exclusive = .user
        // A way of sharing that is not known here is taken for the largest.
        case .array?, .bool?, .number?, .string?, .object?: request.exclusive = .node
        }
    }

    /// Slurm 23.11 and later say --cpus-per-task once more as a resource of each task: `cpu:2`.
    private mutating func withoutCPUs(_ text: String) throws -> String {
        var rest: [Substring] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard part.hasPrefix("cpu:") || part.hasPrefix("cpu=") else {
                rest.append(part)
                continue
            }
            guard let count = decimal(part.dropFirst(4)), count <= JobRequest.largestShort else {
                throw SallyError(.unavailable, "Slurm's record of the job says \(quoted(text)), which cannot be read")
            }
            request.cpusPerTask = max(request.cpusPerTask ?? 1, count)
        }
        return rest.isEmpty ? "none" : rest.joined(separator: ",")
    }

    private mutating func readNames() throws {
        try set(.exclude, "excluded_nodes")
        try set(.nodelist, "required_nodes")
        request.requeue = json["requeue"]?.bool
        request.comment = text("comment")
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

    private func has(_ key: String, _ word: String) -> Bool {
        json[key]?.array?.contains { $0.string == word } ?? (text(key) == word)
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
