// SPDX-License-Identifier: Apache-2.0

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
    /// Who asks, shown to the person: program and address, at most 200 characters.
    package let client: String

    package init(
        provider: ClusterName?, challenge: String, loopback: String?, clientState: String?, program: String,
        address: String
    ) {
        self.provider = provider
        self.challenge = challenge
        self.loopback = loopback
        self.clientState = clientState
        client = shortened("\(program.prefix(120)) at \(address)")
    }
}

/// The query of the provider's redirect back (RFC 6749 section 4.1.2, RFC 9207 section 2).
package struct CallbackParameters: Sendable {
    package var state: String?
    package var code: String?
    /// `iss`.
    package var issuer: String?
    package var error: String?
    package init(state: String?, code: String?, issuer: String?, error: String?) {
        self.state = state
        self.code = code
        self.issuer = issuer
        self.error = error
    }
}

package enum CallbackOutcome: Sendable, Equatable {
    /// To the program's loopback address, with a code or an error.
    case redirect(String)
    case page(CodePage)
}

/// What the page that shows a code says. It names who asked, so that a person who did not ask does not pass the code on.
package struct CodePage: Sendable, Equatable {
    /// `XXXX-XXXX`.
    package var code: String
    package var user: UserName
    package var client: String
    package var expires: Timestamp
}
