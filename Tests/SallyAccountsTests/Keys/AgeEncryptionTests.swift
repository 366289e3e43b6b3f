// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

private let hasAge = ["/usr/local/bin", "/usr/bin"].contains { access("\($0)/age", X_OK) == 0 }

@Suite(.enabled(if: hasAge, "age is not installed: scripts/install-dependencies")) struct AgeEncryptionTests {
    private let age = AgeEncryption(environment: toolEnvironment)
    private let words = Secret("correct horse bättery staple")

    @Test(arguments: KeyAlgorithm.allCases) func theOwnerOfAnSSHKeyOpensIt(_ algorithm: KeyAlgorithm) async throws {
        try await withScratchFolder { scratch in
            let folder = "\(scratch)/keys"
            let owner = try KeyPair.make(algorithm, comment: "at home")
            try writeFile("\(scratch)/identity", owner.privateKey.reveal())
            let keys = [try freshKey(users(2)[0], .rsa), try freshKey(users(2)[1])]
            let recipient = try AgeRecipient.key(owner.publicKey)
            var told: [Int] = []
            let files = try await age.write(keys, for: [keys[0].user: recipient, keys[1].user: recipient], in: folder) {
                told.append($0)
                #expect($1 == 2)
            }
            #expect(told == [1, 2])
            #expect(files == ["\(folder)/user001.rsa.age", "\(folder)/user002.ed25519.age"])
            #expect(permissions(of: folder) == 0o700)
            #expect(try await KeyArchiveTests.names(in: folder) == ["user001.rsa.age", "user002.ed25519.age"])
            for (file, key) in zip(files, keys) {
                #expect(permissions(of: file) == 0o600)
                let opened = try await runTool("age", ["--decrypt", "--identity", "\(scratch)/identity", file])
                #expect(opened.output == key.pair.privateKey.reveal(), "\(opened.errors)")
            }
        }
    }

    @Test func whoKnowsThePassphraseOpensIt() async throws {
        try await withScratchFolder { folder in
            let key = try freshKey(users(1)[0])
            let files = try await age.write([key], for: [key.user: .passphrase(words)], in: folder) { _, _ in }
            func open(_ passphrase: Secret<String>) async throws -> Completion {
                let terminal = try PassphraseTerminal(lines: [passphrase])
                let command = terminal.command(["age", "--decrypt", files[0]])
                let done = try await ProgramCall(
                    program: command[0], arguments: Array(command.dropFirst()), environment: toolEnvironment,
                    deadline: .seconds(60)
                ).run()
                withExtendedLifetime(terminal) {}
                return done
            }
            #expect(try await open(words).output == key.pair.privateKey.reveal())
            #expect(try await open(Secret("another word")).status != 0)
        }
    }

    /// A program in the place of age that tells what it was given.
    private func withFakeAge(_ script: String, _ body: (AgeEncryption, String) async throws -> Void) async throws {
        try await withScratchFolder { scratch in
            mkdir("\(scratch)/bin", 0o700)
            try writeFile(
                "\(scratch)/bin/age", "#!/bin/bash\n\(script.replacing("$OUT", with: "\(scratch)/out"))\n", mode: 0o700)
            var environment = toolEnvironment
            environment["PATH"] = "\(scratch)/bin:\(CleanEnvironment.path)"
            try await body(AgeEncryption(environment: environment), scratch)
        }
    }

    @Test func nothingSecretIsOnACommandLineOrInTheEnvironment() async throws {
        let script = """
            tr '\\0' '\\n' </proc/$$/cmdline >$OUT; tr '\\0' '\\n' </proc/$$/environ >>$OUT
            read -r one </dev/tty; read -r two </dev/tty; [ "$one" = "$two" ] && echo "typed ${#one}" >>$OUT
            cat >/dev/null; printf 'age-encryption.org/v1\\n'
            """
        try await withFakeAge(script) { age, scratch in
            let secret = Secret("-----the key-----")
            _ = try await age.encrypt(secret, for: .passphrase(words))
            let seen = try await runTool("cat", ["\(scratch)/out"]).output
            #expect(seen.contains("--passphrase") && seen.contains("PATH=") && seen.contains("typed 28"), "\(seen)")
            #expect(!seen.contains("horse") && !seen.contains("the key"))
        }
    }

    /// One that hands back what it got, or fails half-way, or says nothing.
    @Test(arguments: ["exec cat", "head -c 5; exit 1", "printf 'age-encryption.org/v1\\n'; exit 3", "exit 0"])
    func writesNothingThatIsNotEncrypted(_ script: String) async throws {
        try await withFakeAge(script) { age, scratch in
            let keys = try users(3).map { try freshKey($0) }
            let recipients = Dictionary(
                uniqueKeysWithValues: try keys.map { ($0.user, try AgeRecipient.key($0.pair.publicKey)) })
            let error = try #require(
                await refusal { try await age.write(keys, for: recipients, in: "\(scratch)/keys") { _, _ in } })
            #expect(error.message == "age did not encrypt a key")
            #expect(!"\(error) \(error.cause ?? "")".contains("PRIVATE KEY"))
            #expect(try await KeyArchiveTests.names(in: "\(scratch)/keys").isEmpty)
        }
    }

    @Test func noTwoKeysOfOneTypeForOnePerson() async throws {
        try await withScratchFolder { scratch in
            let keys = [try freshKey(users(1)[0]), try freshKey(users(1)[0])]
            let recipient = try AgeRecipient.key(keys[0].pair.publicKey)
            let error = await refusal {
                try await age.write(keys, for: [keys[0].user: recipient], in: "\(scratch)/keys") { _, _ in }
            }
            #expect(error?.code == .invalidRequest)
            #expect(!exists("\(scratch)/keys"))
        }
    }

    @Test func everybodyNeedsARecipient() async throws {
        try await withScratchFolder { scratch in
            let keys = try users(6).map { try freshKey($0) }
            let recipient = try AgeRecipient.key(keys[0].pair.publicKey)
            let error = await refusal {
                try await age.write(keys, for: [keys[0].user: recipient], in: "\(scratch)/keys") { _, _ in }
            }
            #expect(error?.message == "encrypt_for has no key for user002, user003, user004 and 2 more")
            #expect(!exists("\(scratch)/keys"))
        }
    }
}

@Suite struct AgeRecipientTests {
    @Test func saysWhichPackageIsMissing() async throws {
        let age = AgeEncryption(environment: ["PATH": "/nonexistent"])
        let key = try freshKey(users(1)[0])
        let recipient = try AgeRecipient.key(key.pair.publicKey)
        for error in [
            await refusal { try age.check() },
            await refusal { try await age.encrypt(key.pair.privateKey, for: recipient) },
            await refusal { try await age.write([key], for: [key.user: recipient], in: "/nonexistent") { _, _ in } },
        ] {
            #expect(error?.code == .misconfigured)
            #expect(error?.message == "age is not installed, and encrypt_for needs it")
            #expect(error?.hint?.contains("Debian: apt-get install age") == true)
        }
    }

    @Test func takesOnlyKeysThatAgeTakes() async throws {
        try await withScratchFolder { folder in
            _ = try await runTool("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", "\(folder)/key"])
            let line = try await runTool("cat", ["\(folder)/key.pub"]).output
            let error = try #require(await refusal { try AgeRecipient.key(PublicKey(String(line.dropLast()))) })
            #expect(error.message == "age cannot encrypt for a key of type ecdsa-sha2-nistp256")
        }
    }

    @Test(arguments: ["", "short", "two\nlines and more", "with \u{3} control", String(repeating: "a", count: 513)])
    func refusesPassphrases(_ text: String) async throws {
        let error = try #require(await refusal { try AgeRecipient.passphrase(Secret(text)) })
        #expect(error.code == .invalidRequest)
        #expect(text.isEmpty || !error.description.contains(text))
    }

    @Test func takesTheLongestPassphrase() throws {
        let recipient = try AgeRecipient.passphrase(Secret(String(repeating: "a", count: 512)))
        #expect(!"\(recipient)".contains("aaaa"))
    }
}
