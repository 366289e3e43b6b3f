// SPDX-License-Identifier: Apache-2.0

import Crypto
package import SallyModel
import StrictJSON

/// Makes and verifies session tokens: ES256 JWTs of `typ` sally+jwt, without `sun` or `username`. Slurm's auth/jwt takes
/// HS256 and RS256 and wants `sun`, so that a session is never a Slurm token, nor a Slurm token a session.
///
/// A valid token says only which row to read; whether the session lives, the row decides (`SessionStore.live`).
package struct SessionIssuer: Sendable {
    private let keys: SessionKeys
    private let issuer: String
    private let lifetime: Duration
    private let clock: any WallClock
    private let verified = VerifiedTokens()

    private static let audience = "sallyport"
    private static let maximumLength = 2048
    /// Gateways on several hosts: how far their clocks may be apart, in seconds.
    private static let leeway = Duration.seconds(60)

    /// - Parameters:
    ///   - issuer: the gateway's public address.
    ///   - lifetime: of a token, 15 minutes by default.
    package init(
        keys: SessionKeys, issuer: String, lifetime: Duration = .seconds(900), clock: some WallClock
    ) {
        self.keys = keys
        self.issuer = issuer
        self.lifetime = lifetime
        self.clock = clock
    }

    /// - Returns: the token and when it expires.
    package func issue(
        session: OpaqueID, person: PersonID
    ) throws -> (token: Secret<String>, expires: Timestamp) {
        let now = clock.now
        let expires = now + lifetime
        var generator = SystemRandomNumberGenerator()
        let claims: JSONValue = [
            "iss": .string(issuer), "aud": .string(SessionIssuer.audience), "sub": .string("\(person)"),
            "sid": .string(session.rawValue), "iat": .integer(now.rawValue), "exp": .integer(expires.rawValue),
            "jti": .string(OpaqueID.random(using: &generator).rawValue),
        ]
        var text = keys.verifying[0].prefix
        text += Base64URL.encode(claims.bytes()).utf8
        let signature = try keys.signing.signature(for: text).rawRepresentation
        text.append(UInt8(ascii: "."))
        text += Base64URL.encode(signature).utf8
        return (Secret(String(decoding: text, as: UTF8.self)), expires)
    }

    /// Checks header, signature and claims. What is not one of our tokens is refused before any cryptography: the first
    /// part has to be, byte for byte, the header that one of our keys writes (so `alg`, `typ` and `kid` are exact).
    package func verify(_ token: String) throws(SessionTokenProblem) -> SessionClaims {
        let bytes = Array(token.utf8)
        guard bytes.count <= SessionIssuer.maximumLength,
            let key = keys.verifying.first(where: { bytes.starts(with: $0.prefix) })
        else { throw .malformed }
        let digest = SHA256.hash(data: bytes)
        if let known = verified.claims(of: digest) { return try inTime(known) }
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > key.prefix.count,
            let raw = Base64URL.decode(bytes[(dot + 1)...]), raw.count == 64,
            let payload = Base64URL.decode(bytes[key.prefix.count..<dot]),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw)  // 64 bytes that are no signature
        else { throw .malformed }
        guard key.key.isValidSignature(signature, for: bytes[..<dot]) else { throw .badSignature }
        guard let json = parsed(payload), json["iss"]?.string == issuer,
            json["aud"]?.string == SessionIssuer.audience,
            let person = json["sub"]?.string.flatMap({ Int64($0) }),
            let session = json["sid"]?.string.flatMap(OpaqueID.init(rawValue:)),
            let issued = json["iat"]?.integer(Int64.self), let expires = json["exp"]?.integer(Int64.self)
        else { throw .otherClaims }
        let claims = VerifiedTokens.Claims(
            session: session, person: PersonID(rawValue: person), issued: Timestamp(issued), expires: Timestamp(expires)
        )
        let known = try inTime(claims)
        verified.keep(claims, of: digest)
        return known
    }

    private func inTime(_ claims: VerifiedTokens.Claims) throws(SessionTokenProblem) -> SessionClaims {
        let now = clock.now
        guard now < claims.expires else { throw .expired }
        guard claims.issued <= now + SessionIssuer.leeway else { throw .notYetValid }
        return SessionClaims(session: claims.session, person: claims.person, expires: claims.expires)
    }
}

/// What a verified session token says.
package struct SessionClaims: Sendable, Equatable {
    package var session: OpaqueID
    package var person: PersonID
    package var expires: Timestamp
}

/// Why a session token is refused. The names are labels of counters.
package enum SessionTokenProblem: String, Error, CaseIterable {
    /// Not a token of ours: junk, another `alg`, `typ` or `kid`, a Slurm token, an id_token.
    case malformed
    case badSignature = "bad-signature"
    /// Ours, and for another gateway or purpose.
    case otherClaims = "other-claims"
    case expired
    case notYetValid = "not-yet-valid"
    /// The token is good and the session has ended.
    case ended
    /// The token is good and its person was offboarded.
    case closed

    package var error: SallyError {
        switch self {
        case .malformed, .badSignature, .otherClaims, .notYetValid:
            SallyError(
                .unauthenticated, "the session token is not valid", hint: "sign in with `sally login`", cause: rawValue)
        case .expired:
            SallyError(
                .unauthenticated, "the session token has expired", hint: "refresh it, or sign in with `sally login`")
        case .ended, .closed:
            SallyError(.unauthenticated, "the session has ended", hint: "sign in with `sally login`")
        }
    }
}
