// SPDX-License-Identifier: Apache-2.0

import SallyClient
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar"),
    ])
    func base64IsRead(text: String, plain: String) { #expect(Base64.decode(text) == Array(plain.utf8)) }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Z g=", "Zm9v\n", "====", "_-8="])
    func badBase64IsRefused(text: String) { #expect(Base64.decode(text) == nil) }

    @Test func base64URLIsUnpadded() {
        #expect(Base64.url([0xfb, 0xff]) == "-_8")
        #expect(Base64.url([]) == "")
    }

    @Test func queriesAreEscaped() {
        #expect(query(["a": "1 &=/", "b": nil, "c": "ü"]) == "?a=1%20%26%3D%2F&c=%C3%BC")
        #expect(query(["b": nil]) == "")
    }

    @Test func textOfOthersCannotDriveTheTerminal() {
        #expect(printable("a\u{1b}[2Jb\u{9b}c\u{202e}d\n") == "a\\u{1b}[2Jb\\u{9b}c\\u{202e}d\\u{a}")
        #expect(printable("Grüße 日本") == "Grüße 日本")
    }
}
