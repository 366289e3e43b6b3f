// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

@Suite struct KeyPairTests {
    @Test(arguments: KeyAlgorithm.allCases) func openSSHTakesWhatIsMade(_ algorithm: KeyAlgorithm) async throws {
        try await withScratchFolder { folder in
            let pair = try KeyPair.make(algorithm, comment: "user007 of lab")
            let text = pair.privateKey.reveal()
            try writeFile("\(folder)/key", text, mode: 0o400)
            #expect(text.hasPrefix("-----BEGIN \(algorithm == .rsa ? "RSA" : "OPENSSH") PRIVATE KEY-----\n"))
            #expect(text.hasSuffix(" PRIVATE KEY-----\n"))
            #expect(pair.publicKey.bits == (algorithm == .rsa ? 3072 : 256))
            #expect(try PublicKey(pair.publicKey.description).blob == pair.publicKey.blob)

            let derived = try await runTool("ssh-keygen", ["-y", "-f", "\(folder)/key"])
            #expect(derived.output.hasPrefix("\(pair.publicKey)"), "\(derived)")
            // The comment is in OpenSSH's form alone.
            #expect(derived.output.hasSuffix(algorithm == .rsa ? "\(pair.publicKey)\n" : " user007 of lab\n"))
            let listed = try await runTool("ssh-keygen", ["-l", "-f", "\(folder)/key"])
            #expect(listed.output.hasPrefix("\(pair.publicKey.bits) \(pair.publicKey.fingerprint) "), "\(listed)")

            // Of a key in PEM it wants to see the public half, which ssh does not.
            try writeFile("\(folder)/key.pub", derived.output)
            let signature = try await runTool(
                "ssh-keygen", ["-Y", "sign", "-n", "test", "-f", "\(folder)/key"], input: "word")
            #expect(signature.status == 0, "\(signature)")
            try writeFile("\(folder)/signature", signature.output)
            try writeFile("\(folder)/signers", "user007 \(pair.publicKey.line(comment: "x"))\n")
            func verify(_ text: String) async throws -> Int32 {
                try await runTool(
                    "ssh-keygen",
                    [
                        "-Y", "verify", "-n", "test", "-I", "user007", "-f", "\(folder)/signers", "-s",
                        "\(folder)/signature",
                    ],
                    input: text
                ).status
            }
            #expect(try await verify("word") == 0)
            #expect(try await verify("another") != 0)
        }
    }

    /// RSA modulus and Ed25519 point begin with a zero byte now and then, which mpint and string treat differently.
    @Test func everyOneOfManyIsSound() throws {
        var fingerprints: Set<String> = []
        for _ in 0..<600 {
            let key = try KeyPair.make(.ed25519, comment: "").publicKey
            #expect(try PublicKey(key.description).bits == 256)
            fingerprints.insert(key.fingerprint)
        }
        #expect(fingerprints.count == 600)
    }

    @Test func printsNoPrivateKey() throws {
        let key = try freshKey(UserName("user007"))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped, "\(key.pair.privateKey)"] {
            #expect(text.contains("<redacted>"))
            #expect(!text.contains("PRIVATE KEY-----"))
        }
    }

    @Test func writesNumbersInTheirShortestForm() {
        var writer = SSHWriter()
        writer.positiveNumber([0, 0, 1, 0, 1])
        writer.positiveNumber([0x80])
        #expect(writer.bytes == [0, 0, 0, 3, 1, 0, 1, 0, 0, 0, 2, 0, 0x80])
        var reader = SSHReader(writer.bytes)
        #expect(reader.positiveNumber() == [1, 0, 1])
        #expect(reader.positiveNumber() == [0x80])
        #expect(reader.isAtEnd)
        for bad: [UInt8] in [
            [0, 0, 0, 2, 1], [0, 0, 0, 0], [0, 0, 0, 1, 0x80], [0, 0, 0, 2, 0, 1], [255, 255, 255, 255, 1],
        ] {
            var reader = SSHReader(bad)
            #expect(reader.positiveNumber() == nil)
        }
    }

    @Test func theWarningSaysWhatAnArchiveIs() {
        let text = KeyWarning.archive(of: 30, at: "/home/ada/keys/lab-lab.tar.gz")
        for part in [
            "/home/ada/keys/lab-lab.tar.gz", "the private keys of 30 people", "without passphrase", "delete the file",
        ] {
            #expect(text.contains(part))
        }
        #expect(KeyWarning.archive(of: 1, at: "/a").contains("the private key of 1 person"))
        #expect(!text.contains("\n"))
    }
}
