// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// The parts of a signed JWT (RFC 7515 section 3.1), before anything in it is believed.
struct UnverifiedToken {
    let algorithm: ProviderSettings.Algorithm
    let kid: String?
    let payload: [UInt8]
    let signature: [UInt8]
    /// What the signature covers.
    let signed: [UInt8]

    /// - Throws: `.malformedToken`, `.tokenType`, `.algorithm` when the header alone decides.
    init(_ token: String, allowed: Set<ProviderSettings.Algorithm>) throws(ProviderProblem) {
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard bytes.count <= 256 << 10, parts.count == 3, let header = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2]), !signature.isEmpty,
            let fields = parsed(header), fields["crit"] == nil
        else { throw .malformedToken }
        guard let name = fields["alg"]?.string, let algorithm = ProviderSettings.Algorithm(rawValue: name),
            allowed.contains(algorithm)
        else { throw .algorithm }
        // An access token (RFC 9068) or a session of our own is no id_token.
        if let type = fields["typ"], type.string?.lowercased() != "jwt" { throw .tokenType }
        if let kid = fields["kid"], kid.string == nil { throw .malformedToken }
        self.algorithm = algorithm
        kid = fields["kid"]?.string
        self.payload = payload
        self.signature = signature
        signed = Array(bytes[..<parts[1].endIndex])
    }
}

/// An object of JSON, strictly read; nil for everything else.
func parsed(_ bytes: [UInt8]) -> JSONValue? {
    let limits = JSONLimits(maximumBytes: 1 << 20, maximumDepth: 16)
    let value = try? JSONValue(parsing: bytes, limits: limits)  // nil says it
    return value?.object == nil ? nil : value
}

/// The claims of an id_token whose signature was verified.
struct IDTokenClaims {
    let json: JSONValue
    let subject: String

    /// OpenID Connect Core section 3.1.3.7, points 2 to 11.
    /// - Precondition: the signature was verified with a key of the provider.
    init(
        _ json: JSONValue, nonce: String, settings: ProviderSettings, now: Timestamp
    ) throws(ProviderProblem) {
        guard json["iss"]?.string == settings.issuer else { throw .issuer }
        let audience: [JSONValue] =
            switch json["aud"] {
            case .string(let one)?: [.string(one)]
            case .array(let several)?: several
            case nil, .null?, .bool?, .number?, .object?: []
            }
        guard audience.allSatisfy({ $0.string != nil }), audience.contains(.string(settings.clientID)) else {
            throw .audience
        }
        if json["azp"] != nil || audience.count > 1 {
            guard json["azp"]?.string == settings.clientID else { throw .authorizedParty }
        }
        guard let given = json["nonce"]?.string, constantTimeEqual(Array(given.utf8), Array(nonce.utf8)) else {
            throw .nonce
        }
        // Fractions occur (JSON numbers, RFC 7519 section 2, NumericDate).
        let now = Double(now.rawValue)
        let leeway = Double(settings.leeway.components.seconds)
        guard let expiry = json["exp"]?.double else { throw .claim("exp") }
        guard now < expiry + leeway else { throw .expired }
        guard let issued = json["iat"]?.double else { throw .claim("iat") }
        guard issued <= now + leeway, issued > now - 3600 - leeway else { throw .issuedAt }
        if let start = json["nbf"] {
            guard let start = start.double else { throw .claim("nbf") }
            guard start <= now + leeway else { throw .notYetValid }
        }
        guard let subject = json["sub"]?.string, (1...255).contains(subject.utf8.count) else { throw .claim("sub") }
        self.json = json
        self.subject = subject
    }
}
