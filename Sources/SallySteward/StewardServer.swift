// SPDX-License-Identifier: Apache-2.0

package import Logging
package import SallyKeepProtocol
import SallyModel
import SallySocket
import ServiceLifecycle

/// The steward behind its two sockets.
package struct StewardServer: Service {
    private let settings: StewardSettings
    private let steward: Steward
    private let logger: Logger

    /// - Throws: `SallyError(.misconfigured)` when serve is the steward's own user or root, unless the steward's file
    ///   says `single_user`.
    package init(_ settings: StewardSettings, steward: Steward, logger: Logger) throws {
        try checkPeerIsAnother(permitted: settings.serve.peer, own: ownUserID(), singleUser: settings.singleUser)
        self.settings = settings
        self.steward = steward
        self.logger = logger
    }

    package func run() async throws {
        if steward.singleUser { logger.warning("single_user is on: serve could reach the nodes") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for door in StewardDoor.allCases {
                let server = server(door)
                group.addTask { try await server.run() }
            }
            for cluster in steward.clusters.keys {
                group.addTask { try await cancelWhenGracefulShutdown { try await sweep(cluster) } }
            }
            do {
                try await group.waitForAll()
            } catch is CancellationError {
                // A shutdown: the sockets' loops have ended by themselves.
            }
        }
    }

    private func sweep(_ cluster: ClusterName) async throws {
        while !Task.isCancelled {
            await attempt("power not looked at", cluster) { try await steward.withdrawPowerful(cluster) }
            await attempt("queue not looked through", cluster) { try await steward.sweep(cluster) }
            try await Task.sleep(for: settings.sweepInterval)
        }
    }

    private func attempt(_ failure: Logger.Message, _ cluster: ClusterName, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is CancellationError {
            // A shutdown: the sleep that follows ends the loop.
        } catch {
            logger.warning(failure, metadata: ["cluster": "\(cluster)", "error": "\(error)"])
        }
    }

    private func server(_ door: StewardDoor) -> SocketServer<StewardRequest, StewardReply> {
        let (path, access): (String, SocketAccess) =
            switch door {
            case .serve: (settings.serve.path, .user(settings.serve.peer))
            case .administrators: (settings.administratorsSocket, .administrators)
            }
        return SocketServer(
            path: path, access: access, limits: SocketLimits(deadline: .seconds(240)), logger: logger
        ) { [self] request, peer in
            await reply(to: request, at: door, uid: peer.uid)
        }
    }

    /// Answers one request that came in at `door` from OS user `uid`. What changes something or is refused is logged.
    package func reply(to request: StewardRequest, at door: StewardDoor, uid: UInt32) async -> StewardReply {
        do {
            guard door.admits(request) else {
                throw SallyError(.denied, "this is not asked at the \(door.rawValue) socket")
            }
            return try await answer(request, at: door)
        } catch {
            let error = error as? SallyError ?? SallyError(.internal, "the steward failed", cause: "\(error)")
            logger.warning(
                "refused",
                metadata: [
                    "door": "\(door.rawValue)", "uid": "\(uid)", "code": "\(error.code.rawValue)",
                    "message": "\(error.message)", "cause": "\(error.cause ?? "")",
                ])
            var refusal = KeeperRefusal(error)
            // How machines are reached, and why not, is for administrators and not for serve.
            if door == .administrators { refusal.hint = refusal.hint ?? error.cause }
            return .refused(refusal)
        }
    }

    private func answer(_ request: StewardRequest, at door: StewardDoor) async throws -> StewardReply {
        switch request {
        case .ensure(let request): return .ensured(try await steward.ensure(request))
        case .readOutput(let request): return .output(try await steward.readOutput(request))
        case .lock(let request):
            let report =
                switch door {
                case .serve: try await steward.lock(request)
                case .administrators: try await steward.lockForAdministrator(request)
                }
            return .locked(logged("locked", report, request.user, request.cluster))
        case .unlock(let cluster, let user):
            let report = try await steward.unlockForAdministrator(cluster: cluster, user: user)
            return .done(logged("unlocked", report, user, cluster))
        case .adopt(let cluster, let user):
            return .done(logged("adopted", try await steward.adopt(cluster: cluster, user: user), user, cluster))
        case .remove(let cluster, let user):
            return .done(logged("removed", try await steward.remove(cluster: cluster, user: user), user, cluster))
        case .list(let cluster): return .list(try await steward.list(cluster: cluster))
        case .outputRecords(let after, let limit):
            return .outputRecords(try steward.outputRecords(after: after, limit: limit))
        case .health: return .health(steward.health)
        }
    }

    private func logged(_ what: String, _ report: KeeperReport, _ user: UserName, _ cluster: ClusterName)
        -> KeeperReport
    {
        let failed = report.steps.filter { $0.outcome == .failed }
        logger.info(
            "account changed",
            metadata: [
                "act": "\(what)", "user": "\(user)", "cluster": "\(cluster)",
                "failed": "\(failed.map { "\($0.place): \($0.name): \($0.detail)" }.joined(separator: "; "))",
            ])
        return report
    }
}
