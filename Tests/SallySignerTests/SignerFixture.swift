// SPDX-License-Identifier: Apache-2.0

import JWTKit
import SallyKeepProtocol
import SallyModel
import SallySigner
import SallySocket
import SallyTestSupport
import Synchronization

/// A clock that stands until it is set.
final class StandingClock: WallClock {
    private let time = Mutex(Timestamp(1_800_000_000))
    var now: Timestamp { time.withLock { $0 } }
    func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}

/// A signer with one HS256 cluster `dev`, in a folder of the test's own.
struct SignerFixture {
    static let key = [UInt8](repeating: 7, count: 32)
    let folder: String
    let clock = StandingClock()

    init(_ folder: String) throws {
        self.folder = folder
        try writeFile(folder + "/key", String(decoding: Self.key, as: UTF8.self))
    }

    func settings(perMinute: Int = 600) throws -> SignerSettings {
        let cluster = SignerCluster(
            name: try ClusterName("dev"), key: .hs256(path: folder + "/key"), uids: 20000...29999,
            service: ServiceAccount(name: "sallyport", uid: nil))
        return SignerSettings(
            stateFolder: folder + "/state", singleUser: .permitted,
            serve: KeeperSocket(path: folder + "/serve", peer: ownUserID()),
            steward: KeeperSocket(path: folder + "/steward", peer: ownUserID()),
            administratorsSocket: folder + "/admin", clusters: [cluster], mintsPerMinute: perMinute)
    }

    func signer(perMinute: Int = 600) async throws -> Signer {
        try await Signer(settings(perMinute: perMinute), clock: clock)
    }
}

let hash = String(repeating: "a", count: 64)

func position(_ sequence: Int64, _ hash: String = hash) -> AuditPosition {
    AuditPosition(sequence: sequence, hash: hash)
}

func account(
    _ name: String, _ uid: UInt32, cluster: String = "dev", gid: UInt32? = nil, gids: [UInt32] = [],
    gecos: String = "Some Body",
    home: String? = nil, shell: String = "/bin/bash"
) throws -> ManagedAccount {
    ManagedAccount(
        cluster: try ClusterName(cluster), user: try UserName(name), uid: try UserID(uid), gid: gid, gids: gids,
        gecos: gecos,
        home: home ?? "/home/\(name)", shell: shell)
}

func mint(
    _ name: String, _ uid: UInt32, _ purpose: MintPurpose = .submit, cluster: String = "dev",
    position: AuditPosition = position(1), by: Timestamp? = Timestamp(4_000_000_000)
) throws -> MintRequest {
    MintRequest(
        cluster: try ClusterName(cluster), user: try UserName(name), uid: try UserID(uid), purpose: purpose,
        position: position, mintBy: by)
}

/// The claims as Slurm would read them.
struct ReadClaims: JWTPayload {
    struct Identity: Codable {
        var name: String
        var gecos: String
        var dir: String
        var shell: String
        var gids: [UInt32]
    }
    var sun: String
    var iat: Int64
    var exp: Int64
    var uid: UInt32?
    var gid: UInt32?
    var id: Identity?
    func verify(using algorithm: some JWTAlgorithm) async throws {}

    static func read(_ token: MintedToken) async throws -> ReadClaims {
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: SignerFixture.key), digestAlgorithm: .sha256)
        return try await keys.verify(token.token, as: ReadClaims.self)
    }
}
