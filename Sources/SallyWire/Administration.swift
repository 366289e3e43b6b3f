// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// GET /v1/admin/identities.
package struct IdentityView: Sendable, Codable {
    package var user: UserName
    package var uid: UserID
    package var displayName: String
    package var mail: String?
    package var issuer: String
    package var subject: String
    package var groups: [GroupName]
    package var role: Principal.Role
    package var created: Timestamp
    package var offboarded: Timestamp?

    package init(
        user: UserName, uid: UserID, displayName: String, mail: String?, issuer: String, subject: String,
        groups: [GroupName], role: Principal.Role, created: Timestamp, offboarded: Timestamp?
    ) {
        self.user = user
        self.uid = uid
        self.displayName = displayName
        self.mail = mail
        self.issuer = issuer
        self.subject = subject
        self.groups = groups
        self.role = role
        self.created = created
        self.offboarded = offboarded
    }

    package enum CodingKeys: String, CodingKey {
        case user, uid
        case displayName = "display_name"
        case mail, issuer, subject, groups, role, created, offboarded
    }
}

package struct IdentityList: Sendable, Codable {
    package var identities: [IdentityView]
    package init(identities: [IdentityView]) { self.identities = identities }
}

/// GET /v1/admin/sessions.
package struct SessionView: Sendable, Codable {
    package var session: OpaqueID
    package var user: UserName
    package var client: String
    package var created: Timestamp
    package var lastUsed: Timestamp
    package var expires: Timestamp
    package var ended: Timestamp?

    package init(
        session: OpaqueID, user: UserName, client: String, created: Timestamp, lastUsed: Timestamp, expires: Timestamp,
        ended: Timestamp?
    ) {
        self.session = session
        self.user = user
        self.client = client
        self.created = created
        self.lastUsed = lastUsed
        self.expires = expires
        self.ended = ended
    }

    package enum CodingKeys: String, CodingKey {
        case session, user, client, created
        case lastUsed = "last_used"
        case expires, ended
    }
}

package struct SessionList: Sendable, Codable {
    package var sessions: [SessionView]
    package init(sessions: [SessionView]) { self.sessions = sessions }
}

/// POST /v1/admin/identities/NAME/revoke.
package struct RevokeReply: Sendable, Codable {
    package var ended: Int
    package init(ended: Int) { self.ended = ended }
}

/// POST /v1/admin/identities/NAME/role.
package struct RoleRequest: Sendable, Codable {
    package var role: Principal.Role
    package init(role: Principal.Role) { self.role = role }
}

/// POST /v1/admin/identities/NAME/offboard.
package struct OffboardRequest: Sendable, Codable {
    /// Where pending jobs go; absent: as the cluster is configured.
    package var pendingJobs: LeaverJobs?
    package init(pendingJobs: LeaverJobs?) { self.pendingJobs = pendingJobs }
    package enum CodingKeys: String, CodingKey { case pendingJobs = "pending_jobs" }
}

/// What offboarding did, step by step.
package struct OffboardReport: Sendable, Codable {
    package var user: UserName
    package var steps: [Step]
    /// False when a step failed: the same command again finishes the work.
    package var complete: Bool

    package init(user: UserName, steps: [Step], complete: Bool) {
        self.user = user
        self.steps = steps
        self.complete = complete
    }

    package struct Step: Sendable, Codable {
        package var name: String
        /// `gateway`, `signer`, a cluster, or `cluster/node`.
        package var place: String
        /// `done`, `unchanged`, `failed`, `skipped`.
        package var outcome: String
        package var detail: String
        /// Milliseconds since the command began.
        package var milliseconds: Int

        package init(name: String, place: String, outcome: String, detail: String, milliseconds: Int) {
            self.name = name
            self.place = place
            self.outcome = outcome
            self.detail = detail
            self.milliseconds = milliseconds
        }
    }
}

/// GET /v1/admin/audit?before=SEQUENCE&after=SEQUENCE&limit=100&actor=&action=&target=.
package struct AuditPage: Sendable, Codable {
    /// The newest first.
    package var events: [AuditEvent]
    /// The `before` of the next page, with older events; absent at the end.
    package var next: Int64?
    package init(events: [AuditEvent], next: Int64?) {
        self.events = events
        self.next = next
    }
}

/// GET /v1/admin/audit/verify.
package struct AuditVerification: Sendable, Codable {
    package var good: Bool
    package var events: Int64
    /// Tokens that decisions paid for, each compared with its event.
    package var mints: Int
    /// Heads of the chain that the signer countersigned, each compared with the chain.
    package var heads: Int
    /// Tokens that the service account got to read, which no decision pays for.
    package var serviceReads: Int
    /// Decisions for which the steward read output, each compared with its event.
    package var outputReads: Int
    /// The newest event that the signer countersigned; 0 when none.
    package var countersigned: Int64
    /// What is wrong, the first place first.
    package var problems: [String]

    package enum CodingKeys: String, CodingKey {
        case good
        case events
        case mints
        case heads
        case serviceReads = "service_reads"
        case outputReads = "output_reads"
        case countersigned
        case problems
    }

    package init(
        good: Bool, events: Int64, mints: Int, heads: Int, serviceReads: Int, outputReads: Int, countersigned: Int64,
        problems: [String]
    ) {
        self.good = good
        self.events = events
        self.mints = mints
        self.heads = heads
        self.serviceReads = serviceReads
        self.outputReads = outputReads
        self.countersigned = countersigned
        self.problems = problems
    }
}
