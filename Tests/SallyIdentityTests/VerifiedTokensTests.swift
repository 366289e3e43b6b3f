// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
import Testing

@testable import SallyIdentity

@Suite struct VerifiedTokensTests {
    private func digest(_ number: Int64) -> SHA256Digest { SHA256.hash(data: Array("\(number)".utf8)) }

    private func claims(_ end: Int64) throws -> VerifiedTokens.Claims {
        VerifiedTokens.Claims(
            session: try #require(OpaqueID(rawValue: String(repeating: "a", count: 22))),
            person: PersonID(rawValue: 1), issued: Timestamp(0), expires: Timestamp(end))
    }

    @Test func onlyTheVeryTokenIsKnown() throws {
        let tokens = VerifiedTokens()
        tokens.keep(try claims(10), of: digest(1))
        #expect(tokens.claims(of: digest(1))?.expires == Timestamp(10))
        #expect(tokens.claims(of: digest(2)) == nil)
    }

    @Test func thoseThatEndFirstMakeRoom() throws {
        let tokens = VerifiedTokens()
        for number in 0..<Int64(VerifiedTokens.capacity + 1) { tokens.keep(try claims(number), of: digest(number)) }
        #expect(tokens.claims(of: digest(0)) == nil)
        #expect(tokens.claims(of: digest(Int64(VerifiedTokens.capacity))) != nil)
        #expect(tokens.count <= VerifiedTokens.capacity)
    }
}
