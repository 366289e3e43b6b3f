// SPDX-License-Identifier: Apache-2.0

/// One link of the audit chain.
///
/// `hash` = SHA-256 over the canonical JSON of every other field, `previous` included. The chain starts with 64 zeros.
package struct AuditEvent: Sendable, Equatable, Codable {
    /// 1, 2, 3, ... without a gap.
    package var sequence: Int64
    package var time: Timestamp
    /// `Actor.label`.
    package var actor: String
    /// What was to be done: `job.submit`, `output.read`, `session.create`, `admin.offboard`, ...
    package var action: String
    package var cluster: String?
    /// What it was done to: a job, a user name, a person.
    package var target: String?
    package var outcome: Outcome
    /// The rule that allowed or refused.
    package var rule: String?
    /// The request id, as in the problem document.
    package var request: String?
    /// Facts worth keeping, in a fixed order; never a secret, never a script.
    package var details: [Detail]
    /// Lower-case hexadecimal, 64 characters.
    package var previous: String
    package var hash: String

    package init(
        sequence: Int64, time: Timestamp, actor: String, action: String, cluster: String?, target: String?,
        outcome: Outcome, rule: String?, request: String?, details: [Detail], previous: String, hash: String
    ) {
        self.sequence = sequence
        self.time = time
        self.actor = actor
        self.action = action
        self.cluster = cluster
        self.target = target
        self.outcome = outcome
        self.rule = rule
        self.request = request
        self.details = details
        self.previous = previous
        self.hash = hash
    }

    package enum Outcome: String, Sendable, Codable {
        case allowed
        case refused
        /// The recorded result of what was allowed before: a job id, a step of offboarding.
        case completed
        case failed
    }

    package struct Detail: Sendable, Equatable, Codable {
        package var name: String
        package var value: String

        /// Bytes of a value that is recorded: twice what a path may have.
        package static let longest = 8192

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package static let genesis = String(repeating: "0", count: 64)
}

/// An event before it has its place in the chain.
package struct AuditDraft: Sendable, Equatable {
    package var actor: String
    package var action: String
    package var cluster: ClusterName?
    package var target: String?
    package var outcome: AuditEvent.Outcome
    package var rule: String?
    package var request: String?
    package var details: [AuditEvent.Detail]

    package init(
        actor: String, action: String, cluster: ClusterName? = nil, target: String? = nil,
        outcome: AuditEvent.Outcome, rule: String? = nil, request: String? = nil, details: [AuditEvent.Detail] = []
    ) {
        self.actor = actor
        self.action = action
        self.cluster = cluster
        self.target = target
        self.outcome = outcome
        self.rule = rule
        self.request = request
        self.details = details
    }
}

/// The place of a recorded event: what the signer asks for before it mints, and countersigns.
package struct AuditPosition: Sendable, Hashable, Codable {
    package var sequence: Int64
    /// Lower-case hexadecimal, 64 characters.
    package var hash: String
    package init(sequence: Int64, hash: String) {
        self.sequence = sequence
        self.hash = hash
    }

    /// How long after its decision a token may be minted or output be read for the first time. The gateway itself acts within
    /// 150 seconds, which is how long preparing an account may take.
    package static let life: Duration = .seconds(300)
    /// How far the clocks of the gateway and of its keepers may be apart: processes of one machine, whose clock may be set
    /// between two readings.
    package static let clockSlack: Duration = .seconds(60)

    /// Whether something that a decision of `decided` paid for may have been done at `time`.
    package static func pays(for time: Timestamp, decided: Timestamp) -> Bool {
        let age = time.rawValue - decided.rawValue
        return age >= -clockSlack.components.seconds && age <= (life + clockSlack).components.seconds
    }
}
