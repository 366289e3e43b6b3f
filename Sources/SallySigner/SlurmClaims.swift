// SPDX-License-Identifier: Apache-2.0

import JWTKit
import SallyKeepProtocol
import SallyModel

/// The claims of a Slurm token. `sun`, `iat` and `exp` are for every Slurm; `uid`, `gid` and `id` are for 26.05 with
/// `use_jwt_client_ids` and for AWS PCS, older ones ignore them (Slurm, auth/jwt; AWS PCS User Guide).
struct SlurmClaims: JWTPayload, Equatable {
    var sun: String
    var iat: Int64
    var exp: Int64
    var uid: UInt32?
    var gid: UInt32?
    var id: Identity?

    struct Identity: Codable, Sendable, Equatable {
        var name: String
        var gecos: String
        var dir: String
        var shell: String
        var gids: [UInt32]
    }

    init(_ account: ManagedAccount, from start: Timestamp, to end: Timestamp) {
        sun = account.user.rawValue
        iat = start.rawValue
        exp = end.rawValue
        uid = account.uid.rawValue
        let own = account.gid ?? account.uid.rawValue
        gid = own
        id = Identity(
            name: account.user.rawValue, gecos: account.gecos, dir: account.home, shell: account.shell,
            gids: [own] + account.gids.filter { $0 != own })
    }

    init(_ service: ServiceAccount, from start: Timestamp, to end: Timestamp) {
        sun = service.name
        iat = start.rawValue
        exp = end.rawValue
        uid = service.uid
        gid = service.uid
        id = service.uid.map {
            Identity(
                name: service.name, gecos: "Sallyport", dir: "/nonexistent", shell: "/usr/sbin/nologin", gids: [$0])
        }
    }

    /// Slurm is who verifies.
    func verify(using algorithm: some JWTAlgorithm) async throws {
        throw SallyError(.internal, "the signer verifies no tokens")
    }
}

extension ServicePurpose {
    /// Whether the token can change something and so needs the decision it is for.
    var changesSomething: Bool {
        switch self {
        case .readQueue, .readAccounting: false
        case .cancelLeaverJob, .holdLeaverJob: true
        }
    }
}
