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

/// What Slurm's sources say of GPUs, tried: what they bring by default, how an update changes their type, tasks that come with
/// them.
extension BoundsOnSlurmTests {
    /// What one of these tests sets for a while.
    static let jobDefaults = "DefCpuPerGPU=2,DefMemPerGPU=300"

    private static func version(_ cluster: String) -> APIVersion { APIVersion(rawValue: cluster == "it12" ? 38 : 42) }

    /// slurm.conf(5) DefCpuPerGPU and DefMemPerGPU: neither is reported, and they are counted. Both daemons
    /// go by a change of them sooner or later: jobs right after it were given one CPU at one time, and the default at another.
    @Test(arguments: Stack.clusters) func whatGPUsBringByDefaultIsWithinTheBounds(_ cluster: String) async throws {
        try await withGPUJobs(cluster) { jobs in
            try await jobs.setJobDefaults(Self.jobDefaults)
            var known = try await defaults(jobs.client, cluster, jobs.key)
            #expect(known.partitions.contains { $0.name == "gpu" })
            #expect(known.partitions.allSatisfy { $0.jobDefaults == nil }, "\(known.partitions)")
            known.jobDefaults = try JobDefaults(Self.jobDefaults)
            var unknown = known
            unknown.jobDefaults = nil
            for fields in [
                [("gpus_per_node", "a100:1")], [("gpus", "a100:2")], [("gpus", "2"), ("mem", "100M")],
                [("gpus", "a100:1"), ("cpus_per_task", 1)], [("gpus", "v100:1"), ("cpus_per_gpu", 1)],
            ] as [[(String, JSONValue)]] {
                let request = try jobs.request(fields + [("ntasks", 1)])
                let job = try request.resolved(with: known, user: UserName(Self.person))
                let made = try await jobs.client.submit(
                    submission(job, cluster), token: jobs.key.token(BoundsOnSlurmTests.person))
                let given = try await jobs.given(made.id)
                let context = "\(fields) on \(cluster): \(given.amounts)"
                for defaults in [known, unknown] {
                    let bounds = ResourceBounds(of: try request.resolved(with: defaults, user: UserName(Self.person)))
                    #expect(given.cpus ?? .max <= bounds.cpus ?? .max, "\(context), bounds \(bounds)")
                    #expect(given.memory?.bytes ?? 0 <= bounds.memory ?? .max, "\(context), bounds \(bounds)")
                }
            }
        }
    }

    /// 24.11 puts the new type in the place of the old; 22.05 adds it, and reports it alone.
    @Test(arguments: Stack.clusters, ["tres_per_node", "tres_per_job"])
    func anotherTypeOfGPUsByAnUpdate(_ cluster: String, _ field: String) async throws {
        let version = Self.version(cluster)
        try await withGPUJobs(cluster) { jobs in
            let defaults = try await defaults(jobs.client, cluster, jobs.key)
            let key = field == "tres_per_job" ? "gpus" : "gpus_per_node"
            let job = try jobs.request([(key, "a100:1"), ("ntasks", 1), ("hold", true)])
                .resolved(with: defaults, user: UserName(Self.person))
            let made = try await jobs.client.submit(
                submission(job, cluster), token: jobs.key.token(BoundsOnSlurmTests.person))
            let update = try JobUpdate(from: [field: "gres/gpu:v100:1"], version: APIVersion(rawValue: 42))
            let before = try await jobs.record(made.id)
            func outcomes() throws -> [JobUpdate.Outcome] {
                try update.outcomes(of: before, from: version, defaults: defaults, user: UserName(Self.person))
            }
            var refusal: SallyError?
            if !version.replacesGPUs { refusal = #expect(throws: SallyError.self) { try outcomes() } }
            try await jobs.change(made.id, update)
            let after = try ExistingJob(try await jobs.record(made.id))
            let said = field == "tres_per_job" ? after.request.gpus : after.request.gpusPerNode
            #expect(said?.byType == ["v100": 1], "\(cluster): \(said.map { "\($0)" } ?? "")")
            try await jobs.change(made.id, try JobUpdate(from: ["hold": false], version: APIVersion(rawValue: 42)))
            let given = try await jobs.given(made.id)
            if version.replacesGPUs {
                #expect(given.gpus.byType == ["v100": 1], "\(cluster): \(given.amounts)")
                #expect(try outcomes().map(\.bounds.gpusByType) == [["v100": 1]])
            } else {
                #expect(given.gpus.byType == ["a100": 1, "v100": 1], "\(cluster): \(given.amounts)")
                #expect(refusal?.code == .unsupported, "\(cluster)")
            }
        }
    }

    /// sbatch(1) --ntasks-per-gpu, which 22.05 does not report: more GPUs bring more CPUs, while the tasks stay as they are.
    @Test(arguments: Stack.clusters) func tasksThatGPUsBring(_ cluster: String) async throws {
        let version = Self.version(cluster)
        try await withGPUJobs(cluster) { jobs in
            let id = try await jobs.submitWithTasksPerGPU(2)
            let before = try await jobs.record(id)
            let defaults = try await defaults(jobs.client, cluster, jobs.key)
            func outcomes(_ update: JobUpdate) throws -> [JobUpdate.Outcome] {
                try update.outcomes(of: before, from: version, defaults: defaults, user: UserName(Self.person))
            }
            let more = try JobUpdate(from: ["tres_per_job": "gres/gpu:a100:2"], version: APIVersion(rawValue: 42))
            #expect(throws: SallyError.self) { try outcomes(more) }
            let other = try JobUpdate(from: ["comment": "x"], version: APIVersion(rawValue: 42))
            guard version.hidesTasksPerGPU else {
                #expect(throws: SallyError.self) { try outcomes(other) }
                return
            }
            #expect(before["tasks_per_tres"] == nil && before["tasks"]?.integer() == 2, "\(before)")
            #expect(try outcomes(other).allSatisfy { $0.bounds.cpus == 2 })
            try await jobs.change(id, more)
            #expect(try await jobs.record(id)["tasks"]?.integer() == 2)
            try await jobs.change(id, try JobUpdate(from: ["hold": false], version: APIVersion(rawValue: 42)))
            let given = try await jobs.given(id)
            // Two tasks for each of two GPUs is the most that it might be; 22.05.8 leaves the job's two tasks.
            #expect(given.cpus ?? .max <= 4, "\(given.amounts)")
        }
    }

    /// One cluster's partition `gpu`, and who may use it.
    private struct GPUJobs {
        let suite: BoundsOnSlurmTests
        let cluster: String
        let stack: Stack
        let client: SlurmClient
        let key: SlurmKey
        let socket: String

        func setJobDefaults(_ text: String) async throws {
            let result = try await stack.onNode(
                cluster, "master", ["scontrol", "update", "PartitionName=gpu", "JobDefaults=\(text)"])
            #expect(result.status == 0, "\(result)")
        }

        func request(_ fields: [(String, JSONValue)]) throws -> JobRequest {
            let usual: [(String, JSONValue)] = [
                ("script", "#!/bin/sh\n"), ("job_name", .string(BoundsOnSlurmTests.name)), ("time", "5"),
                ("output", "/dev/null"), ("account", "gpu"), ("partition", "gpu"), ("nodes", "1"),
            ]
            return try JobRequest(json: .object(JSONObject(usual + fields)))
        }

        func record(_ id: JobID) async throws -> JSONValue {
            try await suite.job(id, BoundsOnSlurmTests.version(cluster), key, socket)
        }

        /// Sends an update, whatever anybody thinks of it.
        func change(_ id: JobID, _ update: JobUpdate) async throws {
            let version = BoundsOnSlurmTests.version(cluster)
            let body = try update.json(version: version, now: Timestamp(Int64(time(nil)))).bytes()
            let answer = try await suite.ask(
                "POST", "/slurm/\(version)/job/\(id)", String(decoding: body, as: UTF8.self), key, socket)
            #expect(answer["errors"]?.array?.isEmpty == true, "\(cluster): \(answer)")
        }

        /// A held job with one GPU, as the gateway submits none.
        func submitWithTasksPerGPU(_ tasks: Int) async throws -> JobID {
            let version = BoundsOnSlurmTests.version(cluster)
            var job = JSONObject([
                ("name", .string(BoundsOnSlurmTests.name)), ("account", "gpu"), ("partition", "gpu"), ("hold", true),
                ("current_working_directory", "/tmp"), ("standard_output", "/dev/null"),
            ])
            if version.takesOptions {
                job["gpus"] = "a100:1"
                job["ntasks_per_gpu"] = .integer(tasks)
                job["nodes"] = "1"
                job["time_limit"] = 5
                job["environment"] = ["PATH": "/bin:/usr/bin"]
            } else {
                job["tres_per_job"] = "gres/gpu:a100:1"
                job["ntasks_per_tres"] = .integer(tasks)
                job["minimum_nodes"] = 1
                job["maximum_nodes"] = 1
                job["time_limit"] = ["set": true, "infinite": false, "number": 5]
                job["environment"] = ["PATH=/bin:/usr/bin"]
            }
            let body: JSONValue = ["script": "#!/bin/sh\n", "job": .object(job)]
            let answer = try await suite.ask(
                "POST", "/slurm/\(version)/job/submit", String(decoding: body.bytes(), as: UTF8.self), key, socket)
            let id = try #require(answer["job_id"]?.integer(UInt32.self), "\(cluster): \(answer)")
            return try #require(JobID(rawValue: id))
        }

        /// What the job got, once it has ended.
        func given(_ id: JobID) async throws -> TRES {
            let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
            var given: TRES?
            try await eventually("job \(id) of \(cluster) has run") {
                let job = try await client.jobs(read, token: key.token(BoundsOnSlurmTests.person)).first { $0.id == id }
                if let job, job.states.isFinished, let text = job.allocatedTRES, !text.isEmpty { given = TRES(text) }
                return given != nil
            }
            return try #require(given)
        }
    }

    private func withGPUJobs(_ cluster: String, _ body: (GPUJobs) async throws -> Void) async throws {
        let stack = try Stack.required()
        // The account exists on the cluster from here on.
        _ = try await stack.submit(Self.person, cluster, ["--hold", "-J", Self.name], script: "#!/bin/sh\n")
        try await stack.withSlurm(cluster) { client, key, socket in
            let jobs = GPUJobs(
                suite: self, cluster: cluster, stack: stack, client: client, key: key, socket: socket)
            do {
                try await body(jobs)
            } catch {
                try await jobs.setJobDefaults("")
                try await cancelAll(cluster, stack)
                throw error
            }
            try await jobs.setJobDefaults("")
            try await cancelAll(cluster, stack)
        }
    }
}
