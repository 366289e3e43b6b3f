// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import StrictJSON
import Testing

@testable import SallyPolicy
@testable import SlurmModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Requests made up from a seed and put to real Slurm, beside the bounds that policy would have judged.
struct MadeUpJobs {
    let client: SlurmClient
    let cluster: String
    let key: SlurmKey
    let person: String

    static let name = "bounds"
    /// Of each cluster; a third of them is held, the others run where they can.
    static let count = 150

    struct Taken {
        var json: JSONValue
        /// As somebody judges it who knows more of the cluster, or less.
        var bounds: [ResourceBounds]
    }

    /// What Slurm reports of the cluster.
    func defaults() async throws -> ClusterDefaults {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        return ClusterDefaults(
            partitions: try await client.partitions(read, token: key.token(person)),
            nodes: try await client.nodes(read, token: key.token(person)),
            account: AccountName(unchecked: "research"), home: "/home/\(person)")
    }

    /// - Parameter knowing: each gives one of the bounds; the first is what is submitted by.
    func submit(seed: UInt64, on shape: Shape, knowing: [ClusterDefaults]) async throws -> [JobID: Taken] {
        let user = try UserName(person)
        var random = Random(state: seed)
        var taken: [JobID: Taken] = [:]
        for _ in 0..<Self.count {
            let json = Self.request(&random, on: shape)
            guard let request = try? JobRequest(json: json) else { continue }  // contradicts itself
            let jobs = try knowing.map { try request.resolved(with: $0, user: user) }
            do {
                let made = try await client.submit(submission(jobs[0], cluster), token: key.token(person))
                taken[made.id] = Taken(json: json, bounds: jobs.map { ResourceBounds(of: $0) })
            } catch SlurmError.refused, SlurmError.notOffered {
                // What could never run there is not what this test is about.
            }
        }
        // A generator whose jobs are all refused compares nothing.
        #expect(taken.count > Self.count / 5, "\(taken.count) of \(Self.count) were taken")
        return taken
    }

    /// Once enough have run.
    /// - Returns: what Slurm reports of each.
    func compare(_ taken: [JobID: Taken]) async throws -> [JobID: Job] {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        var seen: [JobID: Job] = [:]
        // Some wait for ever for what the others hold; enough have run when a quarter of all that may has.
        let runnable = taken.values.count { $0.json["hold"] != true }
        try await eventually("\(runnable / 4) of \(runnable) jobs of \(cluster) have run") {
            for job in try await client.jobs(read, token: key.token(person)) where taken[job.id] != nil {
                seen[job.id] = job
            }
            return seen.values.count { $0.allocatedTRES?.isEmpty == false && $0.states.isFinished } >= runnable / 4
        }
        #expect(Set(seen.keys) == Set(taken.keys))
        for (id, job) in seen {
            guard let mine = taken[id] else { continue }
            for bounds in mine.bounds { Self.compare(job, with: bounds, of: mine.json, on: cluster) }
        }
        return seen
    }

    private static func compare(_ job: Job, with bounds: ResourceBounds, of json: JSONValue, on cluster: String) {
        let context =
            "job \(job.id) of \(cluster): \(String(decoding: json.bytes(), as: UTF8.self)), bounds \(bounds), "
            + "asked \(job.requestedTRES ?? ""), given \(job.allocatedTRES ?? "")"
        for tres in [job.requestedTRES, job.allocatedTRES].compactMap({ $0 }).map({ TRES($0) }) {
            #expect(tres.nodes ?? 0 <= bounds.nodes, "\(context)")
            #expect(tres.cpus ?? 0 <= bounds.cpus ?? .max, "\(context)")
            #expect(tres.memory?.bytes ?? 0 <= bounds.memory ?? .max, "\(context)")
            let untyped = bounds.untypedGPUs
            for (type, count) in tres.gpus.byType {
                let most = (bounds.gpusByType[type] ?? 0).addingReportingOverflow(untyped)
                #expect(most.overflow || count <= most.partialValue, "\(context)")
            }
            let all = bounds.gpusByType.values.reduce(0, +).addingReportingOverflow(untyped)
            #expect(all.overflow || tres.gpus.total <= all.partialValue, "\(context)")
        }
        // Of a job that waits it is an estimate: of one that needs two nodes and may have one alone, two.
        if !job.states.isPending { #expect(job.nodes ?? 0 <= bounds.nodes, "\(context)") }
        if let time = bounds.time { #expect(job.timeLimit?.duration.map { $0 <= time } == true, "\(context)") }
    }
}

/// As policy would have made it.
func authorized<Action>(_ action: Action) -> Authorized<Action> {
    Authorized(action: action, actor: .system, position: nil, decidedAt: Timestamp(Int64(time(nil))))
}

func submission(_ job: ResolvedJob, _ cluster: String) -> Authorized<Submit> {
    authorized(
        Submit(cluster: ClusterName(unchecked: cluster), job: job, bounds: ResourceBounds(of: job), idempotencyKey: "k")
    )
}
