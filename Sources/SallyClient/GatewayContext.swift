// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The name of a context: it names a file too.
package struct ContextName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "context name"
    package static let rule = "1-40 characters of A-Z a-z 0-9 - _ ., a letter or digit first"
    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetterOrDigit(first), text.utf8.count <= 40 else { return false }
        return text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e }
    }
}

/// A gateway and a sign-in there.
package struct GatewayContext: Sendable, Codable, Equatable {
    package var name: ContextName
    package var gateway: GatewayAddress
    /// Where `-M` is not given.
    package var cluster: ClusterName?
    /// PEM certificates that alone are trusted to sign the gateway's; absent: the system's.
    package var caFile: String?

    package init(name: ContextName, gateway: GatewayAddress, cluster: ClusterName?, caFile: String?) {
        self.name = name
        self.gateway = gateway
        self.cluster = cluster
        self.caFile = caFile
    }

    package enum CodingKeys: String, CodingKey {
        case name, gateway, cluster
        case caFile = "ca_file"
    }
}

/// All contexts of a person, as `contexts.json` has them.
package struct ContextList: Sendable, Codable, Equatable {
    package static let schema = "sallyport/contexts/1"
    package var schema = ContextList.schema
    /// The one that is used when nothing else is said.
    package var current: ContextName?
    package var contexts: [GatewayContext]

    package init(current: ContextName?, contexts: [GatewayContext]) {
        self.current = current
        self.contexts = contexts
    }

    package subscript(name: ContextName) -> GatewayContext? { contexts.first { $0.name == name } }

    /// Adds the context or takes the place of the one of its name.
    package mutating func put(_ context: GatewayContext) {
        if let index = contexts.firstIndex(where: { $0.name == context.name }) {
            contexts[index] = context
        } else {
            contexts.append(context)
            contexts.sort { $0.name < $1.name }
        }
    }

    /// - Throws: `SallyError(.notFound)` that names the ones there are.
    package func require(_ name: ContextName) throws -> GatewayContext {
        if let found = self[name] { return found }
        let names = contexts.map { "\($0.name)" }.joined(separator: ", ")
        throw SallyError(
            .notFound, "there is no context \(quoted(name.rawValue))",
            hint: names.isEmpty ? "sign in first: `sally login https://GATEWAY`" : "contexts: \(names)")
    }

    package enum CodingKeys: String, CodingKey { case schema, current, contexts }
}

/// What is kept of a sign-in, in one file per context that nobody else can read.
package struct StoredSession: Sendable, Equatable {
    package static let schema = "sallyport/session/1"
    /// A token is sent to the gateway that gave it and to no other.
    package var gateway: GatewayAddress
    package var user: UserName
    package var accessToken: Secret<String>
    package var expires: Timestamp
    package var refreshToken: Secret<String>
    package var sessionExpires: Timestamp

    package init(
        gateway: GatewayAddress, user: UserName, accessToken: Secret<String>, expires: Timestamp,
        refreshToken: Secret<String>, sessionExpires: Timestamp
    ) {
        self.gateway = gateway
        self.user = user
        self.accessToken = accessToken
        self.expires = expires
        self.refreshToken = refreshToken
        self.sessionExpires = sessionExpires
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.gateway == right.gateway && left.user == right.user && left.expires == right.expires
            && left.sessionExpires == right.sessionExpires
            && constantTimeEqual(Array(left.accessToken.reveal().utf8), Array(right.accessToken.reveal().utf8))
            && constantTimeEqual(Array(left.refreshToken.reveal().utf8), Array(right.refreshToken.reveal().utf8))
    }
}

extension StoredSession: Codable {
    private enum CodingKeys: String, CodingKey {
        case schema, gateway, user
        case accessToken = "access_token"
        case expires
        case refreshToken = "refresh_token"
        case sessionExpires = "session_expires"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        _ = try values.decode(String.self, forKey: .schema)
        gateway = try values.decode(GatewayAddress.self, forKey: .gateway)
        user = try values.decode(UserName.self, forKey: .user)
        accessToken = Secret(try values.decode(String.self, forKey: .accessToken))
        expires = try values.decode(Timestamp.self, forKey: .expires)
        refreshToken = Secret(try values.decode(String.self, forKey: .refreshToken))
        sessionExpires = try values.decode(Timestamp.self, forKey: .sessionExpires)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(StoredSession.schema, forKey: .schema)
        try values.encode(gateway, forKey: .gateway)
        try values.encode(user, forKey: .user)
        try values.encode(accessToken.reveal(), forKey: .accessToken)
        try values.encode(expires, forKey: .expires)
        try values.encode(refreshToken.reveal(), forKey: .refreshToken)
        try values.encode(sessionExpires, forKey: .sessionExpires)
    }
}
