// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// Asks the signer. Which calls it answers depends on the socket.
package struct SignerClient: Sendable {
    private let socket: SocketClient<SignerRequest, SignerReply>
    private let deadline: Duration

    /// - Parameter keeperUser: the OS user the signer must run as; nil takes whoever made the socket.
    package init(path: String, keeperUser: UInt32?, deadline: Duration = .seconds(5)) {
        socket = SocketClient(path: path, keeper: "signer", keeperUser: keeperUser)
        self.deadline = deadline
    }

    package func mint(_ request: MintRequest) async throws -> MintedToken {
        guard case .token(let token) = try await ask(.mint(request)) else { throw unexpected() }
        return token
    }

    package func mintService(_ request: MintServiceRequest) async throws -> MintedToken {
        guard case .token(let token) = try await ask(.mintService(request)) else { throw unexpected() }
        return token
    }

    package func deny(_ user: UserName) async throws { try await done(.deny(user)) }
    package func allow(_ user: UserName) async throws { try await done(.allow(user)) }
    package func register(_ account: ManagedAccount) async throws { try await done(.register(account)) }

    package func withdraw(_ user: UserName, on cluster: ClusterName) async throws {
        try await done(.withdraw(cluster: cluster, user: user))
    }

    package func countersign(_ position: AuditPosition) async throws -> Countersignature {
        guard case .countersigned(let signature) = try await ask(.countersign(position)) else { throw unexpected() }
        return signature
    }

    package func records(after: Int64, limit: Int) async throws -> SignerRecords {
        guard case .records(let records) = try await ask(.records(after: after, limit: limit)) else {
            throw unexpected()
        }
        return records
    }

    package func list() async throws -> SignerList {
        guard case .list(let list) = try await ask(.list) else { throw unexpected() }
        return list
    }

    package func health() async throws -> KeeperHealth {
        guard case .health(let health) = try await ask(.health) else { throw unexpected() }
        return health
    }

    package func close() async { await socket.close() }

    private func ask(_ request: SignerRequest) async throws -> SignerReply {
        try await socket.request(request, deadline: deadline)
    }

    private func done(_ request: SignerRequest) async throws {
        guard case .done = try await ask(request) else { throw unexpected() }
    }

    private func unexpected() -> SallyError {
        SallyError(
            .unavailable, "the signer answered something else than what was asked", hint: "is it of the same version?")
    }
}
