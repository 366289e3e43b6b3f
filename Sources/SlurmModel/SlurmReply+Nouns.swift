// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The views that the gateway works with, each made of what a record says.
extension SlurmReply {
    /// The queue.
    /// - Throws: `Malformed` if any row is no job: half a queue is none.
    package func jobs() throws(Malformed) -> [Job] { try views(.job, Job.init) }

    package func partitions() throws(Malformed) -> [Partition] { try views(.partition, Partition.init) }

    package func nodes() throws(Malformed) -> [Node] { try views(.node, Node.init) }

    private func views<View>(_ noun: SlurmNoun, _ make: (SlurmRecord) -> View?) throws(Malformed) -> [View] {
        var views: [View] = []
        for record in try records(noun) {
            guard let view = make(record) else { throw Malformed("an entry that is no \(noun)") }
            views.append(view)
        }
        return views
    }
}

extension Job {
    /// - Throws: `Malformed` for a record of anything else: half a queue is none.
    package init(believed record: SlurmRecord) throws(SlurmReply.Malformed) {
        guard let job = Job(record) else { throw SlurmReply.Malformed("an entry that is no job") }
        self = job
    }
}

extension Partition {
    /// - Returns: nil for a record of anything else.
    package init?(_ record: SlurmRecord) {
        guard record.noun == .partition, let name = record.text("name") else { return nil }
        tres = TRES(record.text("tres.configured") ?? "")
        self.name = name
        isDefault = record.words("flags").contains("DEFAULT")
        // OverSubscribe=EXCLUSIVE is written as no job that shares; NO is one (scontrol(1), read in 24.11).
        isExclusive = record.count("maximums.shares") == 0 || record.count("maximums.oversubscribe.jobs") == 0
        givesSockets = record.words("select_type").contains("SOCKET")
        states = record.words("partition.state")
        totalNodes = record.count("nodes.total") ?? 0
        totalCPUs = record.count("cpus.total") ?? 0
        totalMemory = tres.amounts["mem"].flatMap(memory)
        nodeList = record.text("nodes.configured") ?? ""
        maximumTime = limit(record["maximums.time"]) ?? .unlimited
        defaultTime = limit(record["defaults.time"])
        maximumNodes = record.count("maximums.nodes").flatMap { $0 > 0 && $0 < Int(UInt32.max) ? $0 : nil }
        minimumNodes = max(1, record.count("minimums.nodes") ?? 1)
        defaultMemoryPerNode = amount(record.number("defaults.partition_memory_per_node"))
        defaultMemoryPerCPU = amount(record.number("defaults.partition_memory_per_cpu"))
        maximumMemoryPerNode = amount(record.number("maximums.partition_memory_per_node"))
        maximumMemoryPerCPU = amount(record.number("maximums.partition_memory_per_cpu"))
        jobDefaults = record.text("defaults.job").flatMap(ownDefaults)
        allowedAccounts = record.text("accounts.allowed")?.split(separator: ",").map(String.init) ?? []
        alternate = record.text("alternate").flatMap { $0.isEmpty ? nil : $0 }
        qos = record.text("qos.assigned")
    }
}

extension Node {
    /// - Returns: nil for a record of anything else.
    package init?(_ record: SlurmRecord) {
        guard record.noun == .node, let name = record.text("name") else { return nil }
        self.name = name
        states = record.words("state")
        cpus = record.count("cpus") ?? 0
        allocatedCPUs = record.count("alloc_cpus") ?? 0
        let cores = record.count("cores") ?? 0
        // slurm.conf(5), NodeName: of CPUs that are no more than the cores, each is a core (node_conf.c, `tpc`).
        let areCores = (record.count("sockets") ?? 0).saturatingMultiply(cores) >= cpus
        cpusPerCore = areCores ? 1 : max(record.count("threads") ?? 1, 1)
        cpusPerSocket = cores > 0 ? cores.saturatingMultiply(cpusPerCore) : cpus
        memory = Memory(mebibytes: record.number("real_memory") ?? 0)
        allocatedMemory = Memory(mebibytes: record.number("alloc_memory") ?? 0)
        gres = record.text("gres") ?? ""
        partitions = record.words("partitions")
        reason = record.text("reason")
    }
}

extension Job {
    /// A job of the queue, or of accounting.
    /// - Returns: nil for a record of anything else.
    package init?(_ record: SlurmRecord) {
        switch record.noun {
        case .job: self.init(queued: record)
        case .accountingJob: self.init(accounted: record)
        case .node, .partition, .reservation, .qos, .account, .association, .user, .jobState, .ping, .diagnosis,
            .submission, .cancellation, .updateResult, .meta, .error, .warning:
            return nil
        }
    }

    private init?(queued record: SlurmRecord) {
        self.init(record, states: record.words("job_state"))
        readArray(record, "array_job_id", "array_task_string", "array_task_id")
        user = record.text("user_name") ?? ""
        uid = record.number("user_id").flatMap { UInt32(exactly: $0) }
        reason = record.text("state_reason")
        readTimes(record, "submit_time", "start_time", "end_time")
        timeLimit = limit(record["time_limit"])
        nodes = record.count("node_count")
        cpus = record.count("cpus")
        memoryPerNode = record.number("memory_per_node").map(Memory.init(mebibytes:))
        memoryPerCPU = record.number("memory_per_cpu").map(Memory.init(mebibytes:))
        tasks = record.count("tasks")
        requestedTRES = record.text("tres_req_str")
        allocatedTRES = record.text("tres_alloc_str")
        workingDirectory = record.text("current_working_directory")
        standardOutput = (record.text("standard_output") ?? record.text("standard_output_pattern")).map(filePattern)
        standardError = (record.text("standard_error") ?? record.text("standard_error_pattern")).map(filePattern)
        standardInput = (record.text("standard_input") ?? record.text("standard_input_pattern")).map(filePattern)
        comment = record.text("comment")
        requeue = record.flag("requeue")
        restarts = record.count("restart_cnt")
        priority = record.number("priority")
        // 24.11.5 says so of what was held when it was cancelled, too.
        isHeld = record.flag("hold").map { $0 && states.isPending }
        nice = record.count("nice")
        dependency = record.text("dependency")
    }

    private init?(accounted record: SlurmRecord) {
        self.init(record, states: record.words("state.current"))
        readArray(record, "array.job_id", "array.task", "array.task_id")
        user = record.text("user") ?? ""
        reason = record.text("state.reason")
        readTimes(record, "time.submission", "time.start", "time.end")
        timeLimit = limit(record["time.limit"])
        nodes = record.count("allocation_nodes")
        cpus = record.count("required.CPUs")
        workingDirectory = record.text("working_directory")
        standardOutput = record.text("stdout_expanded").map(filePattern)
        standardError = record.text("stderr_expanded").map(filePattern)
        standardInput = record.text("stdin_expanded").map(filePattern)
        comment = record.text("comment.job")
        restarts = record.count("restart_cnt")
    }

    /// What both say by one name.
    private init?(_ record: SlurmRecord, states: [String]) {
        guard let id = jobID(record.number("job_id")), !states.isEmpty else { return nil }
        self.init(id: id, states: states.map { JobState($0) })
        name = record.text("name") ?? ""
        account = record.text("account") ?? ""
        partition = record.text("partition") ?? ""
        qos = record.text("qos")
        nodeList = record.text("nodes")
        if self.states.isFinished, let wait = record.count("exit_code") {
            signal = wait & 0x7f == 0 ? nil : wait & 0x7f
            exitStatus = signal == nil ? wait >> 8 & 0xff : nil
        }
    }

    private mutating func readArray(_ record: SlurmRecord, _ id: String, _ tasks: String, _ task: String) {
        arrayID = jobID(record.number(id))
        arrayTasks = record.text(tasks).map { ArraySpec(mask: $0)?.description ?? $0 }
        if arrayID != nil, arrayTasks == nil { arrayTask = record.count(task) }
    }

    private mutating func readTimes(_ record: SlurmRecord, _ submit: String, _ start: String, _ end: String) {
        submitted = moment(record.number(submit))
        // Before the start and the end these are what Slurm expects.
        if !states.isPending { started = moment(record.number(start)) }
        if states.isFinished { ended = moment(record.number(end)) }
    }

    /// slurmrestd 24.11.5 writes NO_VAL where an array's waiting rest has no task number yet.
    private func filePattern(_ path: String) -> String {
        arrayTasks == nil ? path : path.replacing("\(UInt32.max - 1)", with: "%a")
    }
}

private func jobID(_ number: Int64?) -> JobID? {
    number.flatMap { UInt32(exactly: $0) }.flatMap(JobID.init(rawValue:))
}

private func moment(_ seconds: Int64?) -> Timestamp? { seconds.flatMap { $0 > 0 ? Timestamp($0) : nil } }

private func limit(_ value: FieldValue) -> TimeLimit? {
    switch value {
    case .infinite: .unlimited
    case .integer(let minutes):
        minutes < 0 || minutes >= Int64(UInt32.max) - 1 ? .unlimited : TimeLimit(minutes: Int(minutes))
    case .unsaid, .unset, .real, .flag, .text, .words, .records: nil
    }
}

/// 0 and NO_VAL64 mean that nothing is set.
private func amount(_ mebibytes: Int64?) -> Memory? {
    mebibytes.flatMap { $0 > 0 && $0 < 1 << 40 ? Memory(mebibytes: $0) : nil }
}

/// Nothing where nothing is written: slurmrestd 24.11.5 writes none of a partition that has some.
private func ownDefaults(_ text: String) -> JobDefaults? {
    text.isEmpty ? nil : try? JobDefaults(text)  // what cannot be read is not known
}

private func memory(_ text: String) -> Memory? {
    // Slurm also writes fractions, such as 7.50G: what cannot be read bounds nothing.
    try? Memory(text)  // nil is what that means
}
