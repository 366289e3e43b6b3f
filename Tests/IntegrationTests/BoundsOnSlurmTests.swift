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

/// Requests made up from a seed, on real Slurm: what it reports of each job that it took, asked for and given, is within the
/// bounds that policy would have judged.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct BoundsOnSlurmTests {
    /// One with the account of `gpu`.
    static let person = "carol"
    static let name = "bounds"
    /// Of each cluster; a third of them is held, the others run where they can.
    private static let requests = 150

    private struct Random: RandomNumberGenerator {
        var state: UInt64
        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
        mutating func one(_ values: [JSONValue]) -> JSONValue { values[Int(next() % UInt64(values.count))] }
        mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
    }

    private struct Taken {
        var json: JSONValue
        var bounds: ResourceBounds
    }

    @Test(arguments: Stack.clusters) func whatSlurmReportsIsWithinTheBounds(_ cluster: String) async throws {
        let stack = try Stack.required()
        // The account exists on the cluster from here on.
        _ = try await stack.submit(Self.person, cluster, ["--hold", "-J", Self.name], script: "#!/bin/sh\n")
        do {
            try await stack.withSlurm(cluster) { client, key, _ in
                let taken = try await submit(client, cluster, key)
                // A generator whose jobs are all refused compares nothing.
                #expect(taken.count > Self.requests / 5, "\(taken.count) of \(Self.requests) were taken")
                try await compare(taken, client, cluster, key)
            }
            try await cancelAll(cluster, stack)
        } catch {
            try await cancelAll(cluster, stack)
            throw error
        }
    }

    /// What a request can say beside resources; each by itself, so that a refusal is seen.
    private static let fields: [(String, JSONValue)] = [
        ("tmp", "1M"), ("no_kill", true), ("kill_on_invalid_dep", "yes"), ("mincpus", 2),
        ("ntasks_per_socket", 1), ("contiguous", true), ("switches", "1@10:00"), ("nice", 7), ("begin", "now+1hour"),
        ("signal", "USR1@30"), ("mail_type", "END"), ("requeue", false), ("time_min", "3"), ("exclude", "node002"),
        ("nodelist", "node001"), ("open_mode", "append"), ("comment", "a comment"), ("array", "0-9:3%2"),
        ("dependency", "singleton"),
    ]

    @Test(arguments: Stack.clusters) func everyFieldIsTakenAndCanBeUpdated(_ cluster: String) async throws {
        let stack = try Stack.required()
        _ = try await stack.submit(Self.person, cluster, ["--hold", "-J", Self.name], script: "#!/bin/sh\n")
        try await stack.withSlurm(cluster) { client, key, socket in
            let defaults = try await defaults(client, cluster, key)
            for (name, value) in Self.fields {
                var fields = [("script", "#!/bin/sh\n"), ("job_name", .string(Self.name)), (name, value)]
                fields +=
                    [("hold", true), ("ntasks", 1), ("time", "10"), ("account", "research")] as [(String, JSONValue)]
                let job = try JobRequest(json: .object(JSONObject(fields))).resolved(
                    with: defaults, user: UserName(Self.person))
                do {
                    let made = try await client.submit(submission(job, cluster), token: key.token(Self.person))
                    if name == "comment" { try await update(made.id, defaults, cluster, key, socket) }
                    if name == "array" { try await throttle(made.id, cluster, key, socket) }
                } catch SlurmError.notOffered where cluster == "it12" && ["contiguous", "switches"].contains(name) {
                } catch {
                    Issue.record("\(name) on \(cluster): \(error)")
                }
            }
        }
        try await cancelAll(cluster, stack)
    }

    /// Changes what may be changed, as it is written for the cluster's version, and reads it back.
    private func update(_ id: JobID, _ defaults: ClusterDefaults, _ cluster: String, _ key: SlurmKey, _ socket: String)
        async throws
    {
        let version = APIVersion(rawValue: cluster == "it12" ? 38 : 42)
        let changes: [(String, JSONValue)] = [
            ("time_limit", ["set": true, "number": 7]), ("name", .string(Self.name)), ("comment", "another"),
            ("nice", 9),
            ("minimum_nodes", 1), ("maximum_nodes", 2), ("tasks", 2), ("memory_per_node", ["set": true, "number": 60]),
            ("dependency", "singleton"), ("requeue", true), ("excluded_nodes", ["node002"]),
        ]
        let update = try JobUpdate(from: .object(JSONObject(changes)), version: APIVersion(rawValue: 42))
        let before = try await job(id, version, key, socket)
        let outcomes = try update.outcomes(of: before, from: version, defaults: defaults, user: UserName(Self.person))
        let merged = try #require(outcomes.first)
        let body = try update.json(version: version, now: Timestamp(Int64(time(nil)))).bytes()
        let answer = try await ask(
            "POST", "/slurm/\(version)/job/\(id)", String(decoding: body, as: UTF8.self), key, socket)
        #expect(answer["errors"]?.array?.isEmpty == true, "\(cluster): \(answer)")
        let json = try await job(id, version, key, socket)
        let after = try ExistingJob(json)
        #expect(after.request.comment == "another" && after.request.timeLimit?.minutes == 7, "\(json)")
        #expect(after.request.tasks == 2 && after.request.memoryPerNode == Memory(mebibytes: 60), "\(json)")
        #expect(
            after.request.excludedNodes?.names == ["node002"]
                && json["dependency"]?.string?.contains("singleton") == true)
        for tres in after.reported {
            #expect(
                tres.cpus ?? 0 <= merged.bounds.cpus ?? .max && tres.memory?.bytes ?? 0 <= merged.bounds.memory ?? .max)
        }
    }

    /// One task at once is one, and not no limit.
    private func throttle(_ id: JobID, _ cluster: String, _ key: SlurmKey, _ socket: String) async throws {
        let version = APIVersion(rawValue: cluster == "it12" ? 38 : 42)
        let update = try JobUpdate(from: ["array": "%1"], version: APIVersion(rawValue: 42))
        let body = try update.json(version: version, now: Timestamp(0)).bytes()
        let answer = try await ask(
            "POST", "/slurm/\(version)/job/\(id)", String(decoding: body, as: UTF8.self), key, socket)
        // 22.05 says of every change of an array that it failed.
        let errors = try #require(answer["errors"]?.array)
        #expect(errors.count == (cluster == "it12" ? 1 : 0), "\(cluster): \(answer)")
        #expect(errors.allSatisfy { $0["error_number"] == nil && $0["error_code"] == nil }, "\(answer)")
        let json = try await job(id, version, key, socket)
        #expect(json["array_task_string"]?.string?.hasSuffix("%1") == true, "\(json)")
    }

    func job(_ id: JobID, _ version: APIVersion, _ key: SlurmKey, _ socket: String) async throws -> JSONValue {
        try #require(try await ask("GET", "/slurm/\(version)/job/\(id)", "", key, socket)["jobs"]?.array?.first)
    }

    func ask(_ method: String, _ path: String, _ body: String, _ key: SlurmKey, _ socket: String) async throws
        -> JSONValue
    {
        let token = try await key.token(Self.person).value.reveal()
        var arguments = [
            "-sS", "-m", "60", "-X", method, "--unix-socket", socket, "-K", "-", "http://localhost\(path)",
        ]
        if !body.isEmpty { arguments += ["-H", "Content-Type: application/json", "--data-binary", body] }
        let result = try await runProgram(
            "/usr/bin/curl", arguments,
            input: "header = \"X-SLURM-USER-TOKEN: \(token)\"\nheader = \"X-SLURM-USER-NAME: \(Self.person)\"\n")
        return try JSONValue(parsing: result.output, limits: .listing)
    }

    func submission(_ job: ResolvedJob, _ cluster: String) -> Authorized<Submit> {
        authorized(
            Submit(
                cluster: ClusterName(unchecked: cluster), job: job, bounds: ResourceBounds(of: job), idempotencyKey: "k"
            ))
    }

    func defaults(_ client: SlurmClient, _ cluster: String, _ key: SlurmKey) async throws -> ClusterDefaults {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        var defaults = ClusterDefaults(
            partitions: try await client.partitions(read, token: key.token(Self.person)),
            nodes: try await client.nodes(read, token: key.token(Self.person)),
            account: AccountName(unchecked: "research"),
            home: "/home/\(Self.person)")
        // As scripts/stack tells the gateway.
        defaults.jobDefaults = JobDefaults.nothing
        return defaults
    }

    private func submit(_ client: SlurmClient, _ cluster: String, _ key: SlurmKey) async throws -> [JobID: Taken] {
        var defaults = try await defaults(client, cluster, key)
        // Another test here sets them, and the daemons may go by them for a while after it has taken them away.
        defaults.jobDefaults = try JobDefaults(Self.jobDefaults)
        var random = Random(state: cluster == "it12" ? 12 : 13)
        var taken: [JobID: Taken] = [:]
        for _ in 0..<Self.requests {
            let json = Self.request(&random)
            guard let request = try? JobRequest(json: json) else { continue }  // contradicts itself
            let job = try request.resolved(with: defaults, user: UserName(Self.person))
            do {
                let made = try await client.submit(submission(job, cluster), token: key.token(Self.person))
                taken[made.id] = Taken(json: json, bounds: ResourceBounds(of: job))
            } catch SlurmError.refused, SlurmError.notOffered {
                // What could never run there is not what this test is about.
            }
        }
        return taken
    }

    private func compare(_ taken: [JobID: Taken], _ client: SlurmClient, _ cluster: String, _ key: SlurmKey)
        async throws
    {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        var seen: [JobID: Job] = [:]
        // Some wait for ever for what the others hold; enough have run when a quarter of all that may has.
        let runnable = taken.values.count { $0.json["hold"] != true }
        try await eventually("\(runnable / 4) of \(runnable) jobs of \(cluster) have run") {
            for job in try await client.jobs(read, token: key.token(Self.person)) where taken[job.id] != nil {
                seen[job.id] = job
            }
            return seen.values.count { $0.allocatedTRES?.isEmpty == false && $0.states.isFinished } >= runnable / 4
        }
        #expect(Set(seen.keys) == Set(taken.keys))
        for (id, job) in seen {
            guard let mine = taken[id] else { continue }
            let context =
                "job \(id) of \(cluster): \(String(decoding: mine.json.bytes(), as: UTF8.self)), bounds \(mine.bounds), "
                + "asked \(job.requestedTRES ?? ""), given \(job.allocatedTRES ?? "")"
            let bounds = mine.bounds
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

    private static func request(_ random: inout Random) -> JSONValue {
        let isGPU = random.chance(40)
        var job = JSONObject([
            ("script", "#!/bin/sh\n"), ("job_name", .string(name)), ("time", "5"), ("output", "/dev/null"),
            ("account", isGPU ? "gpu" : "research"), ("partition", isGPU ? "gpu" : "debug"),
        ])
        if random.chance(33) { job["hold"] = true }
        func perhaps(_ key: String, _ percent: UInt64, _ values: [JSONValue]) {
            if random.chance(percent) { job[key] = random.one(values) }
        }
        perhaps("nodes", 45, ["1", "1-2", "2"])
        perhaps("ntasks", 45, [1, 2, 3, 4])
        perhaps("ntasks_per_node", 25, [1, 2])
        perhaps("ntasks_per_socket", 15, [1, 2])
        perhaps("cpus_per_task", 30, [1, 2, 3])
        perhaps("mincpus", 25, [1, 2, 4])
        perhaps("exclusive", 12, ["node", "user"])
        perhaps("array", 8, ["0-2%1", "1,5"])
        perhaps("tmp", 5, ["1M"])
        perhaps("no_kill", 5, [true])
        perhaps("kill_on_invalid_dep", 5, ["yes", "no"])
        perhaps("requeue", 5, [true, false])
        switch random.next() % 4 {
        case 0: perhaps("mem", 80, ["50M", "100M", "0"])
        case 1: perhaps("mem_per_cpu", 80, ["50M", "100M"])
        default: break
        }
        if isGPU {
            let key = ["gpus", "gpus_per_node", "gpus_per_task"][Int(random.next() % 3)]
            perhaps(key, 80, ["1", "2", "a100:1", "a100:1,v100:1"])
            if job[key] != nil {
                if job["cpus_per_task"] == nil { perhaps("cpus_per_gpu", 30, [1, 2]) }
                if job["mem"] == nil, job["mem_per_cpu"] == nil { perhaps("mem_per_gpu", 40, ["50M"]) }
            }
        }
        return .object(job)
    }

    func cancelAll(_ cluster: String, _ stack: Stack) async throws {
        let result = try await stack.onNode(
            cluster, "master", ["scancel", "--user=\(Self.person)", "--name=\(Self.name)"])
        #expect(result.status == 0, "\(result)")
    }

    func authorized<Action>(_ action: Action) -> Authorized<Action> {
        Authorized(action: action, actor: .system, position: nil, decidedAt: Timestamp(Int64(time(nil))))
    }
}
