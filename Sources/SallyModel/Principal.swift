// SPDX-License-Identifier: Apache-2.0

/// A subject of an identity provider: OpenID Connect's `iss` and `sub` (or the configured immutable claim instead of `sub`).
package struct Subject: Hashable, Sendable, Codable, CustomStringConvertible {
    package var issuer: String
    package var subject: String
    package init(issuer: String, subject: String) {
        self.issuer = issuer
        self.subject = subject
    }
    package var description: String { "\(issuer)#\(subject)" }

    // Case and bytes count (OpenID Connect Core section 5.7), not what looks the same.
    package static func == (left: Self, right: Self) -> Bool {
        haveSameBytes(left.issuer, right.issuer) && haveSameBytes(left.subject, right.subject)
    }

    package func hash(into hasher: inout Hasher) {
        hashBytes(of: issuer, into: &hasher)
        hashBytes(of: subject, into: &hasher)
    }
}

/// Our own number for a person, for ever. Not a uid.
package struct PersonID: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "\(rawValue)" }
}

/// An opaque identifier of 128 random bits in base64url: a session, a refresh family, a request.
package struct OpaqueID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init?(rawValue: String) {
        guard (16...64).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy({ isLower($0) || isUpper($0) || isDigit($0) || isDashOrUnderscore($0) })
        else { return nil }
        self.rawValue = rawValue
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let made = OpaqueID(rawValue: text) else {
            throw SallyError(.invalidRequest, "identifier \(quoted(text)) is not valid")
        }
        self = made
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// 128 bits from `generator`.
    package static func random(using generator: inout some RandomNumberGenerator) -> OpaqueID {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        // Ten letters and the four bits of one more from each number: the system's generator is a call of the kernel each time.
        let numbers = (generator.next(), generator.next())
        let text = (0..<22).map { place in
            alphabet[Int((place < 11 ? numbers.0 : numbers.1) >> UInt64(place % 11 * 6) & 63)]
        }
        return OpaqueID(unchecked: String(decoding: text, as: UTF8.self))
    }

    private init(unchecked: String) { rawValue = unchecked }
    package var description: String { rawValue }
}

/// The account that the ledger gave to a person: one user name and one uid, never given to another.
package struct Account: Hashable, Sendable, Codable {
    package var name: UserName
    /// uid, and gid of the group of the same name.
    package var uid: UserID
    package init(name: UserName, uid: UserID) {
        self.name = name
        self.uid = uid
    }
}

/// A person with a live session, read from the store on every request.
package struct Principal: Hashable, Sendable {
    package var person: PersonID
    package var subject: Subject
    /// What the provider calls the person, for pages and reports; never used for a decision.
    package var displayName: String
    package var account: Account
    /// With their source, as known at sign-in.
    package var groups: Set<GroupName>
    package var role: Role
    package var session: OpaqueID

    package init(
        person: PersonID, subject: Subject, displayName: String, account: Account, groups: Set<GroupName>, role: Role,
        session: OpaqueID
    ) {
        self.person = person
        self.subject = subject
        self.displayName = displayName
        self.account = account
        self.groups = groups
        self.role = role
        self.session = session
    }

    package enum Role: String, Sendable, Codable {
        case researcher
        case administrator
    }
}

/// Who stands behind an act: a person, somebody at the local root-only socket, or the gateway by itself.
package enum Actor: Hashable, Sendable {
    case person(Principal)
    /// `sallyd admin` over the root-only socket; the OS user that connected.
    case localAdministrator(uid: UInt32)
    /// The gateway itself, from the closed list of system actions.
    case system

    /// For audit events: `person:7:alice`, `local:0`, `system`.
    package var label: String {
        switch self {
        case .person(let principal): "person:\(principal.person):\(principal.account.name)"
        case .localAdministrator(let uid): "local:\(uid)"
        case .system: "system"
        }
    }
}
