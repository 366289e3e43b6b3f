// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What the signer knows about the chain, fetched from it and not from `serve`'s database.
package struct AuditEvidence: Sendable, Equatable {
    /// Every token that was minted for a decision.
    package var mints: [AuditMint]
    /// Every head that was countersigned, by sequence.
    package var heads: [AuditPosition]
    /// How many tokens the service account got to read, which no decision pays for.
    package var serviceReads: Int
    /// The newest countersigned head, with its signature; nil when none was.
    package var head: CountersignedHead?
    /// PEM (SubjectPublicKeyInfo) of the P-256 key that `head` verifies with.
    package var publicKey: String?
    /// For which decisions the steward read output.
    package var reads: [AuditRead] = []

    package init(
        mints: [AuditMint], heads: [AuditPosition], serviceReads: Int, head: CountersignedHead?, publicKey: String?
    ) {
        self.mints = mints
        self.heads = heads
        self.serviceReads = serviceReads
        self.head = head
        self.publicKey = publicKey
    }
}

/// A token that the signer minted.
package struct AuditMint: Sendable, Equatable {
    package var position: AuditPosition
    package var cluster: ClusterName
    package var user: String
    /// What the token was for, in the signer's word.
    package var purpose: String
    package var payer: Payer
    /// When, by the signer's clock.
    package var time: Timestamp
    package init(
        position: AuditPosition, cluster: ClusterName, user: String, purpose: String, payer: Payer, time: Timestamp
    ) {
        self.position = position
        self.cluster = cluster
        self.user = user
        self.purpose = purpose
        self.payer = payer
        self.time = time
    }

    /// Which event pays for the token, by `AuditEvent.action`. The purpose says whose token it is, and not the name: the
    /// signer mints for service accounts, whatever they were called over the years, for purposes of their own.
    package enum Payer: Sendable, Equatable {
        /// A decision on what the person asked for.
        case person(action: String)
        /// A decision of the gateway's own: only the service account's tokens.
        case system(action: String)
        /// None: the signer does not know such a purpose.
        case none
    }
}

/// A head of the chain with the signer's ES256 signature.
package struct CountersignedHead: Sendable, Equatable {
    package var position: AuditPosition
    package var time: Timestamp
    /// base64url of r || s over `sallyport-audit-head\n<sequence>\n<hash>\n<seconds since 1970>`.
    package var signature: String
    package init(position: AuditPosition, time: Timestamp, signature: String) {
        self.position = position
        self.time = time
        self.signature = signature
    }
}

/// Output that the steward read.
package struct AuditRead: Sendable, Equatable {
    package var position: AuditPosition
    package var cluster: ClusterName
    package var user: UserName
    package var job: JobID
    /// When it was read first, by the steward's clock.
    package var time: Timestamp
    package init(position: AuditPosition, cluster: ClusterName, user: UserName, job: JobID, time: Timestamp) {
        self.position = position
        self.cluster = cluster
        self.user = user
        self.job = job
        self.time = time
    }
}

/// What verifying found.
package struct AuditReport: Sendable, Equatable {
    package var events: Int64
    package var mints: Int
    /// Heads that the signer countersigned, all compared with the chain.
    package var heads: Int
    /// Tokens of the service account to read, which have no event.
    package var serviceReads: Int
    /// The newest event that the signer countersigned; 0 when none.
    package var countersigned: Int64
    /// What is wrong, the first place first; at most 100.
    package var problems: [AuditProblem]
    package var isGood: Bool { problems.isEmpty }
}

/// One thing that is wrong with the chain.
package struct AuditProblem: Sendable, Equatable {
    package var kind: Kind
    /// Where; 0 for what has no place in the chain.
    package var sequence: Int64
    package var message: String

    package enum Kind: String, Sendable, CaseIterable {
        /// A row's content and its hash do not agree.
        case changedRow = "changed-row"
        /// Numbers are missing.
        case gap
        /// A row does not follow the row before it.
        case brokenLink = "broken-link"
        /// A countersigned event has another hash here.
        case rewritten
        /// The chain ends before its countersigned head.
        case cutTail = "cut-tail"
        /// Output was read for an event that is not here, or is about something else.
        case readWithoutEvent = "read-without-event"
        /// Output was read for an event that was too old by then, or later than the reading.
        case readOutOfTime = "read-out-of-time"
        /// The countersignature is not by the signer's key.
        case badSignature = "bad-signature"
        /// A token was minted for an event that is not here, or is another's.
        case mintWithoutEvent = "mint-without-event"
        /// A token was minted for an event that did not allow anything.
        case mintNotAllowed = "mint-not-allowed"
        /// A token was minted for an event that allowed something else.
        case mintForOtherAction = "mint-for-other-action"
        /// A token was minted for an event that was too old by then, or later than the token.
        case mintOutOfTime = "mint-out-of-time"
    }
}
