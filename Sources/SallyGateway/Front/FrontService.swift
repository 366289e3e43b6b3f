// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyConfig
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel
import StrictJSON

/// One cluster behind slurmrestd's paths: the services that the API of our own has, in Slurm's words.
struct FrontService: Sendable {
    let cluster: ClusterGateway

    var name: ClusterName { cluster.config.name }
    var gate: Gate { cluster.jobs.gate }

    func reply(
        to operation: FrontOperation, _ call: FrontCall, _ request: Request, _ context: GatewayContext
    ) async throws -> FrontReply {
        switch operation {
        case .ping: try await ping(call)
        case .diag: try await diag(call)
        case .submit: try await submit(call, request, context)
        case .jobs: try await jobs(call)
        case .jobStates: try await jobStates(call)
        case .job: try await job(try context.frontJob(), call)
        case .update: try await update(try context.frontJobWithoutComponent(), call, request, context)
        case .cancel: try await cancel(try context.frontJob(), call)
        case .cancelList: try await cancelList(call, request, context)
        case .partitions: try await partitions(call)
        case .partition: try await partition(context.frontName, call)
        case .nodes: try await nodes(call)
        case .node: try await node(context.frontName, call)
        case .reservations: try await reservations(nil, call)
        case .reservation: try await reservations(context.frontName, call)
        case .finishedJobs: try await finishedJobs(call)
        case .finishedJob: try await finishedJob(try context.frontJobWithoutComponent(), call)
        case .users: try await users(nil, call)
        case .user: try await users(context.frontName, call)
        case .associations: try await associations(call)
        case .association: try await association(call)
        case .accounts: try await accounts(nil, call)
        case .account: try await accounts(context.frontName, call)
        case .allQOS: try await allQOS(nil, call)
        case .qos: try await allQOS(context.frontName, call)
        }
    }

    /// Whether the last authenticated read of the cluster was answered, which says more than slurmrestd's own ping (200 to
    /// any token, 24.11).
    private func ping(_ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let isUp = cluster.problem == nil
        var ping = SlurmRecord(.ping, version: call.version)
        ping["hostname"] = .text(name.rawValue)
        ping["pinged"] = .text(isUp ? "UP" : "DOWN")
        ping["mode"] = .text("primary")
        ping["responding"] = .flag(isUp)
        ping["primary"] = .flag(true)
        return FrontReply(("pings", [ping.json(call.version)]))
    }

    /// How many jobs wait and run; neither slurmctld's own figures nor anybody's requests.
    private func diag(_ call: FrontCall) async throws -> FrontReply {
        try await look(call)
        let snapshot = try read()
        let (now, seen) = (cluster.jobs.clock.now, seenAt(snapshot))
        let reply = FrontReply(
            (
                "statistics",
                [
                    "parts_packed": 1, "req_time": .quantity(now.rawValue), "job_states_ts": .quantity(seen.rawValue),
                    "jobs_pending": .integer(snapshot.index.count(in: .pending)),
                    "jobs_running": .integer(snapshot.index.count(in: .running)),
                ]
            ))
        return marked(reply, snapshot)
    }

    /// - Throws: while the cluster has never been read, or was read too long ago.
    func read() throws -> QueueSnapshot { try cluster.jobs.shown() }

    /// What was made of a snapshot, with its age; while Slurm does not answer it says so. The headers are those of the API of
    /// our own, and clients of slurmrestd look at `warnings`.
    func marked(_ reply: FrontReply, _ snapshot: QueueSnapshot) -> FrontReply {
        let freshness = cluster.keeper.freshness(of: snapshot)
        var reply = reply
        freshness.mark(&reply.headers)
        guard let failure = freshness.failure else { return reply }
        reply.warnings.append(
            SlurmWarningEntry(
                description: "this is what Slurm said \(freshness.age) seconds ago: \(failure.message)",
                source: "sallyport"))
        return reply
    }

    func seenAt(_ snapshot: QueueSnapshot) -> Timestamp { cluster.jobs.clock.now - .seconds(snapshot.age) }

    func look(_ call: FrontCall) async throws {
        _ = try await gate.authorize(
            ReadCluster(cluster: name), by: call.principal, request: call.request.rawValue)
    }

    func lookAtOwnJobs(_ call: FrontCall) async throws {
        _ = try await gate.authorize(
            ReadOwnJobs(cluster: name, owner: call.user), by: call.principal, request: call.request.rawValue)
    }
}
