// SPDX-License-Identifier: Apache-2.0

package import Logging
import SallyKeepProtocol
import SallyModel
import SallySocket
import ServiceLifecycle

/// The signer behind its three sockets.
package struct SignerServer: Service {
    private let settings: SignerSettings
    private let signer: Signer
    private let logger: Logger

    /// - Throws: `SallyError(.misconfigured)` when serve or the steward is the signer's own user, unless its file says
    ///   `single_user`.
    package init(_ settings: SignerSettings, signer: Signer, logger: Logger) throws {
        try checkPeerIsAnother(permitted: settings.serve.peer, own: ownUserID(), singleUser: settings.singleUser)
        if settings.steward.peer != 0 {  // the steward may be root here: it is root on the clusters
            try checkPeerIsAnother(permitted: settings.steward.peer, own: ownUserID(), singleUser: settings.singleUser)
        }
        guard settings.serve.peer != settings.steward.peer || settings.singleUser == .permitted else {
            throw SallyError(
                .misconfigured, "serve and the steward are the same user, uid \(settings.serve.peer)",
                hint: "serve could fill the list of accounts: run them as two OS users, or set single_user: true")
        }
        self.settings = settings
        self.signer = signer
        self.logger = logger
    }

    package func run() async throws {
        if signer.singleUser { logger.warning("single_user is on: serve could read the signing keys") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for door in SignerDoor.allCases {
                let server = server(door)
                // What the signer does is short: a signature at most. Its fsyncs have threads of their own.
                group.addTask(executorPreference: LoopExecutor.shared) { try await server.run() }
            }
            group.addTask {
                try await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try await Task.sleep(for: .seconds(1))
                        try await signer.sync()
                    }
                }
            }
            do {
                try await group.waitForAll()
            } catch is CancellationError {
                // A shutdown: the sockets' loops have ended by themselves.
            }
        }
        try await signer.sync()
    }

    private func server(_ door: SignerDoor) -> SocketServer<SignerRequest, SignerReply> {
        let (path, access): (String, SocketAccess) =
            switch door {
            case .serve: (settings.serve.path, .user(settings.serve.peer))
            case .steward: (settings.steward.path, .user(settings.steward.peer))
            case .administrators: (settings.administratorsSocket, .administrators)
            }
        return SocketServer(
            path: path, access: access, limits: SocketLimits(deadline: .seconds(10)), logger: logger
        ) { [self] request, peer in
            await reply(to: request, at: door, uid: peer.uid)
        }
    }

    /// Answers one request that came in at `door`. What changes something or is refused is logged.
    func reply(to request: SignerRequest, at door: SignerDoor, uid: UInt32) async -> SignerReply {
        do {
            guard door.admits(request) else {
                throw SallyError(.denied, "this is not asked at the \(door.rawValue) socket")
            }
            return try await answer(request)
        } catch {
            let error = error as? SallyError ?? SallyError(.internal, "the signer failed", cause: "\(error)")
            logger.warning(
                "refused",
                metadata: [
                    "door": "\(door.rawValue)", "uid": "\(uid)", "code": "\(error.code.rawValue)",
                    "message": "\(error.message)", "cause": "\(error.cause ?? "")",
                ])
            return .refused(KeeperRefusal(error))
        }
    }

    private func answer(_ request: SignerRequest) async throws -> SignerReply {
        switch request {
        case .mint(let request): return .token(try await signer.mint(request))
        case .mintService(let request): return .token(try await signer.mintService(request))
        case .deny(let user):
            try await signer.deny(user)
            logger.info("denied", metadata: ["user": "\(user)"])
            return .done
        case .allow(let user):
            try await signer.allow(user)
            logger.info("allowed again", metadata: ["user": "\(user)"])
            return .done
        case .countersign(let position): return .countersigned(try await signer.countersign(position))
        case .records(let after, let limit): return .records(try signer.records(after: after, limit: limit))
        case .register(let account):
            try await signer.register(account)
            logger.info("registered", metadata: ["user": "\(account.user)", "cluster": "\(account.cluster)"])
            return .done
        case .withdraw(let cluster, let user):
            if try await signer.withdraw(user, on: cluster) {
                logger.warning("withdrawn", metadata: ["user": "\(user)", "cluster": "\(cluster)"])
            }
            return .done
        case .list: return .list(signer.list)
        case .health: return .health(signer.health)
        }
    }
}
