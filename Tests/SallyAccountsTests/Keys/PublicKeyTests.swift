// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

func line(_ type: String, _ blob: [UInt8]) -> String { "\(type) \(Base64.standard.encode(blob))" }

@Suite struct PublicKeyTests {
    private static let ed25519 = handMade("ssh-ed25519", [point(32)])

    private static func point(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 * 7 & 0xff) } }

    /// An odd number of so many bits, as an mpint.
    private static func modulus(_ bits: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x5a, count: (bits + 7) / 8)
        bytes[0] = 1 << UInt8((bits + 7) % 8)
        bytes[bytes.count - 1] |= 1
        return (bytes[0] >= 0x80 ? [0] : []) + bytes
    }

    @Test(arguments: [
        ("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"), ("rsa", "3072"),
    ])
    func readsWhatSSHKeygenMakes(_ type: String, _ bits: String) async throws {
        try await withScratchFolder { folder in
            let made = try await runTool(
                "ssh-keygen", ["-q", "-t", type, "-b", bits, "-N", "", "-C", "Ada L, 1 Ä", "-f", "\(folder)/key"])
            #expect(made.status == 0, "\(made)")
            let text = try await runTool("cat", ["\(folder)/key.pub"]).output
            let key = try PublicKey(String(text.dropLast()))
            #expect(key.comment == "Ada L, 1 Ä")
            let said = try await runTool("ssh-keygen", ["-l", "-f", "\(folder)/key.pub"]).output
            #expect(said.hasPrefix("\(key.bits) \(key.fingerprint) Ada"), "\(said)")
            #expect("\(key) Ada L, 1 Ä\n" == text)
            #expect(try PublicKey(key.line(comment: "user007 of lab")).blob == key.blob)
        }
    }

    @Test func readsKeysOfSecurityKeys() async throws {
        let application = Array("ssh:".utf8)
        let curve = Array(P256.Signing.PrivateKey().publicKey.x963Representation)
        for text in [
            handMade("sk-ssh-ed25519@openssh.com", [Self.point(32), application], comment: "c"),
            handMade("sk-ecdsa-sha2-nistp256@openssh.com", [Array("nistp256".utf8), curve, application], comment: "c"),
        ] {
            let key = try PublicKey(text)
            try await withScratchFolder { folder in
                try writeFile("\(folder)/key.pub", text + "\n")
                let said = try await runTool("ssh-keygen", ["-l", "-f", "\(folder)/key.pub"])
                #expect(said.output.hasPrefix("256 \(key.fingerprint) c "), "\(said)")
            }
        }
    }

    /// What is refused, and a word of the reason.
    private static let refused: [(String, String)] = [
        ("", "is empty"),
        ("   ", "is empty"),
        ("ssh-ed25519", "nothing follows"),
        ("ssh-ed25519 ", "nothing follows"),
        ("ssh-ed25519 AAAA!", "base64"),
        ("ssh-ed25519 QUJD=", "base64"),
        ("ssh-ed25519 AAAA", "not a sound"),
        (ed25519.replacing("ssh-ed25519 ", with: "ssh-rsa "), "holds another type"),
        (handMade("ssh-ed25519", [point(31)]), "not a sound"),
        (handMade("ssh-ed25519", [point(33)]), "not a sound"),
        (handMade("ssh-ed25519", [point(32), point(1)]), "not a sound"),
        (handMade("ssh-dss", [point(32)]), "ssh-dss keys are not accepted"),
        (handMade("ssh-ed25519-cert-v01@openssh.com", [point(32)]), "certificate"),
        (handMade("ssh-rsa-cert-v01@openssh.com", [point(32)]), "certificate"),
        (handMade("ssh-ed448", [point(57)]), "key type \"ssh-ed448\" is not accepted"),
        (handMade("ssh-rsa", [[1, 0, 1], modulus(1024)]), "has 1024"),
        (handMade("ssh-rsa", [[1, 0, 1], modulus(2047)]), "has 2047"),
        (handMade("ssh-rsa", [[1, 0, 1], [0] + modulus(2048)]), "not a sound"),
        (handMade("ssh-rsa", [[1, 0, 1], Array(modulus(2048).dropFirst())]), "not a sound"),
        (handMade("ssh-rsa", [[1], modulus(2048)]), "not a sound"),
        (handMade("ssh-rsa", [[2], modulus(2048)]), "not a sound"),
        (handMade("ssh-rsa", [[], modulus(2048)]), "not a sound"),
        (handMade("ssh-rsa", [[1, 0, 1], modulus(2048).dropLast() + [2]]), "not a sound"),
        (handMade("ecdsa-sha2-nistp256", [Array("nistp256".utf8), [4] + point(64)]), "not a sound"),
        (handMade("ecdsa-sha2-nistp256", [Array("nistp384".utf8), [4] + point(96)]), "not a sound"),
        (handMade("sk-ssh-ed25519@openssh.com", [point(32)]), "not a sound"),
        (handMade("sk-ssh-ed25519@openssh.com", [point(32), []]), "not a sound"),
        (handMade("sk-ssh-ed25519@openssh.com", [point(32), Array("a b".utf8)]), "not a sound"),
        ("restrict \(ed25519)", "options"),
        ("command=\"/bin/sh\" \(ed25519)", "options"),
        ("from=\"10.0.0.1\",no-pty \(ed25519)", "options"),
        ("cert-authority", "options"),
        ("from=\"10.0.0.1\"", "options"),
        ("user007 \(ed25519)", "options"),
        ("\(ed25519)\n", "newline"),
        ("\(ed25519)\n\(ed25519)", "newline"),
        ("\(ed25519)\r", "carriage return"),
        ("\(ed25519) a\u{7}b", "cannot be printed"),
        ("\(ed25519) a\u{202e}b", "cannot be printed"),
        ("\(ed25519) a\tb", "cannot be printed"),
        ("\(ed25519) a\0b", "cannot be printed"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "this is a private key, give the .pub"),
        ("  -----BEGIN RSA PRIVATE KEY-----", "this is a private key, give the .pub"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "this is a private key, give the .pub"),
        ("-----BEGIN PUBLIC KEY-----", "not OpenSSH's form"),
        ("---- BEGIN SSH2 PUBLIC KEY ----", "not OpenSSH's form"),
        ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "this is not a public key"),
        ("\(ed25519) \(String(repeating: "a", count: 16 << 10))", "more than 16384 bytes"),
    ]

    @Test(arguments: refused) func refuses(_ text: String, _ reason: String) async throws {
        let error = try #require(await refusal { try PublicKey(text) })
        #expect(error.description.contains(reason), "\(error)")
        #expect(error.code == (reason.contains("16384") ? .tooLarge : .invalidRequest))
        #expect(error.hint != nil)
    }

    @Test func neverRepeatsWhatMayBeAPrivateKey() async throws {
        let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2g"
        for text in [body, "ssh-ed25519 \(body)", "\(body) \(body)", "-----BEGIN RSA PRIVATE KEY-----\n\(body)"] {
            let error = try #require(await refusal { try PublicKey(text) })
            #expect(!error.description.contains("b3Blbn"), "\(error)")
        }
    }

    @Test func blanksAroundDoNotMatter() throws {
        let key = try PublicKey("  \(Self.ed25519.replacing(" ", with: " \t"))  my key  ")
        #expect(key == (try PublicKey("\(Self.ed25519) my key")))
        #expect(key.description == Self.ed25519)
    }

    @Test func itsLineIsOneLine() throws {
        let key = try PublicKey("\(Self.ed25519) theirs")
        #expect(key.line(comment: "user007 of lab") == "\(Self.ed25519) user007 of lab")
        #expect(key.line(comment: "a\nssh-rsa ä") == "\(Self.ed25519) a_ssh-rsa _")
        #expect(key.line(comment: "") == Self.ed25519)
    }
}
