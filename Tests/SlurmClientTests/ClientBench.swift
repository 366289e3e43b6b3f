// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyModel
import SlurmModel
import StrictJSON

@testable import SallyPolicy
@testable import SlurmClient

/// What tests of the client have in common.
protocol ClientBench {}

extension ClientBench {
    var cluster: ClusterName { ClusterName(unchecked: "demo") }
    var token: SlurmToken { SlurmToken(user: "alice", value: Secret("SECRET-TOKEN")) }
    var ok: String { #"{"meta":{},"errors":[],"warnings":[],"job_id":7}"# }

    func submission(_ fields: [(String, JSONValue)] = []) throws -> Authorized<Submit> {
        let request = try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n")] + fields)))
        let partition = Partition(name: "debug", isDefault: true, totalNodes: 1, totalCPUs: 4, totalMemory: nil)
        let defaults = try ClusterDefaults(partitions: [partition], account: AccountName("lab"), home: "/home/alice")
        let job = try request.resolved(with: defaults, user: UserName("alice"))
        return authorized(
            Submit(cluster: cluster, job: job, bounds: ResourceBounds(of: job), idempotencyKey: "k"))
    }

    func authorized<T>(_ action: T) -> Authorized<T> {
        Authorized(action: action, actor: .system, position: nil, decidedAt: Timestamp(1_000_000_000))
    }

    var read: Authorized<SystemAction> { authorized(.readQueue(cluster)) }
    var job: JobID { get throws { try JobID("7") } }

    func withClient<Result>(
        _ path: String, _ version: Int? = 42, silence: Duration = .seconds(75), patience: Duration = .seconds(240),
        deadline: Duration = .seconds(240), partition: PartitionName? = nil,
        exclusive: Set<PartitionName> = [], _ body: (SlurmClient) async throws -> Result
    ) async throws -> Result {
        try await withClient(at: .unixSocket(path: path), version, silence: silence, patience: patience) {
            connections, address, version in
            try connections.client(
                cluster, at: address, pinned: version, defaultPartition: partition, exclusivePartitions: exclusive,
                deadline: deadline)
        } body: {
            try await body($0)
        }
    }

    func withClient<Result>(
        at address: SlurmrestdAddress, _ version: Int?, silence: Duration = .seconds(75),
        patience: Duration = .seconds(240),
        make: (SlurmConnections, SlurmrestdAddress, APIVersion?) throws -> SlurmClient,
        body: (SlurmClient) async throws -> Result
    ) async throws -> Result {
        let connections = SlurmConnections(logger: Logger(label: "test"), silence: silence, patience: patience)
        do {
            let result = try await body(
                make(connections, address, version.map(APIVersion.init(rawValue:))))
            try await connections.close()
            return result
        } catch {
            try await connections.close()
            throw error
        }
    }
}
