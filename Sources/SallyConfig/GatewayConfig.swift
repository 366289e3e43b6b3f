// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SlurmModel

/// What `sallyd serve` is configured with. Made by `GatewayConfig.load` from a file, or not at all.
package struct GatewayConfig: Sendable, Equatable {
    package var listen: Listen
    /// What people type, such as `https://sally.example.org`, without a slash at the end.
    package var publicURL: String
    /// Whose `Forwarded` and `X-Forwarded-For` are believed.
    package var trustedProxies: [AddressRange]
    /// The SQLite database.
    package var database: String
    /// ES256 private key, PEM; a private file.
    package var sessionKey: String
    package var sessions: SessionSettings
    /// Names are unique; at least one, except with none configured at all (then only `sallyd admin` works).
    package var providers: [ProviderConfig]
    /// Groups whose members are administrators.
    package var administrators: Set<GroupName>
    /// The uids that the ledger gives out.
    package var ledgerUIDs: UIDRange
    /// Names are unique; at least one.
    package var clusters: [ClusterConfig]
    package var signerSocket: String
    package var stewardSocket: String
    /// The policy file.
    package var policy: String
    /// The root-only unix socket of `sallyd admin`.
    package var adminSocket: String
    package var rates: RateLimits
    /// Whom people ask who were shut out, such as a mail address.
    package var contact: String?
    package var singleUser: Bool

    package init(
        listen: Listen, publicURL: String, trustedProxies: [AddressRange], database: String, sessionKey: String,
        sessions: SessionSettings, providers: [ProviderConfig], administrators: Set<GroupName>, ledgerUIDs: UIDRange,
        clusters: [ClusterConfig], signerSocket: String, stewardSocket: String, policy: String, adminSocket: String,
        rates: RateLimits, contact: String?, singleUser: Bool
    ) {
        self.listen = listen
        self.publicURL = publicURL
        self.trustedProxies = trustedProxies
        self.database = database
        self.sessionKey = sessionKey
        self.sessions = sessions
        self.providers = providers
        self.administrators = administrators
        self.ledgerUIDs = ledgerUIDs
        self.clusters = clusters
        self.signerSocket = signerSocket
        self.stewardSocket = stewardSocket
        self.policy = policy
        self.adminSocket = adminSocket
        self.rates = rates
        self.contact = contact
        self.singleUser = singleUser
    }

    /// Where to listen. Plain HTTP is a loopback address or a unix socket; anything else has `tls`.
    package enum Listen: Sendable, Equatable {
        case address(host: String, port: Int, tls: TLSFiles?)
        case unixSocket(path: String)
    }

    /// PEM files; read again when they change.
    package struct TLSFiles: Sendable, Equatable {
        package var certificate: String
        /// A private file.
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package struct SessionSettings: Sendable, Equatable {
        package var accessLife: Duration = .seconds(15 * 60)
        package var refreshLife: Duration = .seconds(12 * 3600)
        /// How long the previous refresh token still gets the same successor.
        package var refreshGrace: Duration = .seconds(30)
    }

    /// Requests without a session, by address, and with one, by person.
    package struct RateLimits: Sendable, Equatable {
        package var signInsPerMinute = 30
        package var failuresPerMinute = 60
        package var requestsPerMinute = 1200
        /// Of one person, under way at the same time.
        package var concurrentRequests = 100
    }
}

/// An OpenID Connect provider.
package struct ProviderConfig: Sendable, Equatable {
    /// The source of its groups: `NAME:group`.
    package var name: String
    package var issuer: String
    package var clientID: String
    /// Nil for a public client.
    package var clientSecret: SecretReference?
    /// PEM of the authorities to trust instead of the system's.
    package var caFile: String?
    package var scopes: [String]
    /// The claim that is a person's key, for ever: `sub` unless configured.
    package var subjectClaim: String
    /// The claim that is the wish for a user name.
    package var nameClaim: String
    package var groupsClaim: String
    /// Whether `issuer` may be plain HTTP on a loopback address.
    package var allowHTTPLoopback: Bool

    package init(
        name: String, issuer: String, clientID: String, clientSecret: SecretReference?, caFile: String?,
        scopes: [String], subjectClaim: String, nameClaim: String, groupsClaim: String, allowHTTPLoopback: Bool
    ) {
        self.name = name
        self.issuer = issuer
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.caFile = caFile
        self.scopes = scopes
        self.subjectClaim = subjectClaim
        self.nameClaim = nameClaim
        self.groupsClaim = groupsClaim
        self.allowHTTPLoopback = allowHTTPLoopback
    }
}

/// A cluster as the gateway sees it.
package struct ClusterConfig: Sendable, Equatable {
    package var name: ClusterName
    /// slurm.conf's ClusterName, in lower case, by which accounting tells this cluster from others.
    package var slurmName: String
    package var slurmrestd: SlurmrestdEndpoint
    /// Certificates in PEM that an `https` slurmrestd's is checked against; nil is the system's.
    package var slurmrestdCAFile: String?
    /// Such as `v0.0.42`; nil finds it out.
    package var apiVersion: String?
    package var accountMode: AccountMode
    /// The first whose groups a person is in decides.
    package var profiles: [ProfileRule]
    /// For who is in none of `profiles`; nil refuses them.
    package var defaultProfile: ProfileName?
    /// The Slurm account of jobs that name none; nil takes the first of the profile.
    package var defaultAccount: AccountName?
    /// The partition of jobs that name none; nil where slurmrestd says which it is (v0.0.38 and v0.0.45; not those between).
    package var defaultPartition: PartitionName?
    /// With OverSubscribe=EXCLUSIVE, where slurmrestd does not say it (v0.0.38).
    package var exclusivePartitions: Set<PartitionName>
    /// The most that slurm.conf's JobDefaults give anywhere; nil is not known.
    package var jobDefaults: JobDefaults?
    /// slurm.conf's MaxMemPerCPU, DefMemPerCPU and the like, of the whole cluster; nil is not known.
    package var memoryLimits: MemoryLimits?
    /// slurm.conf's SelectTypeParameters has CR_Socket or CR_Socket_Memory.
    package var wholeSockets: Bool
    /// slurm.conf's SelectType is select/linear.
    package var wholeNodes: Bool
    /// The cluster's service account, as in the signer's file.
    package var serviceAccount: String
    package var output: Bool
    package var pendingJobsOnOffboarding: LeaverJobs
    /// Whether slurmdbd keeps what jobs became. Without it a lost answer is cleared up only while the queue remembers.
    package var accounting: Bool
    /// slurm.conf's MinJobAge: how long the queue shows a job after its end.
    package var minJobAge: Duration
    /// While Slurm does not answer, what it said last is shown for so long.
    package var staleLimit: Duration

    package init(
        name: ClusterName, slurmName: String? = nil, slurmrestd: SlurmrestdEndpoint, slurmrestdCAFile: String? = nil,
        apiVersion: String?, accountMode: AccountMode, profiles: [ProfileRule], defaultProfile: ProfileName?,
        defaultAccount: AccountName?,
        defaultPartition: PartitionName? = nil, exclusivePartitions: Set<PartitionName> = [],
        jobDefaults: JobDefaults? = nil, memoryLimits: MemoryLimits? = nil, wholeSockets: Bool = false,
        wholeNodes: Bool = false, serviceAccount: String = "sallyport", output: Bool,
        pendingJobsOnOffboarding: LeaverJobs, accounting: Bool = true, minJobAge: Duration = .seconds(300),
        staleLimit: Duration = .seconds(600)
    ) {
        self.name = name
        self.slurmName = slurmName ?? name.rawValue
        self.slurmrestd = slurmrestd
        self.slurmrestdCAFile = slurmrestdCAFile
        self.apiVersion = apiVersion
        self.accountMode = accountMode
        self.profiles = profiles
        self.defaultProfile = defaultProfile
        self.defaultAccount = defaultAccount
        self.defaultPartition = defaultPartition
        self.exclusivePartitions = exclusivePartitions
        self.jobDefaults = jobDefaults
        self.memoryLimits = memoryLimits
        self.wholeSockets = wholeSockets
        self.wholeNodes = wholeNodes
        self.serviceAccount = serviceAccount
        self.output = output
        self.pendingJobsOnOffboarding = pendingJobsOnOffboarding
        self.accounting = accounting
        self.minJobAge = minJobAge
        self.staleLimit = staleLimit
    }

    package struct ProfileRule: Sendable, Equatable {
        package var groups: Set<GroupName>
        package var profile: ProfileName

        package init(groups: Set<GroupName>, profile: ProfileName) {
            self.groups = groups
            self.profile = profile
        }
    }

    /// The steward's profile for somebody in `groups`; nil when there is none.
    package func profile(for groups: Set<GroupName>) -> ProfileName? {
        profiles.first { !$0.groups.isDisjoint(with: groups) }?.profile ?? defaultProfile
    }
}

/// Where slurmrestd listens.
package enum SlurmrestdEndpoint: Sendable, Equatable {
    case unixSocket(path: String)
    /// `http://HOST:PORT` or `https://HOST[:PORT]`, without a path.
    case url(String)

    var isEncrypted: Bool {
        switch self {
        case .unixSocket: false
        case .url(let url): url.hasPrefix("https:")
        }
    }
}

/// Uids from `first` to `last`, both included.
package struct UIDRange: Sendable, Equatable, Hashable {
    package var first: UserID
    package var last: UserID
    package init(first: UserID, last: UserID) {
        self.first = first
        self.last = last
    }
    package func contains(_ uid: UserID) -> Bool { first <= uid && uid <= last }
    package func overlaps(_ other: UIDRange) -> Bool { first <= other.last && other.first <= last }
}
