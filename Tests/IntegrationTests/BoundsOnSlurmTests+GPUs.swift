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
    private static func version(_ cluster: String) -> APIVersion { APIVersion(rawValue: cluster == "it12" ? 38 : 42) }

    /// slurm.conf(5) DefCpuPerGPU and DefMemPerGPU: neither is reported, and they are counted.
    @Test(arguments: Stack.clusters) func whatGPUsBringByDefaultIsWithinTheBounds(_ cluster: String) async throws {
        try await withGPUJobs(cluster) { jobs in
            let defaults = "DefCpuPerGPU=2,DefMemPerGPU=300"
            let partition = try await jobs.makePartition(jobDefaults: defaults)
            var known = try await self.defaults(jobs.client, cluster, jobs.key)
            #expect(known.partitions.contains { $0.name == partition })
            #expect(known.partitions.allSatisfy { $0.jobDefaults == nil }, "\(known.partitions)")
            let nothing = known
            known.jobDefaults = try JobDefaults(defaults)
            var unknown = known
            unknown.jobDefaults = nil
            var more = 0
            for fields in [
                [("gpus_per_node", "a100:1")], [("gpus_per_node", "a100:1"), ("ntasks", 1)],
                [("gpus", "a100:2"), ("ntasks", 1)], [("gpus", "2"), ("mem", "100M"), ("ntasks", 1)],
                [("gpus", "a100:1"), ("cpus_per_task", 1), ("ntasks", 1)],
                [("gpus", "v100:1"), ("cpus_per_gpu", 1), ("ntasks", 1)],
            ] as [[(String, JSONValue)]] {
                let request = try jobs.request(fields + [("partition", .string(partition))])
                func bounds(_ defaults: ClusterDefaults) throws -> ResourceBounds {
                    ResourceBounds(of: try request.resolved(with: defaults, user: UserName(Self.person)))
                }
                let job = try request.resolved(with: known, user: UserName(Self.person))
                let made = try await jobs.client.submit(
                    submission(job, cluster), token: jobs.key.token(BoundsOnSlurmTests.person))
                let given = try await jobs.given(made.id)
                let context = "\(fields) on \(cluster): \(given.amounts)"
                for bounds in try [bounds(known), bounds(unknown)] {
                    #expect(given.cpus ?? .max <= bounds.cpus ?? .max, "\(context), bounds \(bounds)")
                    #expect(given.memory?.bytes ?? 0 <= bounds.memory ?? .max, "\(context), bounds \(bounds)")
                }
                let without = try bounds(nothing)
                if given.cpus ?? 0 > without.cpus ?? .max { more += 1 }
            }
            // Otherwise nothing was given by default, and the bounds were not tried.
            #expect(more > 0, "\(cluster)")
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

    /// sbatch(1) --ntasks-per-gpu, which 22.05 does not report. More GPUs are refused because they may bring more CPUs, while the
    /// tasks stay as they are; 22.05.8 gives as many CPUs as there are tasks.
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
            #expect(given.gpus.total == 2, "\(given.amounts)")
            #expect(given.cpus == 2, "\(given.amounts)")
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

        /// One with the nodes of `gpu`. slurmctld keeps what the partition said that it last looked for GPUs in, also when that
        /// says something else by now (`_set_gpu_defaults` in 22.05 and 24.11): in a new one what it says is read.
        func makePartition(jobDefaults: String) async throws -> String {
            try await removePartition()
            let partitions = try await suite.defaults(client, cluster, key).partitions
            let gpu = try #require(partitions.first(where: { $0.name == "gpu" }))
            let result = try await scontrol([
                "create", Self.ownPartition, "Nodes=\(gpu.nodeList)", "AllowAccounts=gpu", "MaxTime=60", "State=UP",
                "JobDefaults=\(jobDefaults)",
            ])
            guard result.status == 0 else { throw Failure("no partition on \(cluster): \(result)") }
            return MadeUpJobs.name
        }

        /// What is not there is no failure.
        func removePartition() async throws {
            guard try await scontrol(["show", "partition", MadeUpJobs.name]).status == 0 else { return }
            // Not while a job is in it.
            try await eventually("\(Self.ownPartition) of \(cluster) is gone") {
                try await scontrol(["delete", Self.ownPartition]).status == 0
            }
        }

        private static let ownPartition = "PartitionName=\(MadeUpJobs.name)"

        private func scontrol(_ arguments: [String]) async throws -> ProgramResult {
            try await stack.onNode(cluster, "master", ["scontrol"] + arguments)
        }

        /// - Parameter fields: in place of the usual ones.
        func request(_ fields: [(String, JSONValue)]) throws -> JobRequest {
            let usual = MadeUpJobs.usual(account: "gpu", partition: "gpu")
            return try JobRequest(json: .object(JSONObject(usual + [("nodes", .string("1"))] + fields)))
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
                try await cancelAll(cluster, stack)
                try await jobs.removePartition()
                throw error
            }
            try await cancelAll(cluster, stack)
            try await jobs.removePartition()
        }
    }
}
