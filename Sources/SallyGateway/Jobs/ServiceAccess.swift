// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel
package import SallyPolicy
import Synchronization

/// What the gateway does on one cluster as the service account: every act authorized, with a token for its purpose.
package final class ServiceAccess: Sendable {
    private let cluster: ClusterName
    private let gate: Gate
    private let signer: any TokenMinter
    private let clock: any WallClock
    private let kept = Mutex<[ServicePurpose: MintedToken]>([:])

    /// A kept token is used until so long before its end.
    private static let margin = Duration.seconds(15)

    package init(cluster: ClusterName, gate: Gate, signer: some TokenMinter, clock: some WallClock) {
        self.cluster = cluster
        self.gate = gate
        self.signer = signer
        self.clock = clock
    }

    /// Reads as the service account. The token is kept while it lives.
    func read<Result: Sendable>(
        _ action: SystemAction, _ body: (Authorized<SystemAction>, Secret<String>) async throws -> Result
    ) async throws -> Result {
        let authorized = try await gate.authorize(action)
        return try await body(authorized, try await token(purpose(action), position: authorized.position))
    }

    /// Changes a leaver's job as the service account, with a token of its own.
    func change(
        _ action: SystemAction, _ body: (Authorized<SystemAction>, Secret<String>) async throws -> Void
    ) async throws {
        let authorized = try await gate.authorize(action)
        let minted = try await signer.mintService(
            MintServiceRequest(cluster: cluster, purpose: purpose(action), position: authorized.position))
        try await body(authorized, Secret(minted.token))
    }

    /// Forgets kept tokens, after Slurm did not take one.
    func forget() { kept.withLock { $0 = [:] } }

    private func token(_ purpose: ServicePurpose, position: AuditPosition?) async throws -> Secret<String> {
        let now = clock.now
        if let token = kept.withLock({ $0[purpose] }), now + ServiceAccess.margin < token.expires {
            return Secret(token.token)
        }
        let minted = try await signer.mintService(
            MintServiceRequest(cluster: cluster, purpose: purpose, position: position))
        kept.withLock { $0[purpose] = minted }
        return Secret(minted.token)
    }

    private func purpose(_ action: SystemAction) -> ServicePurpose {
        switch action {
        case .readQueue, .checkReady: .readQueue
        case .readAccounting: .readAccounting
        case .cancelLeaverJob: .cancelLeaverJob
        case .holdLeaverJob: .holdLeaverJob
        }
    }
}
