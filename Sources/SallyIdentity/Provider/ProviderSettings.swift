// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// An OpenID Connect provider of the configuration. The gateway is its only client.
package struct ProviderSettings: Sendable {
    /// The source of its groups, as in `okta:hpc-users`. 1-40 of a-z 0-9 -, a letter first.
    package var name: ClusterName
    /// Compared byte by byte with what the provider says it is.
    package var issuer: String
    package var clientID: String
    package var clientSecret: Secret<String>
    package var authentication: ClientAuthentication
    /// Our callback, as registered at the provider.
    package var redirectURI: String
    package var scopes: [String] = ["openid", "profile", "email", "groups"]
    package var algorithms: Set<Algorithm> = [.rs256, .es256]
    /// The claim with the names of the person's groups.
    package var groupsClaim = "groups"
    /// The immutable claim that is a person's key: `sub`, or `oid` where `sub` is pairwise (Entra ID).
    package var subjectClaim = "sub"
    /// The wish for a user name.
    package var nameClaim = "preferred_username"
    /// PEM file of certificate authorities that are trusted instead of the system's.
    package var authorities: String?
    package var plaintext: Plaintext
    /// How far the provider's clock may be from ours.
    package var leeway: Duration = .seconds(60)
    /// For each request to the provider.
    package var deadline: Duration = .seconds(10)
    /// Largest answer that is read, in bytes.
    package var maximumBody = 1 << 20

    package init(
        name: ClusterName, issuer: String, clientID: String, clientSecret: Secret<String>,
        authentication: ClientAuthentication, redirectURI: String, plaintext: Plaintext
    ) {
        self.name = name
        self.issuer = issuer
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.authentication = authentication
        self.redirectURI = redirectURI
        self.plaintext = plaintext
    }

    /// How the client shows its secret at the token endpoint (OpenID Connect Core section 9).
    package enum ClientAuthentication: String, Sendable, CaseIterable {
        case basic = "client_secret_basic"
        case post = "client_secret_post"
    }

    /// Signature algorithms that may be allowed (RFC 7518 section 3.1). Never `none`, never one with a shared secret.
    package enum Algorithm: String, Sendable, CaseIterable {
        case rs256 = "RS256"
        case ps256 = "PS256"
        case es256 = "ES256"
    }

    /// Whether addresses of the provider may be plain HTTP.
    package enum Plaintext: Sendable {
        case refused
        /// Only towards this machine: 127.0.0.1, [::1], localhost.
        case loopbackOnly
    }

    /// Everything that is wrong with these settings, for the configuration check.
    package var problems: [String] {
        var found: [String] = []
        if !permits(url: issuer) || issuer.contains("?") {
            found.append("issuer \(quoted(issuer)) is not an https address without a query")
        }
        if !permits(url: redirectURI) {
            found.append("redirect address \(quoted(redirectURI)) is not an https address")
        }
        if clientID.isEmpty { found.append("the client id is empty") }
        if clientSecret.reveal().isEmpty { found.append("the client secret is empty") }
        if !scopes.contains("openid") { found.append("the scopes lack openid") }
        if algorithms.isEmpty { found.append("no signature algorithm is allowed") }
        return found
    }

    /// Whether the provider may be reached at `url`: https, or plain HTTP to this machine where that is allowed; no
    /// user information, no fragment, no spaces.
    func permits(url: String) -> Bool {
        let secure = url.hasPrefix("https://")
        guard secure || url.hasPrefix("http://"),
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
        else { return false }
        let authority = url.dropFirst(secure ? 8 : 7).prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, !authority.contains("@") else { return false }
        if secure { return true }
        guard plaintext == .loopbackOnly else { return false }
        return ["127.0.0.1", "[::1]", "localhost"].contains { host in
            guard authority.hasPrefix(host) else { return false }
            let rest = authority.dropFirst(host.count)
            return rest.isEmpty || (rest.first == ":" && UInt16(rest.dropFirst()) != nil)
        }
    }
}
