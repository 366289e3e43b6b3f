// SPDX-License-Identifier: Apache-2.0

import Crypto
import JWTKit
import SallyModel
import StrictJSON
import Testing

@testable import SallyIdentity

@Suite struct SessionIssuerTests {
    let clock = FakeClock()
    let pem = SessionKeys.generateKeyPEM()
    let session = OpaqueID(rawValue: "abcdefghijklmnopqrstuv")!  // a literal of the right form

    func issuer(_ pems: [Secret<String>]? = nil, url: String = "https://gw.example.org") throws -> SessionIssuer {
        SessionIssuer(keys: try SessionKeys(pems: pems ?? [pem]), issuer: url, clock: clock)
    }

    func token(_ issuer: SessionIssuer) throws -> String {
        try issuer.issue(session: session, person: PersonID(rawValue: 7)).token.reveal()
    }

    @Test func readsWhatItMade() throws {
        let issuer = try issuer()
        let claims = try issuer.verify(try token(issuer))
        #expect(
            claims == SessionClaims(session: session, person: PersonID(rawValue: 7), expires: clock.now + .seconds(900))
        )
    }

    @Test func isNoSlurmToken() throws {
        let parts = try token(try issuer()).split(separator: ".").map { Base64URL.decode($0.utf8) ?? [] }
        let header = try JSONValue(parsing: parts[0])
        let claims = try JSONValue(parsing: parts[1])
        #expect(header["alg"]?.string == "ES256")
        #expect(header["typ"]?.string == "sally+jwt")
        #expect(claims["sun"] == nil)
        #expect(claims["username"] == nil)
        #expect(claims["aud"]?.string == "sallyport")
    }

    @Test(arguments: ["", "junk", ".", "..", "a.b.c", "Bearer x", String(repeating: "A", count: 100_000)])
    func refusesJunk(text: String) throws {
        let issuer = try issuer()
        #expect(throws: SessionTokenProblem.malformed) { try issuer.verify(text) }
    }

    @Test func refusesWhatIsCutOrExtended() throws {
        let issuer = try issuer()
        let good = try token(issuer)
        for text in [String(good.dropLast()), good + "A", good + ".", good + "=", String(good.dropFirst()), " " + good]
        {
            #expect(throws: SessionTokenProblem.self) { try issuer.verify(text) }
        }
    }

    @Test func refusesABadSignature() throws {
        let issuer = try issuer()
        let parts = try token(issuer).split(separator: ".")
        let other = try token(issuer).split(separator: ".")
        #expect(throws: SessionTokenProblem.badSignature) { try issuer.verify("\(parts[0]).\(parts[1]).\(other[2])") }
    }

    @Test func refusesAnUnknownKey() throws {
        let stranger = try issuer([SessionKeys.generateKeyPEM()])
        let own = try issuer()
        #expect(throws: SessionTokenProblem.malformed) { try own.verify(try token(stranger)) }
    }

    @Test func refusesAnotherGatewaysToken() throws {
        let other = try issuer(url: "https://other.example.org")
        let own = try issuer()
        #expect(throws: SessionTokenProblem.otherClaims) { try own.verify(try token(other)) }
    }

    @Test func expires() throws {
        let issuer = try issuer()
        let token = try token(issuer)
        clock.advance(.seconds(899))
        _ = try issuer.verify(token)
        clock.advance(.seconds(1))
        #expect(throws: SessionTokenProblem.expired) { try issuer.verify(token) }
    }

    @Test func refusesTokensOfTheFuture() throws {
        let issuer = try issuer()
        let token = try token(issuer)
        clock.advance(.seconds(-61))
        #expect(throws: SessionTokenProblem.notYetValid) { try issuer.verify(token) }
    }

    @Test func takesTokensOfTheReplacedKey() throws {
        let old = try token(try issuer())
        let rotated = try issuer([SessionKeys.generateKeyPEM(), pem])
        _ = try rotated.verify(old)
        let fresh = try token(rotated)
        let own = try issuer()
        #expect(throws: SessionTokenProblem.malformed) { try own.verify(fresh) }
    }

    static let headers: [JSONValue] = [
        ["alg": "none", "typ": "sally+jwt"], ["alg": "HS256", "typ": "sally+jwt"], ["alg": "ES256", "typ": "JWT"],
        ["typ": "JWT", "alg": "HS256"], ["alg": "RS256", "typ": "JWT"],
    ]

    @Test(arguments: headers)
    func refusesOtherHeaders(header: JSONValue) throws {
        // Signed with the right key, and with the public key as an HS256 secret: the header alone refuses both.
        let issuer = try issuer()
        let parts = try token(issuer).split(separator: ".")
        let kid = try JSONValue(parsing: Base64URL.decode(parts[0].utf8) ?? [])["kid"]
        let text = "\(Base64URL.encode(header.with("kid", kid).bytes())).\(parts[1])"
        let key = try P256.Signing.PrivateKey(pemRepresentation: pem.reveal())
        let signature = try key.signature(for: Array(text.utf8)).rawRepresentation
        let secret = SymmetricKey(data: Array(key.publicKey.pemRepresentation.utf8))
        let code = Crypto.HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: secret)
        #expect(throws: SessionTokenProblem.malformed) { try issuer.verify("\(text).\(Base64URL.encode(signature))") }
        #expect(throws: SessionTokenProblem.malformed) { try issuer.verify("\(text).\(Base64URL.encode(code))") }
        #expect(throws: SessionTokenProblem.malformed) { try issuer.verify("\(text).") }
    }

    @Test func refusesASlurmToken() throws {
        let claims: JSONValue = ["sun": "alice", "iat": 1_800_000_000, "exp": 1_800_000_100]
        let header: JSONValue = ["alg": "HS256", "typ": "JWT"]
        let text = "\(Base64URL.encode(header.bytes())).\(Base64URL.encode(claims.bytes()))"
        let code = Crypto.HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(size: .bits256))
        let issuer = try issuer()
        #expect(throws: SessionTokenProblem.malformed) { try issuer.verify("\(text).\(Base64URL.encode(code))") }
    }

    @Test(arguments: ["", "junk", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
    func refusesWhatIsNoKey(pem: String) {
        let error = #expect(throws: SallyError.self) { try SessionKeys(pems: [Secret(pem)]) }
        #expect(error?.code == .misconfigured)
        #expect(throws: SallyError.self) { try SessionKeys(pems: []) }
    }
}
