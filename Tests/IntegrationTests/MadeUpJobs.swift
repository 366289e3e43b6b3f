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
    /// After so many the queue is looked at.
    private static let part = 10

    struct Taken {
        var json: JSONValue
        /// As somebody judges it who knows more of the cluster, or less.
        var bounds: [ResourceBounds]
        var kind: Kind
    }

    enum Kind {
        /// Nothing is compared before all of these have run.
        case sure
        /// Some of these will do.
        case likely
    }

    /// Jobs that Slurm took, and what it has reported of them so far: it forgets one five minutes after its end (slurm.conf(5),
    /// MinJobAge).
    struct Batch {
        var taken: [JobID: Taken] = [:]
        var seen: [JobID: Job] = [:]

        func given(_ id: JobID) -> TRES? { seen[id]?.allocatedTRES.map { TRES($0) } }

        func hasRun(_ id: JobID) -> Bool {
            guard let job = seen[id] else { return false }
            return job.allocatedTRES?.isEmpty == false && job.states.isFinished
        }
    }

    /// What Slurm reports of the cluster.
    func defaults() async throws -> ClusterDefaults {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        return ClusterDefaults(
            partitions: try await client.partitions(read, token: key.token(person)),
            nodes: try await client.nodes(read, token: key.token(person)),
            account: AccountName(unchecked: "research"), home: "/home/\(person)")
    }

    /// Those that surely run, and made-up ones.
    /// - Parameter knowing: each gives one of the bounds; the first is what is submitted by.
    func submit(seed: UInt64, on shape: Shape, knowing: [ClusterDefaults]) async throws -> Batch {
        var random = Random(state: seed)
        var batch = Batch()
        try await submit(shape.sure, knowing: knowing, into: &batch, as: .sure)
        let sure = batch.taken.count
        #expect(sure == shape.sure.count, "\(sure) of \(shape.sure.count) were taken")
        for _ in 0..<Self.count / Self.part {
            let requests = (0..<Self.part).map { _ in Self.request(&random, on: shape) }
            try await submit(requests, knowing: knowing, into: &batch, as: .likely)
            try await look(at: &batch)
        }
        // A generator whose jobs are all refused compares nothing.
        let made = batch.taken.count - sure
        #expect(made > Self.count / 5, "\(made) of \(Self.count) were taken")
        return batch
    }

    /// Those that Slurm takes.
    func submit(
        _ requests: [JSONValue], knowing: [ClusterDefaults], into batch: inout Batch, as kind: Kind
    ) async throws {
        let user = try UserName(person)
        for json in requests {
            guard let request = try? JobRequest(json: json) else { continue }  // contradicts itself
            let jobs = try knowing.map { try request.resolved(with: $0, user: user) }
            do {
                let made = try await client.submit(submission(jobs[0], cluster), token: key.token(person))
                batch.taken[made.id] = Taken(
                    json: json, bounds: jobs.map { ResourceBounds(of: $0) }, kind: kind)
            } catch SlurmError.refused, SlurmError.notOffered {
                // What could never run there is not what this test is about.
            }
        }
    }

    private func look(at batch: inout Batch) async throws {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        for job in try await client.jobs(read, token: key.token(person)) where batch.taken[job.id] != nil {
            batch.seen[job.id] = job
        }
    }

    /// Once enough have run.
    func compare(_ batch: inout Batch) async throws {
        // Some wait for ever for what the others hold; enough have run when a quarter of all that may has.
        let runnable = batch.taken.values.count { $0.json["hold"] != true }
        let sure = batch.taken.filter { $0.value.kind == .sure }.keys
        var isFirst = true
        let what = "\(runnable / 4) of \(runnable) jobs of \(cluster) have run, and \(sure.count) that surely run"
        try await eventually(what) {
            // Slowly: each list is one of all jobs, and slurmctld has nodes to give meanwhile.
            if !isFirst { try await Task.sleep(for: .seconds(1)) }
            isFirst = false
            try await look(at: &batch)
            let hasRun = batch.taken.keys.count { batch.hasRun($0) }
            return hasRun >= runnable / 4 && sure.allSatisfy { batch.hasRun($0) }
        }
        #expect(Set(batch.seen.keys) == Set(batch.taken.keys))
        for (id, job) in batch.seen {
            guard let mine = batch.taken[id] else { continue }
            for bounds in mine.bounds { Self.compare(job, with: bounds, of: mine.json, on: cluster) }
        }
    }

    /// Which got more than somebody would allow who knows this of the cluster.
    /// - Parameter amount: of what a job was given, and of what it is allowed; nil there is unbounded.
    func exceeding(
        _ known: ClusterDefaults, in batch: Batch, _ amount: (given: (TRES) -> Int?, allowed: (ResourceBounds) -> Int?)
    ) throws -> [JobID] {
        try batch.taken.compactMap { id, mine in
            guard let given = batch.given(id).flatMap(amount.given) else { return nil }
            let job = try JobRequest(json: mine.json).resolved(with: known, user: UserName(person))
            return given > amount.allowed(ResourceBounds(of: job)) ?? .max ? id : nil
        }
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
