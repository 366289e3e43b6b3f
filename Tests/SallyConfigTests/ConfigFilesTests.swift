// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyConfig

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct ConfigFilesTests {
    @Test func aMissingFileIsNamed() {
        #expect(throws: ConfigError.self) { try PolicyFile.load("/nonexistent/policy.yaml") }
        do {
            _ = try GatewayConfig.load("/nonexistent/sallyd.yaml")
        } catch {
            #expect(error.description.hasPrefix("/nonexistent/sallyd.yaml: does not exist"))
            #expect(error.error.code == .misconfigured)
        }
    }

    @Test func whoMayNotReadAFileIsToldWhoMust() {
        let problem = unreadable("/etc/slurm.key", EACCES)
        #expect(problem.description.contains("/etc/slurm.key cannot be read by uid \(geteuid())"))
        #expect(problem.error.code == .misconfigured && problem.error.hint?.contains("let that user read it") == true)
    }

    @Test func aFolderAndWhatEverybodyCanWriteAreRefused() async throws {
        try await withScratchFolder { folder in
            #expect(throws: ConfigError.self) { try PolicyFile.load(folder) }
            try writeFile("\(folder)/p.yaml", "rules: []", mode: 0o666)
            let error = #expect(throws: ConfigError.self) { try PolicyFile.load("\(folder)/p.yaml") }
            #expect(
                error?.description.contains("can be written by everybody (mode 0666): chmod o-w") == true)
        }
    }

    @Test(arguments: [(mode_t(0o600), true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)])
    func aKeyIsItsOwnersAlone(_ mode: mode_t, _ good: Bool) async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/key"
            try writeFile(path, "secret", mode: mode)
            var found: FileProblem?
            do throws(FileProblem) { try checkPrivateFile(path) } catch { found = error }
            #expect((found == nil) == good)
            if let found { #expect(found.description.contains("chmod 600 \(path)")) }
        }
    }

    @Test func linksAndFoldersAreNoKeys() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/key", "secret")
            #expect(symlink("\(folder)/key", "\(folder)/link") == 0)
            #expect(throws: FileProblem.self) { try checkPrivateFile("\(folder)/link") }
            #expect(throws: FileProblem.self) { try checkPrivateFile(folder) }
            #expect(throws: FileProblem.self) { try checkPrivateFile("\(folder)/nothing") }
        }
    }

    @Test func loadingChecksTheKeysThatAFileNames() async throws {
        try await withScratchFolder { folder in
            let text = Full.signer.replacingFirst("/etc/sallyport/demo.pem", "\(folder)/key")
            try writeFile("\(folder)/signer.yaml", text)
            func found() -> String {
                do {
                    _ = try SignerConfig.load("\(folder)/signer.yaml")
                    return ""
                } catch {
                    return error.description
                }
            }
            #expect(found().contains("signer.yaml:9: clusters[0].key: \(folder)/key does not exist"))
            try writeFile("\(folder)/key", "k", mode: 0o644)
            #expect(found().contains("can be read by others (mode 0644)"))
            try writeFile("\(folder)/key", "k", mode: 0o600)
            #expect(found() == "")
        }
    }

    @Test func secretsComeFromPrivateFilesAndVariables() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/secret"
            try writeFile(path, "hunter2\n")
            #expect(try readSecret(.file(path: path)) { _ in nil }.reveal() == "hunter2")
            #expect(try readSecret(.environment(variable: "V")) { $0 == "V" ? "x" : nil }.reveal() == "x")
            #expect(throws: SallyError.self) { try readSecret(.environment(variable: "V")) { _ in nil } }
            #expect(throws: SallyError.self) { try readSecret(.environment(variable: "V")) { _ in "\n" } }
            try writeFile(path, "hunter2", mode: 0o644)
            #expect(throws: SallyError.self) { try readSecret(.file(path: path)) { _ in nil } }
        }
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.1.2.3", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("192.168.1.7", "192.168.1.7", true), ("192.168.1.7", "192.168.1.8", false), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false), ("fd00::/8", "fd12::1", true), ("fd00::/8", "fe80::1", false),
        ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false),
        ("10.0.0.0/8", "junk", false),
    ])
    func addressRanges(_ range: String, _ address: String, _ inside: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(address) == inside)
    }

    @Test(arguments: [
        "", "10", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/08", "::/129", "a/8", "10.0.0.0/8/8",
    ])
    func noAddressRanges(_ text: String) {
        #expect(AddressRange(text) == nil)
    }
}
