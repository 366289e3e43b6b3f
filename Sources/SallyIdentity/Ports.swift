// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What a provider said about a person, after every check passed.
package struct VerifiedIdentity: Sendable, Equatable {
    package var subject: Subject
    /// The provider's name in the configuration: the source of `groups`.
    package var provider: String
    package var displayName: String
    /// `preferred_username` or the configured claim: the wish for a user name, never the key of a person.
    package var preferredName: String
    package var mail: String?
    /// Source-qualified. Empty is what it says: no groups (overage and missing claims are errors before this point).
    package var groups: Set<GroupName>
    package init(
        subject: Subject, provider: String, displayName: String, preferredName: String, mail: String?,
        groups: Set<GroupName>
    ) {
        self.subject = subject
        self.provider = provider
        self.displayName = displayName
        self.preferredName = preferredName
        self.mail = mail
        self.groups = groups
    }
}

/// Identities, the ledger of user names and uids, and offboarding. SallyStore implements it.
package protocol IdentityStore: Sendable {
    /// Finds the person of `identity.subject` or makes one, updates name, mail and groups, and gives an account on first use:
    /// a free user name (the wish if it is valid and was never given; else derived: cleaned, then with a number) and the
    /// next uid of the range that was never given. Audited (`session.create` is the caller's; `identity.create` is its own).
    /// - Throws: `SallyError(.denied)` for somebody offboarded.
    func signIn(_ identity: VerifiedIdentity) async throws -> Person
    func person(named user: UserName) async throws -> Person?
    func people() async throws -> [Person]
    /// Marks the person as offboarded and ends every session, refresh token and pending sign-in, in one transaction.
    /// Idempotent. Returns how many sessions ended.
    func offboard(_ user: UserName, by actor: Actor) async throws -> Int
    func setRole(_ role: Principal.Role, of user: UserName, by actor: Actor) async throws
}

/// A row of the ledger.
package struct Person: Sendable, Equatable {
    package var id: PersonID
    package var subject: Subject
    package var provider: String
    package var displayName: String
    package var mail: String?
    package var account: Account
    package var groups: Set<GroupName>
    /// Granted locally (`sallyd admin grant`); groups may grant more, by configuration.
    package var localRole: Principal.Role
    package var created: Timestamp
    package var offboarded: Timestamp?
    package init(
        id: PersonID, subject: Subject, provider: String, displayName: String, mail: String?, account: Account,
        groups: Set<GroupName>, localRole: Principal.Role, created: Timestamp, offboarded: Timestamp?
    ) {
        self.id = id
        self.subject = subject
        self.provider = provider
        self.displayName = displayName
        self.mail = mail
        self.account = account
        self.groups = groups
        self.localRole = localRole
        self.created = created
        self.offboarded = offboarded
    }
}

/// Sessions and refresh tokens as rows. Secrets are stored as SHA-256 only. SallyStore implements it.
package protocol SessionStore: Sendable {
    /// A new session (refresh family) of `person` with its first refresh token. Appends the audit event `session.create`.
    func create(_ session: NewSession) async throws
    /// The person and session, when the session is live now: not ended, not past its end, person not offboarded.
    /// Called on every request.
    func live(_ session: OpaqueID) async throws -> LiveSession?
    /// Whether this session was one of somebody who was offboarded.
    func isClosed(_ session: OpaqueID) async throws -> Bool
    /// Exchanges a refresh token, in one transaction (RFC 9700 section 4.14.2): the current one -> `rotated`; the previous one
    /// within `grace` -> `repeated` with the successor that was already given (stored encrypted under the old token); any other
    /// known one -> the family is ended and audited (`session.replay`), `replayed`; one of somebody offboarded -> `closed`;
    /// of a session that ended otherwise, or unknown -> `unknown`.
    func refresh(_ request: RefreshRequest) async throws -> RefreshResult
    /// Ends one session of this person (logout). False when there was none.
    func end(_ session: OpaqueID, of person: PersonID) async throws -> Bool
    /// Ends all sessions of the person; audited. Returns how many.
    func endAll(of user: UserName, by actor: Actor) async throws -> Int
    func sessions(of user: UserName?) async throws -> [SessionRow]
}

package struct NewSession: Sendable {
    package var id: OpaqueID
    package var person: PersonID
    /// SHA-256 of the refresh token.
    package var refreshHash: [UInt8]
    /// When the family ends whatever happens.
    package var expires: Timestamp
    /// For the list of sessions: client address and program, at most 200 characters.
    package var client: String
    package init(id: OpaqueID, person: PersonID, refreshHash: [UInt8], expires: Timestamp, client: String) {
        self.id = id
        self.person = person
        self.refreshHash = refreshHash
        self.expires = expires
        self.client = client
    }
}

package struct LiveSession: Sendable, Equatable {
    package var session: OpaqueID
    package var person: Person
    package init(session: OpaqueID, person: Person) {
        self.session = session
        self.person = person
    }
}

package struct RefreshRequest: Sendable {
    /// SHA-256 of the token that was presented.
    package var presentedHash: [UInt8]
    /// SHA-256 of the successor that is handed out if this one is current.
    package var successorHash: [UInt8]
    /// The successor, sealed under a key derived from the presented token: what `repeated` gives back.
    package var sealedSuccessor: [UInt8]
    /// How long the previous token may still be presented for the same successor.
    package var grace: Duration
    package init(presentedHash: [UInt8], successorHash: [UInt8], sealedSuccessor: [UInt8], grace: Duration) {
        self.presentedHash = presentedHash
        self.successorHash = successorHash
        self.sealedSuccessor = sealedSuccessor
        self.grace = grace
    }
}

package enum RefreshResult: Sendable, Equatable {
    case rotated(LiveSession)
    case repeated(LiveSession, sealedSuccessor: [UInt8])
    case replayed
    case closed
    case unknown
}

package struct SessionRow: Sendable, Equatable {
    package var id: OpaqueID
    package var user: UserName
    package var client: String
    package var created: Timestamp
    package var lastUsed: Timestamp
    package var expires: Timestamp
    package var ended: Timestamp?
    package init(
        id: OpaqueID, user: UserName, client: String, created: Timestamp, lastUsed: Timestamp, expires: Timestamp,
        ended: Timestamp?
    ) {
        self.id = id
        self.user = user
        self.client = client
        self.created = created
        self.lastUsed = lastUsed
        self.expires = expires
        self.ended = ended
    }
}

/// Sign-ins under way, kept in the store so that any gateway process can finish one. Every row is single use.
package protocol SignInStore: Sendable {
    func begin(_ pending: PendingSignIn) async throws
    /// Binds the row of this `state` to a browser, the first that opens it, and returns it; it stays.
    func open(state: String, browserHash: [UInt8]) async throws -> SignInClaim
    /// Takes the row of this `state` away and returns it, once, for the browser that opened it. For another it stays.
    func take(state: String, browserHash: [UInt8]) async throws -> SignInClaim
    /// Keeps a one-time gateway code for a person who just signed in.
    func issue(_ code: GatewayCode) async throws
    /// Whether a code waits for who has the verifier of this challenge.
    func isAwaited(challenge: String) async throws -> Bool
    /// Takes the code away and returns it, once, unless it is expired.
    func redeem(codeHash: [UInt8]) async throws -> GatewayCode?
}

/// What a browser gets of a sign-in.
package enum SignInClaim: Sendable, Equatable {
    case granted(PendingSignIn)
    /// Another browser opened it, or none has.
    case otherBrowser
    /// There is none of this state, or not any more.
    case unknown
}

/// Between our redirect to the provider and its redirect back.
package struct PendingSignIn: Sendable, Equatable {
    package var state: String
    package var provider: String
    package var nonce: String
    /// Our PKCE verifier towards the provider (RFC 7636).
    package var verifier: String
    /// The CLI's PKCE S256 challenge: only who has its verifier can redeem the code.
    package var clientChallenge: String
    /// The CLI's loopback redirect (RFC 8252 section 7.3), or nil for a code that is typed.
    package var loopback: String?
    /// The CLI's own state for its loopback redirect.
    package var clientState: String?
    /// Who asks, shown to the person: `SignInClient.text`.
    package var client: String
    package var expires: Timestamp
    package init(
        state: String, provider: String, nonce: String, verifier: String, clientChallenge: String, loopback: String?,
        clientState: String?, client: String, expires: Timestamp
    ) {
        self.state = state
        self.provider = provider
        self.nonce = nonce
        self.verifier = verifier
        self.clientChallenge = clientChallenge
        self.loopback = loopback
        self.clientState = clientState
        self.client = client
        self.expires = expires
    }
}

/// The one-time code that the CLI exchanges for a session.
package struct GatewayCode: Sendable, Equatable {
    package var codeHash: [UInt8]
    package var person: PersonID
    package var clientChallenge: String
    package var client: String
    package var expires: Timestamp
    package init(codeHash: [UInt8], person: PersonID, clientChallenge: String, client: String, expires: Timestamp) {
        self.codeHash = codeHash
        self.person = person
        self.clientChallenge = clientChallenge
        self.client = client
        self.expires = expires
    }
}
