// SPDX-License-Identifier: Apache-2.0

import JWTKit
import StrictJSON

/// A provider's published keys (RFC 7517), replaced whole at every refresh.
///
/// A collection of JWTKit uses its default for an unknown `kid` and the token's `alg` for a key without one; so every
/// key here has a collection of its own, for one algorithm, and is chosen before JWTKit is asked.
struct ProviderKeys: Sendable {
    private struct Slot: Hashable {
        var kid: String
        var algorithm: ProviderSettings.Algorithm
    }

    private var slots: [Slot: JWTKeyCollection] = [:]
    /// The name of the only key, when it was published without one.
    private var nameless: String?

    /// Keys that cannot be used (other types, encryption, too small) are left out.
    /// - Throws: `.noKeys` when nothing is left.
    init(_ json: JSONValue, allowed: Set<ProviderSettings.Algorithm>) async throws(ProviderProblem) {
        let keys = (json["keys"]?.array ?? []).prefix(100)
        for key in keys where key["use"]?.string ?? "sig" == "sig" {
            let published = key["kid"]?.string
            if published == nil, keys.count != 1 { continue }
            let kid = published ?? ""
            if published == nil { nameless = kid }
            for algorithm in allowed where (key["alg"]?.string ?? algorithm.rawValue) == algorithm.rawValue {
                guard let collection = await ProviderKeys.collection(key, algorithm) else { continue }
                let slot = Slot(kid: kid, algorithm: algorithm)
                // Two keys of one name: neither says which is meant.
                slots[slot] = slots[slot] == nil ? collection : JWTKeyCollection()
            }
        }
        guard !slots.isEmpty else { throw .noKeys }
    }

    /// The verifier for a token's header. A missing `kid` matches only the single key that was published without one.
    func verifier(kid: String?, algorithm: ProviderSettings.Algorithm) async -> (any JWTAlgorithm)? {
        guard let name = kid ?? nameless, let keys = slots[Slot(kid: name, algorithm: algorithm)] else { return nil }
        return try? await keys.getKey()  // throws where there is no key: then nothing verifies
    }

    private static func collection(_ key: JSONValue, _ algorithm: ProviderSettings.Algorithm) async -> JWTKeyCollection?
    {
        let collection = JWTKeyCollection()
        switch (algorithm, key["kty"]?.string) {
        case (.rs256, "RSA"), (.ps256, "RSA"):
            guard let modulus = key["n"]?.string, let exponent = key["e"]?.string,
                let made = try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)  // not a key: left out
            else { return nil }
            if algorithm == .rs256 {
                await collection.add(rsa: made, digestAlgorithm: .sha256)
            } else {
                await collection.add(pss: made, digestAlgorithm: .sha256)
            }
        case (.es256, "EC"):
            guard key["crv"]?.string == "P-256", let x = key["x"]?.string, let y = key["y"]?.string,
                let made = try? ES256PublicKey(parameters: (x: x, y: y))  // not a point: left out
            else { return nil }
            await collection.add(ecdsa: made)
        case (.rs256, _), (.ps256, _), (.es256, _): return nil
        }
        return collection
    }
}
