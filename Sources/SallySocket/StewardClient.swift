// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// Asks the steward. Which calls it answers depends on the socket.
package struct StewardClient: Sendable {
    private let socket: SocketClient<StewardRequest, StewardReply>
    private let deadline: Duration

    /// - Parameters:
    ///   - keeperUser: the OS user the steward must run as; nil takes whoever made the socket.
    ///   - deadline: for what reaches onto nodes.
    package init(path: String, keeperUser: UInt32?, deadline: Duration = .seconds(120)) {
        socket = SocketClient(path: path, keeper: "steward", keeperUser: keeperUser)
        self.deadline = deadline
    }

    package func ensure(_ request: EnsureRequest) async throws -> EnsuredAccount {
        guard case .ensured(let account) = try await ask(.ensure(request)) else { throw unexpected() }
        return account
    }

    package func lock(_ request: LockRequest) async throws -> KeeperReport {
        guard case .locked(let report) = try await ask(.lock(request)) else { throw unexpected() }
        return report
    }

    package func readOutput(_ request: ReadOutputRequest) async throws -> OutputPiece {
        guard case .output(let piece) = try await ask(.readOutput(request)) else { throw unexpected() }
        return piece
    }

    package func outputRecords(after: Int64, limit: Int) async throws -> [OutputRecord] {
        guard case .outputRecords(let records) = try await ask(.outputRecords(after: after, limit: limit)) else {
            throw unexpected()
        }
        return records
    }

    package func unlock(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        try await report(.unlock(cluster: cluster, user: user))
    }

    package func adopt(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        try await report(.adopt(cluster: cluster, user: user))
    }

    package func remove(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        try await report(.remove(cluster: cluster, user: user))
    }

    package func list(cluster: ClusterName) async throws -> [ManagedRecord] {
        guard case .list(let records) = try await ask(.list(cluster: cluster)) else { throw unexpected() }
        return records
    }

    package func health() async throws -> KeeperHealth {
        guard case .health(let health) = try await socket.request(.health, deadline: .seconds(5)) else {
            throw unexpected()
        }
        return health
    }

    package func close() async { await socket.close() }

    private func ask(_ request: StewardRequest) async throws -> StewardReply {
        try await socket.request(request, deadline: deadline)
    }

    private func report(_ request: StewardRequest) async throws -> KeeperReport {
        guard case .done(let report) = try await ask(request) else { throw unexpected() }
        return report
    }

    private func unexpected() -> SallyError {
        SallyError(
            .unavailable, "the steward answered something else than what was asked", hint: "is it of the same version?")
    }
}
