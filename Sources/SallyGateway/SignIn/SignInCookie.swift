// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyIdentity

/// The cookie that binds a sign-in to the browser that opened it (RFC 6265; RFC 9700 section 4.7.1).
///
/// `SameSite=Lax`, because the provider's redirect back is a navigation from another site. Over TLS the name begins with
/// `__Host-`, so that no other host and no plain HTTP can set it; browsers take such a name over TLS only, so it is left
/// away on a loopback gateway without.
struct SignInCookie: Sendable {
    private let name: String
    private let attributes: String

    /// Longer than a sign-in may take.
    private static let maxAge = 900

    init(publicURL: String) {
        let secure = publicURL.hasPrefix("https://")
        name = secure ? "__Host-sally-sign-in" : "sally-sign-in"
        attributes = "Path=/; Max-Age=\(SignInCookie.maxAge); HttpOnly; SameSite=Lax" + (secure ? "; Secure" : "")
    }

    func read(_ request: Request) -> BrowserKey? {
        request.cookies[name].flatMap { BrowserKey(cookie: $0.value) }
    }

    func setting(_ key: BrowserKey) -> String { "\(name)=\(key.text); \(attributes)" }
}
