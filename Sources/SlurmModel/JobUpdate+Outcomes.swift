// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

extension JobUpdate {
    /// A job as it would be, for policy to judge.
    package struct Outcome: Sendable, Equatable {
        package let job: ResolvedJob
        package let bounds: ResourceBounds
    }

    /// Every job that Slurm may make of one; policy has to allow each. The first is the job with the whole update.
    ///
    /// slurmctld changes one thing after the other and stops at the first that it refuses, what it has changed by then stays
    /// (`_update_job`; 22.05.8 even starts a job and answers an error). So where more than one thing is changed that is judged,
    /// the larger of old and new is judged as well.
    ///
    /// Pure: nothing is asked or changed. Bounds are those of a job that asks for this, and never less than what Slurm reports.
    /// - Parameters:
    ///   - existing: the job as slurmrestd reports it, in whichever version.
    ///   - daemon: the API version that slurmrestd speaks: it tells how Slurm takes a change of GPUs, and what it does not report.
    /// - Throws: `SallyError(.unsupported)` for a job that asks for something that bounds cannot follow, and for a change that Slurm
    ///   would not do as it is said; `.invalidRequest` for a partition that is not there.
    package func outcomes(
        of existing: JSONValue, from daemon: APIVersion, defaults: ClusterDefaults, user: UserName
    ) throws -> [Outcome] {
        let job = try ExistingJob(existing)
        if !daemon.replacesGPUs { try refuseOtherTypes(job.request) }
        var whole = job
        try put(onto: &whole)
        let hidden = daemon.hidesTasksPerGPU ? HiddenTasks(job) : nil
        try hidden?.check(job, becomes: whole)
        var all = [whole]
        if changes > 1 {
            var larger = whole.largest(job)
            all.append(larger)
            larger.request.gpus = job.request.gpus
            larger.request.gpusPerNode = job.request.gpusPerNode
            larger.request.gpusPerTask = job.request.gpusPerTask
            all.append(larger)
        }
        var outcomes: [Outcome] = []
        for (place, made) in all.enumerated() {
            var floor = ResourceBounds.Floor(job.reported, arrayTasks: job.arrayTasks)
            // What was asked for is replaced; what runs is not. The last of three has the old GPUs.
            if changesGPUs, place < 2 { floor.gpus = job.given?.gpus ?? GPUCounts() }
            floor.countsUsualCPUs = !made.asksCPUsPerGPU
            floor.countsUsualMemory = !made.asksMemory
            floor.isMoved = fields.contains(.partition)
            floor.isOpen = made.nodes.isOpen
            for request in requests(made, defaults, hidden) {
                let resolved = try request.resolved(with: defaults, user: user, isNew: false)
                let outcome = Outcome(job: resolved, bounds: ResourceBounds(of: resolved, atLeast: floor))
                if !outcomes.contains(outcome) { outcomes.append(outcome) }
            }
        }
        return outcomes
    }

    /// As requests: two where Slurm may keep a QOS or take the default of another association.
    private func requests(_ job: ExistingJob, _ defaults: ClusterDefaults, _ hidden: HiddenTasks?) -> [JobRequest] {
        var request = job.request
        request.nodes = job.nodes.count(for: request)
        // Slurm raises the tasks to the nodes.
        request.tasks = request.tasks.map { max($0, job.nodes.minimum) }
        hidden?.put(onto: &request, nodes: job.reported.compactMap(\.nodes).max() ?? 1)
        // A script is none of slurmrestd's to report, and nothing that an update changes.
        request.script = "#!/bin/sh\n"
        guard !fields.contains(.qos), !request.qos.isEmpty else { return [request] }
        var unnamed = request
        unnamed.qos = []
        if let account = request.account, let usual = defaults.usualQOS[account], request.qos == [usual] {
            return [unnamed]
        }
        return fields.isDisjoint(with: [.account, .partition]) ? [request] : [request, unnamed]
    }

    /// The job with everything that the update says.
    private func put(onto job: inout ExistingJob) throws {
        if fields.contains(.cpusPerGPU) { job.asksCPUsPerGPU = true }
        if !fields.isDisjoint(with: [.memory, .memoryPerCPU, .memoryPerGPU]) { job.asksMemory = true }
        for field in fields.sorted(by: { $0.rawValue < $1.rawValue }) {
            switch field {
            // slurmctld keeps these two in one place, and the amount for each GPU in another.
            case .memory, .memoryPerCPU:
                job.request.memoryPerNode = request.memoryPerNode
                job.request.memoryPerCPU = request.memoryPerCPU
            case .nodes:
                put(nodesOnto: &job.nodes)
                if changesLeastNodes { job.leastNodes = job.nodes.minimum }
            // With what the gateway keeps at its end it is longer than a person may say.
            case .comment: job.request.comment = request.comment
            case .gpusPerNode: job.request.gpusPerNode = request.gpusPerNode
            default: if let text = request.text(of: field) { try job.request.set(field, to: text) }
            }
        }
        for field in cleared {
            switch field {
            case .comment: job.request.comment = nil
            case .constraint: job.request.constraint = nil
            case .dependency: job.request.dependency = nil
            case .reservation: job.request.reservations = []
            default: break
            }
        }
        if let hold { job.request.hold = hold }
    }

    private func put(nodesOnto range: inout NodeRange) {
        if let oneEnd {
            range.put(oneEnd)
        } else if let nodes = request.nodes {
            range = NodeRange(minimum: nodes.minimum, maximum: nodes.maximum)
        }
    }

    private var changesLeastNodes: Bool {
        if case .maximum? = oneEnd { return false }
        return fields.contains(.nodes)
    }

    /// How many things are changed that policy judges.
    private var changes: Int {
        fields.union(cleared).intersection(JobUpdate.judged).count + (hold == nil ? 0 : 1)
    }

    private static let judged: Set<JobField> = [
        .account, .partition, .qos, .reservation, .nodes, .nodelist, .exclude, .ntasks, .cpusPerNode, .cpusPerGPU,
        .memory,
        .memoryPerCPU, .memoryPerGPU, .gpus, .gpusPerNode, .gpusPerTask, .time, .timeMinimum,
    ]

    private static let devices: Set<JobField> = [.gpus, .gpusPerNode, .gpusPerTask]

    private var changesGPUs: Bool { !fields.isDisjoint(with: JobUpdate.devices) }

    /// An older Slurm adds a type that is new to those that the job has, and reports the new alone.
    private func refuseOtherTypes(_ old: JobRequest) throws {
        let pairs = [
            (old.gpus, request.gpus), (old.gpusPerNode, request.gpusPerNode), (old.gpusPerTask, request.gpusPerTask),
        ]
        for case (let had?, let wanted?) in pairs {
            let (had, wanted) = (had.inLowerCase, wanted.inLowerCase)
            guard had.byType.keys.allSatisfy({ wanted.byType[$0] != nil }), had.untyped == 0 || wanted.untyped > 0
            else {
                throw SallyError(
                    .unsupported, "the type of GPUs cannot be changed: this cluster's Slurm would add them to \(had)",
                    hint: "cancel the job, and submit another")
            }
        }
    }
}

extension APIVersion {
    /// Whether an update puts GPUs in the place of those that the same field had. Slurm 24.05 and later do (src/slurmctld/job_mgr.c);
    /// 22.05 and 23.02 look for the type among those that the job has and add one that is not there. Others are taken for
    /// the latter.
    var replacesGPUs: Bool { rawValue >= 41 }
}

extension ExistingJob {
    /// The larger of each amount of two states of one job; names, and everything that is not counted, are this one's.
    func largest(_ other: ExistingJob) -> ExistingJob {
        var result = self
        let (mine, theirs) = (request, other.request)
        result.nodes = nodes.largest(other.nodes)
        result.asksMemory = asksMemory && other.asksMemory
        result.asksCPUsPerGPU = asksCPUsPerGPU && other.asksCPUsPerGPU
        result.request.tasks = larger(mine.tasks, theirs.tasks)
        result.request.tasksPerNode = larger(mine.tasksPerNode, theirs.tasksPerNode)
        result.request.cpusPerTask = larger(mine.cpusPerTask, theirs.cpusPerTask)
        result.request.cpusPerNode = larger(mine.cpusPerNode, theirs.cpusPerNode)
        result.request.cpusPerGPU = larger(mine.cpusPerGPU, theirs.cpusPerGPU)
        result.request.memoryPerCPU = larger(mine.memoryPerCPU, theirs.memoryPerCPU)
        result.request.memoryPerGPU = larger(mine.memoryPerGPU, theirs.memoryPerGPU)
        let all = Memory(mebibytes: 0)
        result.request.memoryPerNode =
            [mine, theirs].contains { $0.memoryPerNode == all || !$0.saysMemory }
            ? all : larger(mine.memoryPerNode, theirs.memoryPerNode)
        if let one = mine.timeLimit?.minutes, let two = theirs.timeLimit?.minutes {
            result.request.timeLimit = TimeLimit(minutes: max(one, two))
        } else {
            result.request.timeLimit = .unlimited
        }
        if theirs.requiredNodes?.names.count ?? 0 > mine.requiredNodes?.names.count ?? 0 {
            result.request.requiredNodes = theirs.requiredNodes
        }
        // Nodes that only one of them shuts out may be given to the job.
        if mine.excludedNodes != theirs.excludedNodes { result.request.excludedNodes = nil }
        return result
    }
}

private func larger<Value: Comparable>(_ one: Value?, _ two: Value?) -> Value? {
    guard let one, let two else { return one ?? two }
    return max(one, two)
}
