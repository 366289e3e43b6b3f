// SPDX-License-Identifier: Apache-2.0

/// The most CPUs that a job gets on so many nodes of one partition.
///
/// CPUs of each task, GPU and node are rounded up to whole cores: tasks may share a core or not (CR_ONE_TASK_PER_CORE,
/// --ntasks-per-socket), and which cores are alike is not known before. What is rounded up is never more than the nodes have; what was
/// asked for may be, and never runs.
struct CPUBounds {
    let request: JobRequest
    let place: ResolvedJob.Place
    /// What slurmctld makes of the least nodes where MinNodes is more.
    let leastNodes: Int
    let nodes: Int
    let tasks: Int
    let gpus: GPUCounts
    /// Whether what a partition gives for each GPU counts (`JobDefaults`).
    let countsUsual: Bool

    /// Nil is unbounded.
    func most(with memory: CPUsForMemory) -> Int? {
        guard let asked = count(memory, whole: { $0 }) else { return nil }
        let all = place.allCPUs(nodes: nodes)
        guard let shapes = place.cores, !memory.isUnknown else { return max(asked, all) }
        guard shapes.contains(where: { $0.brought > 1 }) else { return asked }
        let rounded = count(memory) { cpus in shapes.reduce(cpus) { max($0, $1.whole(cpus)) } }
        return max(asked, min(rounded ?? all, all))
    }

    /// As if each CPU were a task's.
    var ofSingleCPUs: CPUBounds {
        var single = request
        let each = request.cpusPerTask ?? 1
        single.cpusPerTask = 1
        single.tasks = request.tasks?.saturatingMultiply(each)
        return CPUBounds(
            request: single, place: place, leastNodes: leastNodes, nodes: nodes, tasks: tasks.saturatingMultiply(each),
            gpus: gpus,
            countsUsual: countsUsual)
    }

    /// - Parameter whole: what so many CPUs of a task, of GPUs or of a node become.
    private func count(_ memory: CPUsForMemory, whole: (Int) -> Int) -> Int? {
        let each = (request.cpusPerTask ?? 1).saturatingMultiply(memory.factor)
        var cpus = larger(product(max(tasks, filledTasks), whole(each)), product(nodes, whole(1)))
        if memory.perNode > leastOnNode { cpus = larger(cpus, count(onNodes: memory.perNode, whole: whole)) }
        if let each = request.cpusPerGPU { cpus = sum(cpus, ofGPUs(each, whole: whole)) }
        if !gpus.isEmpty, countsUsual {
            if let each = place.usualCPUsPerGPU {
                if each > 0 { cpus = sum(cpus, ofGPUs(each, whole: whole)) }
            } else {
                cpus = larger(cpus, place.allCPUs(nodes: nodes))
            }
        }
        if let each = request.cpusPerNode { cpus = sum(cpus, product(nodes, whole(each))) }
        return cpus
    }

    /// A node that a job of several tasks gets has CPUs for all of --ntasks-per-node, even where fewer tasks are left for it
    /// (slurmctld keeps them as CPUs of a node, pn_min_cpus).
    private var filledTasks: Int {
        guard let said = request.tasks, let each = request.tasksPerNode, each > 0 else { return 0 }
        // Each node has one.
        let all = max(said, leastNodes)
        guard all > 1 else { return 0 }
        let needed = (all - 1) / each + 1
        let given = request.nodes.map { max(min($0.maximum, max($0.minimum, all)), leastNodes) } ?? leastNodes
        return max(needed, given, request.requiredNodes?.names.count ?? 1).saturatingMultiply(each)
    }

    /// What slurmctld wants on each node whatever the memory: where this is enough, memory adds nothing.
    private var leastOnNode: Int {
        let each = request.cpusPerTask ?? 1
        let isFilled = request.impliedTasks ?? 1 > 1
        let ofTasks = each.saturatingMultiply(isFilled ? max(request.tasksPerNode ?? 1, 1) : 1)
        return max(ofTasks, request.cpusPerNode ?? 1)
    }

    /// With at least so many CPUs on each node because of the memory there. 22.05 leaves the CPUs of a task as they are; 24.11 makes
    /// them anew from the tasks of a node, or else from all tasks and the least nodes.
    private func count(onNodes least: Int, whole: (Int) -> Int) -> Int? {
        let before = spread(each: request.cpusPerTask ?? 1, least: least, whole: whole)
        if let onNode = request.tasksPerNode, onNode > 0 {
            let each = (least - 1) / onNode + 1
            let ofNodes = product(nodes, whole(each.saturatingMultiply(onNode)))
            return larger(before, larger(ofNodes, product(tasks, whole(each))))
        }
        var most = before
        let named = request.requiredNodes?.names.count ?? 1
        let asked = max(request.nodes?.minimum ?? 1, 1)
        for count in [asked, max(asked, named), max(asked, named, leastNodes), nodes] {
            for all in [max(request.tasks ?? tasks, 1), tasks] {
                let each = (least.saturatingMultiply(count) - 1) / all + 1
                let onNode = max(least, each.saturatingMultiply(all) / count)
                most = larger(most, spread(each: each, least: onNode, whole: whole))
            }
        }
        return most
    }

    /// Each node has a task and is filled up to `least`: the most where all other tasks are on one of them.
    private func spread(each: Int, least: Int, whole: (Int) -> Int) -> Int? {
        let first = product(tasks - nodes + 1, whole(each)).map { max($0, whole(least)) }
        guard let first, let others = product(nodes - 1, max(whole(each), whole(least))) else { return nil }
        let (sum, overflow) = first.addingReportingOverflow(others)
        return overflow ? nil : sum
    }

    private func ofGPUs(_ each: Int, whole: (Int) -> Int) -> Int? {
        guard nodes > 1 else { return product(gpus.total, each).map(whole) }
        return product(gpus.total, whole(each))
    }

    /// On each node the larger of what its tasks need and what its GPUs bring, or every node: on several nodes the sum.
    private func sum(_ ofTasks: Int?, _ others: Int?) -> Int? {
        guard let ofTasks, let others else { return nil }
        guard nodes > 1 else { return max(ofTasks, others) }
        let (sum, overflow) = ofTasks.addingReportingOverflow(others)
        return overflow ? nil : sum
    }

    private func product(_ count: Int, _ each: Int) -> Int? {
        let (product, overflow) = count.multipliedReportingOverflow(by: each)
        return overflow ? nil : product
    }

    /// Nil is unbounded.
    private func larger(_ one: Int?, _ two: Int?) -> Int? {
        guard let one, let two else { return nil }
        return max(one, two)
    }
}
