// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What `serve`, the steward and local administrators may ask of the signer. Which of them may ask what is decided by
/// the socket that the request came in on.
package enum SignerRequest: Sendable, Equatable, Codable {
    /// A Slurm token for a managed account. From: serve.
    case mint(MintRequest)
    /// A Slurm token for the cluster's service account. From: serve.
    case mintService(MintServiceRequest)
    /// Adds a name to the deny list, for ever as far as serve and the steward are concerned. From: all.
    case deny(UserName)
    /// Takes a name off the deny list. From: administrators.
    case allow(UserName)
    /// Countersigns the head of the audit chain. From: serve.
    case countersign(AuditPosition)
    /// What was minted for events after `after`, and which heads after it were countersigned, for `audit verify`. At most
    /// `limit` of each, and never more than `SignerRecords.mostPerPage`. From: serve, administrators.
    case records(after: Int64, limit: Int)
    /// Adds an account to the write-once list. From: the steward.
    case register(ManagedAccount)
    /// No token for the account on that cluster until it is registered again: it has gained power there. From: the steward.
    case withdraw(cluster: ClusterName, user: UserName)
    /// Names and denials. From: administrators.
    case list
    /// Whether the signer is well; which `single_user` setting it runs with. From: all.
    case health
}

/// Why a token is wanted. Decides its life: 15 s to submit, at most 60 s otherwise.
package enum MintPurpose: String, Sendable, Codable, CaseIterable {
    case submit
    case cancel
    case update
    case read
}

package struct MintRequest: Sendable, Equatable, Codable {
    package var cluster: ClusterName
    package var user: UserName
    package var uid: UserID
    package var purpose: MintPurpose
    /// The decision this token is for: the signer keeps it, so that a token without its event is found.
    package var position: AuditPosition
    /// From then on the token is not wanted any more: what was decided without it stands. There is none to submit without it.
    /// By the gateway's clock, which may be `clockLeeway` apart from the signer's.
    package var mintBy: Timestamp?
    /// How much later than `mintBy` the signer still makes the token: clocks may differ by a minute.
    package static let clockLeeway = Duration.seconds(60)

    package init(
        cluster: ClusterName, user: UserName, uid: UserID, purpose: MintPurpose, position: AuditPosition,
        mintBy: Timestamp? = nil
    ) {
        self.cluster = cluster
        self.user = user
        self.uid = uid
        self.purpose = purpose
        self.position = position
        self.mintBy = mintBy
    }
}

/// What the service account's token is for. There is none to submit or update.
package enum ServicePurpose: String, Sendable, Codable, CaseIterable {
    case readQueue = "read-queue"
    case readAccounting = "read-accounting"
    case cancelLeaverJob = "cancel-leaver-job"
    case holdLeaverJob = "hold-leaver-job"
}

package struct MintServiceRequest: Sendable, Equatable, Codable {
    package var cluster: ClusterName
    package var purpose: ServicePurpose
    /// For the two purposes that change something; nil for the two that read, which no decision pays for.
    package var position: AuditPosition?
    package init(cluster: ClusterName, purpose: ServicePurpose, position: AuditPosition?) {
        self.cluster = cluster
        self.purpose = purpose
        self.position = position
    }
}

/// An account as the steward made it: what the token's `uid`, `gid` and `id{}` say (facts: Slurm 26.05, AWS PCS).
package struct ManagedAccount: Sendable, Equatable, Codable {
    package var cluster: ClusterName
    package var user: UserName
    package var uid: UserID
    /// The primary group. nil in what was written before it was recorded, and means the group with the uid's number.
    package var gid: UInt32?
    /// The other groups.
    package var gids: [UInt32]
    package var gecos: String
    package var home: String
    package var shell: String
    package init(
        cluster: ClusterName, user: UserName, uid: UserID, gid: UInt32?, gids: [UInt32], gecos: String, home: String,
        shell: String
    ) {
        self.cluster = cluster
        self.user = user
        self.uid = uid
        self.gid = gid
        self.gids = gids
        self.gecos = gecos
        self.home = home
        self.shell = shell
    }
}

package enum SignerReply: Sendable, Equatable, Codable {
    case token(MintedToken)
    case done
    case countersigned(Countersignature)
    case records(SignerRecords)
    case list(SignerList)
    case health(KeeperHealth)
    case refused(KeeperRefusal)
}

package struct MintedToken: Sendable, Equatable, Codable, CustomStringConvertible {
    /// The JWT. Never leaves the gateway.
    package var token: String
    package var expires: Timestamp
    package init(token: String, expires: Timestamp) {
        self.token = token
        self.expires = expires
    }
    package var description: String { "MintedToken(<redacted>, expires: \(expires))" }
}

/// The signer's word that the chain had this head: an ES256 signature by a key that only the signer has.
package struct Countersignature: Sendable, Equatable, Codable {
    package var position: AuditPosition
    package var time: Timestamp
    /// base64url of the raw signature (r || s) over `sallyport-audit-head\n<sequence>\n<hash>\n<time>` (`Countersignature.message`).
    package var signature: String
    package init(position: AuditPosition, time: Timestamp, signature: String) {
        self.position = position
        self.time = time
        self.signature = signature
    }
}

/// A page of what the signer wrote down. `mints` and `heads` are each by sequence; a list with as many members as were asked
/// for may go on after its last one. Every list must be there: a reply without one is no reply.
package struct SignerRecords: Sendable, Equatable, Codable {
    /// How many of each are in a page at most. Mints of one event are never parted: the last event's may be more.
    package static let mostPerPage = 2000

    /// Every token minted for a person or for a change by the service account.
    package var mints: [MintRecord]
    /// Every head that was countersigned.
    package var heads: [AuditPosition]
    /// How many tokens the service account got for reading, on all clusters, since records of them are kept.
    package var serviceReads: Int
    /// The newest head that was countersigned; nil when none was.
    package var head: Countersignature?
    /// The public key, PEM (SubjectPublicKeyInfo), that `head` verifies with.
    package var publicKey: String
    package init(
        mints: [MintRecord], heads: [AuditPosition], serviceReads: Int, head: Countersignature?, publicKey: String
    ) {
        self.mints = mints
        self.heads = heads
        self.serviceReads = serviceReads
        self.head = head
        self.publicKey = publicKey
    }
}

package struct MintRecord: Sendable, Equatable, Codable {
    package var position: AuditPosition
    package var cluster: ClusterName
    package var user: String
    package var purpose: String
    package var time: Timestamp
    package init(position: AuditPosition, cluster: ClusterName, user: String, purpose: String, time: Timestamp) {
        self.position = position
        self.cluster = cluster
        self.user = user
        self.purpose = purpose
        self.time = time
    }
}

package struct SignerList: Sendable, Equatable, Codable {
    package var accounts: [ManagedAccount]
    package var denied: [UserName]
    package init(accounts: [ManagedAccount], denied: [UserName]) {
        self.accounts = accounts
        self.denied = denied
    }
}

package struct KeeperHealth: Sendable, Equatable, Codable {
    /// Whether the keeper runs as the same OS user as its peers because its own file says so.
    package var singleUser: Bool
    package var clusters: [ClusterName]
    package init(singleUser: Bool, clusters: [ClusterName]) {
        self.singleUser = singleUser
        self.clusters = clusters
    }
}

/// A keeper's no, safe for the person who asked.
package struct KeeperRefusal: Sendable, Equatable, Codable {
    package var code: SallyError.Code
    package var message: String
    package var hint: String?
    package init(code: SallyError.Code, message: String, hint: String?) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}
