// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

extension SlurmReply {
    /// The queue.
    /// - Throws: `Malformed` if any row is no job: half a queue is none.
    package func jobs() throws(Malformed) -> [Job] { try jobs(FieldTable(jobRows, for: version)) }

    /// Jobs of accounting.
    package func accountingJobs() throws(Malformed) -> [AccountingJob] {
        try jobs(FieldTable(accountingJobRows, for: version))
    }

    package func partitions() throws(Malformed) -> [Partition] {
        let table = FieldTable(partitionRows, for: version)
        var partitions: [Partition] = []
        for row in try list("partitions") {
            guard let partition = Partition(row, table) else { throw Malformed("a partition without a name") }
            partitions.append(partition)
        }
        return partitions
    }

    package func nodes() throws(Malformed) -> [Node] {
        let table = FieldTable(nodeRows, for: version)
        var nodes: [Node] = []
        for row in try list("nodes") {
            guard let node = Node(row, table) else { throw Malformed("a node without a name") }
            nodes.append(node)
        }
        return nodes
    }

    private func jobs(_ table: FieldTable<JobKey>) throws(Malformed) -> [Job] {
        var jobs: [Job] = []
        for row in try list("jobs") {
            guard let job = Job(row, table) else { throw Malformed("a job without id or state") }
            jobs.append(job)
        }
        return jobs
    }
}

extension Partition {
    fileprivate init?(_ json: JSONValue, _ table: FieldTable<PartitionKey>) {
        guard let name = table.text(.name, in: json) else { return nil }
        tres = TRES(table.text(.tres, in: json) ?? "")
        self.name = name
        isDefault = table.words(.flags, in: json).contains("DEFAULT")
        // OverSubscribe=EXCLUSIVE is written as no job that shares; NO is one (scontrol(1), read in 24.11).
        isExclusive = [.shares, .jobsPerResource].contains { table.count($0, in: json) == 0 }
        states = table.words(.states, in: json)
        totalNodes = table.count(.totalNodes, in: json) ?? 0
        totalCPUs = table.count(.totalCPUs, in: json) ?? 0
        totalMemory = tres.amounts["mem"].flatMap(memory)
        nodeList = table.text(.nodeList, in: json) ?? ""
        maximumTime = limit(table.quantity(.maximumTime, in: json)) ?? .unlimited
        defaultTime = limit(table.quantity(.defaultTime, in: json))
        // v0.0.38 writes 0xffffffff as -1.
        maximumNodes = table.count(.maximumNodes, in: json).flatMap { $0 > 0 && $0 < Int(UInt32.max) ? $0 : nil }
        defaultMemoryPerNode = amount(table.number(.defaultMemoryPerNode, in: json))
        defaultMemoryPerCPU = amount(table.number(.defaultMemoryPerCPU, in: json))
        maximumMemoryPerNode = amount(table.number(.maximumMemoryPerNode, in: json))
        allowedAccounts = table.list(.allowedAccounts, in: json)
        qos = table.text(.qos, in: json)
    }
}

extension Node {
    fileprivate init?(_ json: JSONValue, _ table: FieldTable<NodeKey>) {
        guard let name = table.text(.name, in: json) else { return nil }
        self.name = name
        states = table.words(.states, in: json) + table.words(.stateFlags, in: json)
        cpus = table.count(.cpus, in: json) ?? 0
        allocatedCPUs = table.count(.allocatedCPUs, in: json) ?? 0
        memory = Memory(mebibytes: table.number(.memory, in: json) ?? 0)
        allocatedMemory = Memory(mebibytes: table.number(.allocatedMemory, in: json) ?? 0)
        gres = table.text(.gres, in: json) ?? ""
        partitions = table.list(.partitions, in: json)
        reason = table.text(.reason, in: json)
    }
}

extension Job {
    fileprivate init?(_ json: JSONValue, _ table: FieldTable<JobKey>) {
        let states = table.words(.states, in: json).map(JobState.init)
        guard let number = table.number(.id, in: json), let raw = UInt32(exactly: number),
            let id = JobID(rawValue: raw),
            !states.isEmpty
        else { return nil }
        self.init(id: id, states: states)
        arrayID = table.number(.arrayID, in: json).flatMap { UInt32(exactly: $0) }.flatMap(JobID.init(rawValue:))
        arrayTasks = table.text(.arrayTasks, in: json)
        if arrayID != nil, arrayTasks == nil { arrayTask = table.count(.arrayTask, in: json) }
        name = table.text(.name, in: json) ?? ""
        user = table.text(.user, in: json) ?? ""
        uid = table.number(.uid, in: json).flatMap { UInt32(exactly: $0) }
        account = table.text(.account, in: json) ?? ""
        partition = table.text(.partition, in: json) ?? ""
        qos = table.text(.qos, in: json)
        reason = table.text(.reason, in: json)
        submitted = moment(table.number(.submitted, in: json))
        // Before the start and the end these are what Slurm expects.
        if !states.isPending { started = moment(table.number(.started, in: json)) }
        if states.isFinished {
            ended = moment(table.number(.ended, in: json))
            readExit(json, table)
        }
        timeLimit = limit(table.quantity(.timeLimit, in: json))
        nodes = table.count(.nodes, in: json)
        nodeList = table.text(.nodeList, in: json)
        cpus = table.count(.cpus, in: json)
        memoryPerNode = table.number(.memoryPerNode, in: json).map(Memory.init(mebibytes:))
        memoryPerCPU = table.number(.memoryPerCPU, in: json).map(Memory.init(mebibytes:))
        tasks = table.count(.tasks, in: json)
        requestedTRES = table.text(.requestedTRES, in: json)
        allocatedTRES = table.text(.allocatedTRES, in: json)
        workingDirectory = table.text(.workingDirectory, in: json)
        standardOutput = table.text(.standardOutput, in: json).map(filePattern)
        standardError = table.text(.standardError, in: json).map(filePattern)
        standardInput = table.text(.standardInput, in: json).map(filePattern)
        comment = table.text(.comment, in: json)
        requeue = table.flag(.requeue, in: json)
        restarts = table.count(.restarts, in: json)
        priority = table.number(.priority, in: json)
        // 24.11.5 says so of what was held when it was cancelled, too.
        isHeld = (table.flag(.hold, in: json) ?? priority.map { $0 == 0 }).map { $0 && states.isPending }
        nice = table.count(.nice, in: json)
        dependency = table.text(.dependency, in: json)
    }

    /// slurmrestd 24.11.5 writes NO_VAL where an array's waiting rest has no task number yet.
    private func filePattern(_ path: String) -> String {
        arrayTasks == nil ? path : path.replacing("\(UInt32.max - 1)", with: "%a")
    }

    private mutating func readExit(_ json: JSONValue, _ table: FieldTable<JobKey>) {
        if let wait = table.count(.waitStatus, in: json) {
            signal = wait & 0x7f == 0 ? nil : wait & 0x7f
            exitStatus = signal == nil ? wait >> 8 & 0xff : nil
        } else {
            exitStatus = table.count(.exitStatus, in: json)
            signal = table.count(.signal, in: json).flatMap { $0 == 0 ? nil : $0 }
            // slurmrestd 22.05.8 says SUCCESS and 0 of every job in accounting that no signal ended.
            if states.first == .failed, exitStatus == 0, signal == nil { exitStatus = nil }
        }
    }
}

private func moment(_ seconds: Int64?) -> Timestamp? { seconds.flatMap { $0 > 0 ? Timestamp($0) : nil } }

private func limit(_ quantity: Quantity) -> TimeLimit? {
    switch quantity {
    case .unset: nil
    case .infinite: .unlimited
    // 0xffffffff, which v0.0.38 writes as -1.
    case .number(let minutes):
        minutes < 0 || minutes >= Int64(UInt32.max) - 1 ? .unlimited : TimeLimit(minutes: Int(minutes))
    }
}

/// 0 and NO_VAL64 mean that nothing is set.
private func amount(_ mebibytes: Int64?) -> Memory? {
    mebibytes.flatMap { $0 > 0 && $0 < 1 << 40 ? Memory(mebibytes: $0) : nil }
}

private func memory(_ text: String) -> Memory? {
    // Slurm also writes fractions, such as 7.50G: what cannot be read bounds nothing.
    try? Memory(text)  // nil is what that means
}
