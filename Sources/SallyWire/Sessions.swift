// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// POST /v1/auth/sign-in: a program begins a sign-in, before there is a browser.
package struct SignInOpening: Sendable, Codable {
    /// PKCE S256 challenge (RFC 7636 section 4.2).
    package var challenge: String
    /// What the program calls itself, shown to the person after the address that the gateway sees: printable ASCII, of
    /// which at most 60 bytes are kept.
    package var client: String
    /// Loopback address that gets the code (RFC 8252 section 7.3); absent for a code that is typed.
    package var redirect: String?
    /// Given back with the redirect.
    package var state: String?
    /// Which identity provider; absent: the gateway's first.
    package var provider: ClusterName?

    package init(challenge: String, client: String, redirect: String?, state: String?, provider: ClusterName?) {
        self.challenge = challenge
        self.client = client
        self.redirect = redirect
        self.state = state
        self.provider = provider
    }
}

package struct SignInOpened: Sendable, Codable {
    /// For `Path.signInPage`.
    package var request: String
    /// Until when the browser may come back from the provider.
    package var expires: Timestamp

    package init(request: String, expires: Timestamp) {
        self.request = request
        self.expires = expires
    }
}

/// POST /v1/auth/token: exchanges a one-time gateway code for a session.
package struct TokenRequest: Sendable, Codable {
    /// From the loopback redirect, or typed from the page.
    package var code: String
    /// PKCE verifier (RFC 7636 section 4.1) of the challenge that opened the sign-in.
    package var codeVerifier: String

    package init(code: String, codeVerifier: String) {
        self.code = code
        self.codeVerifier = codeVerifier
    }

    package enum CodingKeys: String, CodingKey {
        case code
        case codeVerifier = "code_verifier"
    }
}

/// POST /v1/auth/refresh.
package struct RefreshTokenRequest: Sendable, Codable {
    package var refreshToken: String
    package init(refreshToken: String) { self.refreshToken = refreshToken }
    package enum CodingKeys: String, CodingKey { case refreshToken = "refresh_token" }
}

/// A session: the answer to both.
package struct TokenGrant: Sendable, Codable, CustomStringConvertible {
    /// Three-part ES256 JWT. Sent as `Authorization: Bearer`.
    package var accessToken: String
    package var expires: Timestamp
    /// Single use; the answer to a refresh has its successor.
    package var refreshToken: String
    /// When the session ends whatever happens.
    package var sessionExpires: Timestamp
    package var user: UserName

    package init(
        accessToken: String, expires: Timestamp, refreshToken: String, sessionExpires: Timestamp, user: UserName
    ) {
        self.accessToken = accessToken
        self.expires = expires
        self.refreshToken = refreshToken
        self.sessionExpires = sessionExpires
        self.user = user
    }

    package var description: String { "TokenGrant(\(user), <redacted>)" }

    package enum CodingKeys: String, CodingKey {
        case accessToken = "access_token"
        case expires
        case refreshToken = "refresh_token"
        case sessionExpires = "session_expires"
        case user
    }
}

/// GET /v1/me.
package struct Me: Sendable, Codable {
    package var user: UserName
    package var uid: UserID
    package var displayName: String
    package var groups: [GroupName]
    package var role: Principal.Role
    package var session: OpaqueID
    package var clusters: [ClusterSummary]

    package init(
        user: UserName, uid: UserID, displayName: String, groups: [GroupName], role: Principal.Role, session: OpaqueID,
        clusters: [ClusterSummary]
    ) {
        self.user = user
        self.uid = uid
        self.displayName = displayName
        self.groups = groups
        self.role = role
        self.session = session
        self.clusters = clusters
    }

    package enum CodingKeys: String, CodingKey {
        case user, uid
        case displayName = "display_name"
        case groups, role, session, clusters
    }
}

/// A cluster as its users see it.
package struct ClusterSummary: Sendable, Codable {
    package var name: ClusterName
    package var isDefault: Bool
    /// Whether an authenticated read answered lately.
    package var ready: Bool

    package init(name: ClusterName, isDefault: Bool, ready: Bool) {
        self.name = name
        self.isDefault = isDefault
        self.ready = ready
    }

    package enum CodingKeys: String, CodingKey {
        case name
        case isDefault = "default"
        case ready
    }
}
