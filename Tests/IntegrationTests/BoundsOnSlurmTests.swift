// SPDX-License-Identifier: Apache-2.0

import JWTKit
import Logging
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

private struct SlurmClaims: JWTPayload {
    var sun: String
    var iat: Int
    var exp: Int
    func verify(using algorithm: some JWTAlgorithm) {}
}

/// Requests made up from a seed, on real Slurm: what it reports of each job that it took, asked for and given, is within the
/// bounds that policy would have judged.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct BoundsOnSlurmTests {
    private static let person = "alice"
    private static let name = "bounds"
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
            try await submitAndCompare(cluster, stack)
            try await cancelAll(cluster, stack)
        } catch {
            try await cancelAll(cluster, stack)
            throw error
        }
    }

    private func submitAndCompare(_ cluster: String, _ stack: Stack) async throws {
        let record = try JSONValue(
            parsing: try await runProgram("/bin/cat", ["\(stack.state)/clusters/\(cluster)/cluster.json"]).output)
        let socket = try #require(record["socket"]?.string)
        let connections = SlurmConnections(logger: Logger(label: "test"))
        let client = connections.client(
            ClusterName(unchecked: cluster), at: .unixSocket(path: socket), pinned: nil,
            defaultPartition: PartitionName(unchecked: "debug"))
        let key = try await key(record)
        do {
            let taken = try await submit(client, cluster, key)
            // A generator whose jobs are all refused compares nothing.
            #expect(taken.count > Self.requests / 5, "\(taken.count) of \(Self.requests) were taken")
            try await compare(taken, client, cluster, key)
            try await connections.close()
        } catch {
            try await connections.close()
            throw error
        }
    }

    private func submit(_ client: SlurmClient, _ cluster: String, _ key: Key) async throws -> [JobID: Taken] {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        let defaults = ClusterDefaults(
            partitions: try await client.partitions(read, token: key.token()),
            nodes: try await client.nodes(read, token: key.token()), account: AccountName(unchecked: "research"),
            home: "/home/\(Self.person)")
        var random = Random(state: cluster == "it12" ? 12 : 13)
        var taken: [JobID: Taken] = [:]
        for _ in 0..<Self.requests {
            let json = Self.request(&random)
            guard let request = try? JobRequest(json: json) else { continue }  // contradicts itself
            let job = try request.resolved(with: defaults, user: UserName(Self.person))
            let bounds = ResourceBounds(of: job)
            do {
                let submit = Submit(
                    cluster: ClusterName(unchecked: cluster), job: job, bounds: bounds, idempotencyKey: "k")
                let made = try await client.submit(authorized(submit), token: key.token())
                taken[made.id] = Taken(json: json, bounds: bounds)
            } catch SlurmError.refused, SlurmError.notOffered {
                // What could never run there is not what this test is about.
            }
        }
        return taken
    }

    private func compare(_ taken: [JobID: Taken], _ client: SlurmClient, _ cluster: String, _ key: Key) async throws {
        let read = authorized(SystemAction.readQueue(ClusterName(unchecked: cluster)))
        var seen: [JobID: Job] = [:]
        // Some wait for ever for what the others hold; enough have run when a quarter of all that may has.
        let runnable = taken.values.count { $0.json["hold"] != true }
        try await eventually("\(runnable / 4) of \(runnable) jobs of \(cluster) have run") {
            for job in try await client.jobs(read, token: key.token()) where taken[job.id] != nil { seen[job.id] = job }
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
            #expect(job.nodes ?? 0 <= bounds.nodes, "\(context)")
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
        perhaps("prefer", 5, ["fast"])
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

    private func cancelAll(_ cluster: String, _ stack: Stack) async throws {
        let result = try await stack.onNode(
            cluster, "master", ["scancel", "--user=\(Self.person)", "--name=\(Self.name)"])
        #expect(result.status == 0, "\(result)")
    }

    private func authorized<Action>(_ action: Action) -> Authorized<Action> {
        Authorized(action: action, actor: .system, position: nil, decidedAt: Timestamp(Int64(time(nil))))
    }

    /// The cluster's own key: tokens are made as the signer makes them.
    private struct Key {
        var keys: JWTKeyCollection
        var kid: JWKIdentifier?

        func token() async throws -> SlurmToken {
            let now = Int(time(nil))
            let claims = SlurmClaims(sun: BoundsOnSlurmTests.person, iat: now, exp: now + 60)
            return SlurmToken(
                user: BoundsOnSlurmTests.person, value: Secret(try await keys.sign(claims, kid: kid)))
        }
    }

    private func key(_ record: JSONValue) async throws -> Key {
        let path = try #require(record["token_key"]?["path"]?.string)
        let keys = JWTKeyCollection()
        if record["token_key"]?["algorithm"]?.string == "RS256" {
            let kid = JWKIdentifier(string: try #require(record["token_key"]?["kid"]?.string))
            let pem = try await runProgram("/bin/cat", [path]).output
            await keys.add(rsa: try Insecure.RSA.PrivateKey(pem: pem), digestAlgorithm: .sha256, kid: kid)
            return Key(keys: keys, kid: kid)
        }
        let hex = try await runProgram("/usr/bin/od", ["-An", "-v", "-tx1", path]).output
        let bytes = hex.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
        await keys.add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
        return Key(keys: keys, kid: nil)
    }
}
