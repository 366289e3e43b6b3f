// SPDX-License-Identifier: Apache-2.0

import Crypto
package import SallyModel

/// How a program opens a sign-in.
package struct SignInRequest: Sendable {
    /// Nil: the first of the configuration.
    package var provider: ClusterName?
    /// PKCE S256 challenge (RFC 7636 section 4.2) of a verifier that the program keeps.
    package var challenge: String
    /// `http://127.0.0.1:PORT/callback` or `http://[::1]:PORT/callback`; nil for a code that is typed.
    package var loopback: String?
    /// The program's own state, given back with the redirect.
    package var clientState: String?
    /// Who asks, shown to the person.
    package var client: SignInClient

    package init(
        provider: ClusterName?, challenge: String, loopback: String?, clientState: String?, client: SignInClient
    ) {
        self.provider = provider
        self.challenge = challenge
        self.loopback = loopback
        self.clientState = clientState
        self.client = client
    }
}

/// A sign-in that waits for its browser.
package struct OpenedSignIn: Sendable, Equatable {
    /// What the browser's page is asked for with. Also the state of the redirect to the provider.
    package var state: String
    package var expires: Timestamp
    package init(state: String, expires: Timestamp) {
        self.state = state
        self.expires = expires
    }
}

/// Where a browser goes that opened a sign-in, and what it is known by when it comes back.
package struct OpenedPage: Sendable, Equatable {
    package var url: String
    package var browser: BrowserKey
    package init(url: String, browser: BrowserKey) {
        self.url = url
        self.browser = browser
    }
}

/// What tells one browser from another during a sign-in: a secret of its own in a cookie (RFC 9700 section 4.7.1). 256 bits,
/// base64url.
package struct BrowserKey: Sendable, Equatable {
    package let text: String

    /// A new one.
    init() {
        var generator = SystemRandomNumberGenerator()
        text = randomText(using: &generator)
    }

    /// From a cookie; nil for what was never one.
    package init?(cookie: String) {
        guard Base64URL.decode(cookie.utf8)?.count == 32 else { return nil }
        text = cookie
    }

    /// What is kept of it.
    var hash: [UInt8] { Array(SHA256.hash(data: Array("sallyport sign-in browser 1\n\(text)".utf8))) }
}

/// The query of the provider's redirect back (RFC 6749 section 4.1.2, RFC 9207 section 2).
package struct CallbackParameters: Sendable {
    package var state: String?
    package var code: String?
    /// `iss`.
    package var issuer: String?
    package var error: String?
    /// From the browser's cookie.
    package var browser: BrowserKey?
    package init(state: String?, code: String?, issuer: String?, error: String?, browser: BrowserKey?) {
        self.state = state
        self.code = code
        self.issuer = issuer
        self.error = error
        self.browser = browser
    }
}

package enum CallbackOutcome: Sendable, Equatable {
    /// To the program's loopback address, with an error.
    case redirect(String)
    case page(SignInPage)
}

/// What the last page of a sign-in says. It names who asked, so that a person who did not ask passes nothing on.
package struct SignInPage: Sendable, Equatable {
    package var user: UserName
    package var client: SignInClient
    package var expires: Timestamp
    package var way: Way

    package init(user: UserName, client: SignInClient, expires: Timestamp, way: Way) {
        self.user = user
        self.client = client
        self.expires = expires
        self.way = way
    }

    /// How the one-time code gets to the program.
    package enum Way: Sendable, Equatable {
        /// Typed by the person: `XXXX-XXXX`.
        case typed(code: String)
        /// By the program's loopback address, when the person says so: with a provider that remembers the person nobody
        /// would have been asked anything else (RFC 8252 section 8.6).
        case loopback(confirm: String, refuse: String)
    }
}
