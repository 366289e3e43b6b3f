// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

extension JobUpdate {
    /// The job as it would be, for policy to judge.
    package struct Merged: Sendable, Equatable {
        package let job: ResolvedJob
        package let bounds: ResourceBounds
    }

    /// Pure: nothing is asked or changed. The bounds are those of the job as it would be asked for, and never less than what Slurm
    /// reports of it as it is.
    /// - Parameter existing: the job as slurmrestd reports it, in whichever version.
    /// - Throws: `SallyError(.unsupported)` for a job that asks for something the bounds cannot follow; `.invalidRequest` where
    ///   the result contradicts itself, or names a partition that is not there.
    package func merged(
        with existing: JSONValue, defaults: ClusterDefaults, user: UserName
    ) throws -> Merged {
        let job = try ExistingJob(existing)
        var asked = job.request
        for field in fields {
            try apply(field, to: &asked)
        }
        for field in cleared {
            switch field {
            case .comment: asked.comment = nil
            case .constraint: asked.constraint = nil
            case .dependency: asked.dependency = nil
            case .reservation: asked.reservations = []
            default: break
            }
        }
        if let hold { asked.hold = hold }
        // A script is none of slurmrestd's to report, and nothing that an update changes.
        asked.script = "#!/bin/sh\n"
        try asked.check()
        let resolved = try asked.resolved(with: defaults, user: user)
        return Merged(
            job: resolved, bounds: ResourceBounds(of: resolved).including(job.reported, arrayTasks: job.arrayTasks))
    }

    /// One amount of memory takes the place of another.
    private func apply(_ field: JobField, to asked: inout JobRequest) throws {
        switch field {
        case .memory, .memoryPerCPU, .memoryPerGPU:
            asked.memoryPerNode = request.memoryPerNode
            asked.memoryPerCPU = request.memoryPerCPU
            asked.memoryPerGPU = request.memoryPerGPU
        case .nodes where oneEnd != nil: moveEnd(of: &asked)
        case .gpusPerNode: asked.gpusPerNode = request.gpusPerNode
        default:
            if let text = request.text(of: field) { try asked.set(field, to: text) }
        }
    }
}

extension JobUpdate {
    /// slurmctld refuses a minimum over the maximum; until then the larger counts.
    private func moveEnd(of asked: inout JobRequest) {
        let known = asked.nodes
        switch oneEnd {
        case .minimum(let least)?:
            asked.nodes = NodeCount(minimum: least, maximum: max(least, known?.maximum ?? asked.tasks ?? 1))
        case .maximum(let most)?: asked.nodes = NodeCount(minimum: min(most, known?.minimum ?? 1), maximum: most)
        case nil: break
        }
    }
}

extension ResourceBounds {
    /// At least what Slurm reports of the job.
    func including(_ reported: [TRES], arrayTasks tasks: Int) -> ResourceBounds {
        var (nodes, cpus, memory) = (nodes, cpus, memory)
        var (typed, untyped) = (gpusByType, untypedGPUs)
        for tres in reported {
            nodes = max(nodes, tres.nodes ?? 0)
            cpus = cpus.map { max($0, tres.cpus ?? 0) }
            if tres.amounts["mem"] != nil {
                // An amount that cannot be read is no bound.
                memory = memory.flatMap { known in tres.memory.map { max(known, $0.bytes) } }
            }
            let gpus = tres.gpus
            for (type, count) in gpus.byType { typed[type.lowercased()] = max(typed[type.lowercased()] ?? 0, count) }
            let known = typed.values.reduce(untyped) { $0.saturatingAdd($1) }
            if gpus.total > known { untyped = untyped.saturatingAdd(gpus.total - known) }
        }
        return ResourceBounds(
            nodes: nodes, cpus: cpus, memory: memory, gpusByType: typed, untypedGPUs: untyped, time: time,
            arrayTasks: max(arrayTasks, tasks))
    }
}
