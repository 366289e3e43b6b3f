// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// How many tasks each GPU of a job in the queue may bring (sbatch(1) --ntasks-per-gpu), where Slurm keeps it to itself:
/// slurmrestd up to v0.0.38 does not report it.
///
/// slurmctld 22.05 makes a job's tasks out of it and of the GPUs that it asks for (`gres_job_state_validate`), so that tasks by GPUs
/// bound it. Later it gives at least as many CPUs as that makes with the GPUs that the job gets
/// (`gres_select_util_job_min_tasks`), whatever its tasks are then.
struct HiddenTasks: Equatable {
    /// Nil: nothing bounds it, because the job has no GPUs that it counts for.
    let mostPerGPU: Int?

    init(_ job: ExistingJob) {
        let gpus = HiddenTasks.leastGPUs(job.request, nodes: job.leastNodes)
        mostPerGPU = gpus > 0 ? (job.request.tasks ?? 1) / gpus : nil
    }

    /// What is known of it must not get lost: after an update by which a job has fewer tasks for each GPU than before, the next
    /// one would be judged by these. Slurm changes GPUs, nodes with the tasks that these need, and tasks, one after the other, and
    /// stops where it refuses: none of it may be so, and more tasks with more GPUs are no way round.
    /// - Throws: `SallyError(.unsupported)`.
    func check(_ job: ExistingJob, becomes changed: ExistingJob) throws {
        let (before, after) = (job.request.tasks ?? 1, changed.request.tasks ?? 1)
        let fewest = max(min(before, after), changed.leastNodes)
        for request in [job.request, changed.request] {
            for (tasks, nodes) in [(before, job.leastNodes), (fewest, changed.leastNodes)] {
                let gpus = HiddenTasks.leastGPUs(request, nodes: nodes)
                guard gpus > 0 else { continue }
                if let mostPerGPU, tasks / gpus >= mostPerGPU { continue }
                throw HiddenTasks.lost
            }
        }
    }

    /// Puts as many tasks onto a job as its GPUs may bring. They bring CPUs, and no further nodes.
    /// - Parameter least: the nodes that it has.
    func put(onto request: inout JobRequest, nodes least: Int) {
        let nodes = max(ResourceBounds.nodes(request), least)
        let gpus = (request.gpus?.total ?? 0)
            .saturatingAdd((request.gpusPerNode?.total ?? 0).saturatingMultiply(nodes))
        let tasks = gpus.saturatingMultiply(mostPerGPU ?? 0)
        guard tasks > request.tasks ?? 1 else { return }
        request.nodes = request.nodes ?? NodeCount(minimum: 1, maximum: nodes)
        request.tasks = tasks
    }

    /// Of those that it counts for: not those of each task.
    private static func leastGPUs(_ request: JobRequest, nodes: Int) -> Int {
        max(request.gpus?.total ?? 0, (request.gpusPerNode?.total ?? 0).saturatingMultiply(nodes))
    }

    private static let lost = SallyError(
        .unsupported,
        "the job cannot get more GPUs or fewer tasks: this cluster's Slurm does not say how many tasks each GPU brings",
        hint: "cancel the job, and submit another")
}

extension APIVersion {
    /// Whether slurmrestd leaves --ntasks-per-gpu of a job out.
    var hidesTasksPerGPU: Bool { rawValue <= 38 }
}
