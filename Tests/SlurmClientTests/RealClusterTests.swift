// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import SallyModel
import SallyTestSupport
import SlurmModel
import StrictJSON
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// What is asked of real daemons is what they report. Runs where `SALLYPORT_TEST_SLURM` names clusters, one after the other
/// as `SOCKET|VERSION|USER|TOKEN`, the person with accounts research and gpu.
@Suite(
    .serialized,
    .enabled(if: !RealCluster.all.isEmpty, "SALLYPORT_TEST_SLURM names no real slurmrestd"))
struct RealClusterTestsSerial {
    private let cluster = ClusterName(unchecked: "real")

    private func authorized<T>(_ action: T) -> Authorized<T> {
        let now = Int64(Date().timeIntervalSince1970)
        return Authorized(action: action, actor: .system, position: nil, decidedAt: Timestamp(now))
    }

    private func withClient<Result>(
        _ real: RealCluster, _ body: (SlurmClient, SlurmToken) async throws -> Result
    ) async throws -> Result {
        let connections = SlurmConnections(logger: Logger(label: "test"))
        let client = try connections.client(
            cluster, at: .unixSocket(path: real.socket), pinned: nil,
            defaultPartition: PartitionName(unchecked: "debug"))
        do {
            let result = try await body(client, SlurmToken(user: real.user, value: Secret(real.token)))
            try await connections.close()
            return result
        } catch {
            try await connections.close()
            throw error
        }
    }

    private func submitted(_ fields: [(String, JSONValue)], _ real: RealCluster) async throws -> Job {
        try await withClient(real) { client, token in
            let read = authorized(SystemAction.readQueue(cluster))
            let request = try JobRequest(
                json: .object(JSONObject([("script", "#!/bin/sh\nsleep 60\n"), ("hold", true)] + fields)))
            let defaults = ClusterDefaults(
                partitions: try await client.partitions(read, token: token),
                nodes: try await client.nodes(read, token: token),
                account: try AccountName("research"), home: "/home/\(real.user)")
            let job = try request.resolved(with: defaults, user: UserName(real.user))
            let bounds = ResourceBounds(of: job)
            let made = try await client.submit(
                authorized(Submit(cluster: cluster, job: job, bounds: bounds, idempotencyKey: "k")), token: token)
            let shown = try await client.jobs(read, token: token).first { $0.id == made.id }
            let cancel = Cancel(cluster: cluster, job: made.id, owner: try UserName(real.user), signal: nil)
            try await client.cancel(authorized(cancel), token: token)
            try await eventually("job \(made.id) is cancelled") {
                try await client.jobs(read, token: token).first { $0.id == made.id }?.states.isFinished ?? true
            }
            let found = try #require(shown)
            // Nothing that Slurm will use is more than what policy judged.
            let tres = TRES(found.requestedTRES ?? "")
            #expect(tres.cpus ?? 0 <= bounds.cpus ?? .max)
            #expect(tres.nodes ?? 0 <= bounds.nodes)
            #expect(tres.gpus.total <= bounds.untypedGPUs + bounds.gpusByType.values.reduce(0, +))
            if let memory = tres.amounts["mem"] { #expect(try Memory(memory).bytes <= bounds.memory ?? .max) }
            return found
        }
    }

    @Test(arguments: RealCluster.all) func reportsWhatWasAsked(real: RealCluster) async throws {
        let job = try await submitted(
            [
                ("job_name", "asked"), ("nodes", "2"), ("ntasks", 4), ("cpus_per_task", 1), ("mem", "100M"),
                ("time", "0:07:00"),
                ("time_min", "3"), ("comment", "a \"comment\" é"), ("requeue", false), ("nice", 7),
                ("output", "out-%j"),
                ("error", "err-%j"), ("input", "/dev/null"), ("open_mode", "append"), ("begin", "now+1hour"),
                ("signal", "USR1@30"),
                ("environment", ["A": "b c\n\"d\""]), ("partition", "debug"), ("ntasks_per_node", 2),
            ], real)
        #expect(job.name == "asked")
        #expect(job.user == real.user)
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
        #expect(job.workingDirectory == "/home/\(real.user)")
        #expect(job.standardInput == "/dev/null")
        #expect(job.standardOutput?.contains("out-") == true)
        #expect(job.standardError?.contains("err-") == true)
    }

    @Test(arguments: RealCluster.all) func reportsArraysAndDependencies(real: RealCluster) async throws {
        let array = try await submitted([("array", "0-9:3%2"), ("mem_per_cpu", "50M"), ("ntasks", 2)], real)
        #expect(array.arrayID == array.id)
        #expect(array.arrayTasks == "0,3,6,9%2")
        #expect(array.memoryPerCPU == Memory(mebibytes: 50))
        let dependent = try await submitted(
            [("dependency", .string("afterany:\(array.id)")), ("nodes", "1-2"), ("time", "2:00:00")], real)
        #expect(dependent.states.isPending)
    }

    @Test(arguments: RealCluster.all) func reportsGPUs(real: RealCluster) async throws {
        let place: [(String, JSONValue)] = [("partition", "gpu"), ("account", "gpu"), ("time", "5")]
        let perNode = try await submitted(place + [("gres", "gpu:a100:2")], real)
        #expect(TRES(perNode.requestedTRES ?? "").gpus == GPUCounts(byType: ["a100": 2], untyped: 0))
        let perJob = try await submitted(place + [("gpus", "a100:1,v100:1"), ("nodes", "1")], real)
        #expect(TRES(perJob.requestedTRES ?? "").gpus == GPUCounts(byType: ["a100": 1, "v100": 1], untyped: 0))
        let perTask = try await submitted(place + [("gpus_per_task", "1"), ("ntasks", 2)], real)
        #expect(TRES(perTask.requestedTRES ?? "").gpus.total == 2)
        #expect(perTask.account == "gpu")
    }

    /// UNLIMITED arrives as such, and not as nothing: the partition's limit refuses it.
    @Test(
        arguments: RealCluster.all,
        [("account", "nobodys", 2045), ("time", "UNLIMITED", 2051), ("qos", "nosuch", 2066)])
    func refusalsHaveSlurmsNumber(real: RealCluster, wrong: (field: String, value: String, number: Int)) async throws {
        let error = await #expect(throws: SlurmError.self) {
            _ = try await submitted([(wrong.field, .string(wrong.value))], real)
        }
        guard case .refused(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.number == wrong.number)
    }

    /// One of Slurm's lies: nothing tells "nothing has changed" from an empty queue.
    @Test(arguments: RealCluster.all) func nothingHasChangedIsAnEmptyList(real: RealCluster) async throws {
        let job = try await submitted([], real)
        try await withClient(real) { client, token in
            let read = authorized(SystemAction.readQueue(cluster))
            let later = read.decidedAt + .seconds(3600)
            let none = try await client.jobs(changedSince: later, read, token: token) { job, _ in job.id }
            #expect(none.jobs.isEmpty)
            let all = try await client.jobs(changedSince: Timestamp(1), read, token: token) { job, _ in job.id }
            #expect(all.jobs.contains(job.id))
            #expect((all.readAt != nil) == (real.version != "v0.0.38"))
        }
    }

    @Test(arguments: RealCluster.all) func junkTokensAreAuthentication(real: RealCluster) async throws {
        try await withClient(RealCluster(socket: real.socket, user: real.user, token: "junk", version: real.version)) {
            client, token in
            let error = await #expect(throws: SlurmError.self) {
                try await client.jobs(authorized(.readQueue(cluster)), token: token)
            }
            guard case .authentication = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}

struct RealCluster: Sendable, CustomStringConvertible {
    var socket: String
    var user: String
    var token: String
    var version: String
    var description: String { version }

    static let all: [RealCluster] = (ProcessInfo.processInfo.environment["SALLYPORT_TEST_SLURM"] ?? "").split(
        separator: " "
    )
    .compactMap { text in
        let parts = text.split(separator: "|").map(String.init)
        return parts.count == 4
            ? RealCluster(socket: parts[0], user: parts[2], token: parts[3], version: parts[1]) : nil
    }
}
