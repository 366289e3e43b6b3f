// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyPolicy

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What is asked of real daemons is what they report; and Slurm's lies, as it tells them.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct ClientOnSlurmTests {
    private static let person = "carol"

    private struct Bench {
        let cluster: ClusterName
        let client: SlurmClient
        let key: SlurmKey

        func token() async throws -> SlurmToken { try await key.token(ClientOnSlurmTests.person) }
    }

    private func authorized<T>(_ action: T) -> Authorized<T> {
        Authorized(action: action, actor: .system, position: nil, decidedAt: Timestamp(Int64(time(nil))))
    }

    private func withClient(
        _ cluster: String, pinned: String? = nil, _ body: (Bench) async throws -> Void
    ) async throws {
        let pinned = try pinned.map { try APIVersion($0) }
        try await Stack.required().withSlurm(cluster, pinned: pinned) { client, key, _ in
            try await body(Bench(cluster: ClusterName(unchecked: cluster), client: client, key: key))
        }
    }

    /// The person's account on the cluster is there from here on.
    private func prepare(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "client-\(stack.port)-\(UInt32.random(in: 0...UInt32.max))"
        _ = try await stack.submit(
            Self.person, cluster,
            ["--partition=gpu", "--account=gpu", "--gpus=a100:1", "--time=5", "--hold", "-J", name],
            script: "#!/bin/sh\n")
        try await stack.cancelOnly(cluster, named: name)
    }

    /// Submits a held job, and cancels it once `body` has seen what Slurm reports of it.
    private func submitting(
        _ fields: [(String, JSONValue)], _ bench: Bench, _ body: (Job) async throws -> Void = { _ in }
    ) async throws {
        let read = authorized(SystemAction.readQueue(bench.cluster))
        let request = try JobRequest(
            json: .object(JSONObject([("script", "#!/bin/sh\nsleep 60\n"), ("hold", true)] + fields)))
        let defaults = ClusterDefaults(
            partitions: try await bench.client.partitions(read, token: bench.token()),
            nodes: try await bench.client.nodes(read, token: bench.token()), account: try AccountName("research"),
            home: "/home/\(Self.person)")
        let job = try request.resolved(with: defaults, user: UserName(Self.person))
        let bounds = ResourceBounds(of: job)
        let submit = Submit(cluster: bench.cluster, job: job, bounds: bounds, idempotencyKey: "k")
        let id = try await bench.client.submit(authorized(submit), token: bench.token()).id
        do {
            let queue = try await bench.client.jobs(read, token: bench.token())
            let found = try #require(queue.first { $0.id == id }, "job \(id) is not listed")
            // Nothing that Slurm will use is more than what policy judged.
            let tres = TRES(found.requestedTRES ?? "")
            #expect(tres.cpus ?? 0 <= bounds.cpus ?? .max, "\(found)")
            #expect(tres.nodes ?? 0 <= bounds.nodes, "\(found)")
            #expect(tres.gpus.total <= bounds.untypedGPUs + bounds.gpusByType.values.reduce(0, +), "\(found)")
            #expect(tres.memory?.bytes ?? 0 <= bounds.memory ?? .max, "\(found)")
            try await body(found)
        } catch {
            try await cancel(id, bench)
            throw error
        }
        try await cancel(id, bench)
    }

    private func cancel(_ id: JobID, _ bench: Bench) async throws {
        let cancel = Cancel(cluster: bench.cluster, job: id, owner: try UserName(Self.person), signal: nil)
        try await bench.client.cancel(authorized(cancel), token: bench.token())
        try await eventually("job \(id) is cancelled") {
            let read = authorized(SystemAction.readQueue(bench.cluster))
            return try await bench.client.job(id, read, token: bench.token()).allSatisfy { $0.states.isFinished }
        }
    }

    @Test(arguments: Stack.clusters) func reportsWhatWasAsked(_ cluster: String) async throws {
        try await prepare(cluster)
        let asked: [(String, JSONValue)] = [
            ("job_name", "asked"), ("nodes", "2"), ("ntasks", 4), ("cpus_per_task", 1), ("mem", "100M"),
            ("time", "0:07:00"), ("time_min", "3"), ("comment", "a \"comment\" é"), ("requeue", false), ("nice", 7),
            ("output", "out-%j"), ("error", "err-%j"), ("input", "/dev/null"), ("open_mode", "append"),
            ("begin", "now+1hour"), ("signal", "USR1@30"), ("environment", ["A": "b c\n\"d\""]),
            ("partition", "debug"), ("ntasks_per_node", 2),
        ]
        try await withClient(cluster) { bench in
            try await submitting(asked, bench) { job in
                #expect(job.name == "asked")
                #expect(job.user == Self.person)
                #expect(job.account == "research")
                #expect(job.partition == "debug")
                #expect(job.nodes == 2)
                #expect(job.tasks == 4)
                #expect(job.cpus == 4)
                #expect(job.memoryPerNode == Memory(mebibytes: 100))
                #expect(job.timeLimit?.minutes == 7)
                #expect(job.comment == "a \"comment\" é")
                #expect(job.requeue == false)
                #expect(job.nice == 7)
                #expect(job.isHeld == true)
                #expect(job.workingDirectory == "/home/\(Self.person)")
                #expect(job.standardInput == "/dev/null")
                #expect(job.standardOutput?.contains("out-") == true)
                #expect(job.standardError?.contains("err-") == true)
            }
        }
    }

    @Test(arguments: Stack.clusters) func reportsArraysAndDependencies(_ cluster: String) async throws {
        try await prepare(cluster)
        try await withClient(cluster) { bench in
            try await submitting([("array", "0-9:3%2"), ("mem_per_cpu", "50M"), ("ntasks", 2)], bench) { array in
                #expect(array.arrayID == array.id)
                #expect(array.arrayTasks == "0,3,6,9%2")
                #expect(array.memoryPerCPU == Memory(mebibytes: 50))
                let after: [(String, JSONValue)] = [
                    ("dependency", .string("afterany:\(array.id)")), ("nodes", "1-2"), ("time", "2:00:00"),
                ]
                try await submitting(after, bench) { dependent in
                    #expect(dependent.states.isPending)
                    #expect(dependent.dependency?.contains("\(array.id)") == true, "\(dependent)")
                }
            }
        }
    }

    @Test(arguments: Stack.clusters) func reportsGPUs(_ cluster: String) async throws {
        try await prepare(cluster)
        let place: [(String, JSONValue)] = [("partition", "gpu"), ("account", "gpu"), ("time", "5")]
        try await withClient(cluster) { bench in
            try await submitting(place + [("gres", "gpu:a100:2")], bench) { job in
                #expect(TRES(job.requestedTRES ?? "").gpus == GPUCounts(byType: ["a100": 2], untyped: 0))
            }
            try await submitting(place + [("gpus", "a100:1,v100:1"), ("nodes", "1")], bench) { job in
                #expect(TRES(job.requestedTRES ?? "").gpus == GPUCounts(byType: ["a100": 1, "v100": 1], untyped: 0))
            }
            try await submitting(place + [("gpus_per_task", "1"), ("ntasks", 2)], bench) { job in
                #expect(TRES(job.requestedTRES ?? "").gpus.total == 2)
                #expect(job.account == "gpu")
            }
        }
    }

    /// UNLIMITED arrives as such, and not as nothing: the partition's limit refuses it.
    @Test(
        arguments: Stack.clusters,
        [("account", "nobodys", 2045), ("time", "UNLIMITED", 2051), ("qos", "nosuch", 2066)])
    func refusalsHaveSlurmsNumber(
        _ cluster: String, wrong: (field: String, value: String, number: Int)
    ) async throws {
        try await prepare(cluster)
        try await withClient(cluster) { bench in
            let error = await #expect(throws: SlurmError.self) {
                try await submitting([(wrong.field, .string(wrong.value))], bench)
            }
            guard case .refused(let refusal) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(refusal.number == wrong.number, "\(refusal)")
        }
    }

    /// One of Slurm's lies: nothing tells "nothing has changed" from an empty queue.
    @Test(arguments: [("it12", "v0.0.38"), ("it13", "v0.0.40"), ("it13", "v0.0.41"), ("it13", "v0.0.42")])
    func nothingHasChangedIsAnEmptyList(_ cluster: String, _ version: String) async throws {
        try await prepare(cluster)
        try await withClient(cluster, pinned: version) { bench in
            try await submitting([], bench) { job in
                let read = authorized(SystemAction.readQueue(bench.cluster))
                let none = try await bench.client.jobs(
                    changedSince: read.decidedAt + .seconds(3600), read, token: bench.token()
                ) { job, _ in job.id }
                #expect(none.jobs.isEmpty)
                let all = try await bench.client.jobs(changedSince: Timestamp(1_000_001), read, token: bench.token()) {
                    job, _ in job.id
                }
                #expect(all.jobs.contains(job.id))
                #expect((all.readAt != nil) == (cluster == "it13"), "\(String(describing: all.readAt))")
            }
        }
    }

    /// Another one: 24.11 sends `jobs: []` to whoever has no good token.
    @Test(arguments: Stack.clusters) func aJunkTokenIsNoEmptyQueue(_ cluster: String) async throws {
        // To a ping with such a token 24.11 says 200 after ten seconds: the version is not looked for here.
        try await withClient(cluster, pinned: Stack.version(of: cluster)) { bench in
            let junk = SlurmToken(user: Self.person, value: Secret("junk"))
            let read = authorized(SystemAction.readQueue(bench.cluster))
            let errors = [
                await #expect(throws: SlurmError.self) { try await bench.client.jobs(read, token: junk) },
                await #expect(throws: SlurmError.self) { try await bench.client.job(JobID("1"), read, token: junk) },
                await #expect(throws: SlurmError.self) { try await bench.client.partitions(read, token: junk) },
                await #expect(throws: SlurmError.self) { try await bench.client.nodes(read, token: junk) },
            ]
            // 22.05 says no more than that something went wrong.
            for error in errors where cluster == "it13" {
                guard case .authentication = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }
}
