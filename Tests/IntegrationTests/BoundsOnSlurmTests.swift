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
    static let name = MadeUpJobs.name

    @Test(arguments: Stack.clusters) func whatSlurmReportsIsWithinTheBounds(_ cluster: String) async throws {
        let stack = try Stack.required()
        // The account exists on the cluster from here on.
        _ = try await stack.submit(Self.person, cluster, ["--hold", "-J", Self.name], script: "#!/bin/sh\n")
        do {
            try await stack.withSlurm(cluster) { client, key, _ in
                let jobs = MadeUpJobs(client: client, cluster: cluster, key: key, person: Self.person)
                let told = try await defaults(client, cluster, key)
                var untold = told
                untold.memoryLimits = nil
                var batch = try await jobs.submit(
                    seed: cluster == "it12" ? 12 : 13, on: .demo, knowing: [told, untold])
                try await jobs.compare(&batch)
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

    func defaults(_ client: SlurmClient, _ cluster: String, _ key: SlurmKey) async throws -> ClusterDefaults {
        var defaults = try await MadeUpJobs(client: client, cluster: cluster, key: key, person: Self.person).defaults()
        // As scripts/stack tells the gateway.
        defaults.jobDefaults = JobDefaults.nothing
        defaults.memoryLimits = MemoryLimits.nothing
        return defaults
    }

    func cancelAll(_ cluster: String, _ stack: Stack) async throws {
        let result = try await stack.onNode(
            cluster, "master", ["scancel", "--user=\(Self.person)", "--name=\(Self.name)"])
        #expect(result.status == 0, "\(result)")
    }
}
