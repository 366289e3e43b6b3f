// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 section 10.
    static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors) func agreesWithTheStandard(_ plain: String, _ coded: String) {
        #expect(Base64.standard.encode(plain.utf8) == coded)
        #expect(Base64.standard.decode(coded) == Array(plain.utf8))
        let short = coded.filter { $0 != "=" }
        #expect(Base64.url.encode(plain.utf8) == short)
        #expect(Base64.url.decode(short) == Array(plain.utf8))
    }

    @Test func usesTheSafeAlphabetForURLs() {
        #expect(Base64.url.encode([0xfb, 0xff]) == "-_8")
        #expect(Base64.standard.encode([0xfb, 0xff]) == "+/8=")
    }

    @Test(arguments: ["Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9v\n", "Z g=", "Zg==Zg==", "====", "-_8="])
    func refusesWhatItWouldNotHaveMade(_ text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test(arguments: ["Zg==", "Zh", "Z", "+/8"]) func refusesTheOtherAlphabet(_ text: String) {
        #expect(Base64.url.decode(text) == nil)
    }
}
