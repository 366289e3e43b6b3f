// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyConfig
import SallyIdentity
import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `sallyd config init`.
struct ConfigInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract:
            "Write a set of files to start from: sallyd.yaml, policy.yaml, signer.yaml, steward.yaml, and a session key.",
        discussion: "Nothing that exists is overwritten. Comments in the files say what only you can know.")

    @Option(help: "Where slurmrestd listens: unix:/PATH, http://HOST:PORT or https://HOST[:PORT].") var slurmrestd:
        String
    @Option(help: "The OpenID Connect issuer, such as https://example.okta.com.") var issuer: String
    @Option(help: "The folder for the files.") var folder = "/etc/sallyport"

    func run() async throws {
        let files = StarterConfig(slurmrestd: slurmrestd, issuer: issuer, folder: folder).files()
        let key = NewFile(
            path: "\(folder)/session.key", text: SessionKeys.generateKeyPEM().reveal(), permissions: 0o600)
        let all = files.map { NewFile(path: "\(folder)/\($0.name)", text: $0.text, permissions: 0o640) } + [key]
        for file in all where access(file.path, F_OK) == 0 {
            throw SallyError(
                .conflict, "\(file.path) exists", hint: "nothing was written; move it away, or give another --folder")
        }
        mkdir(folder, 0o755)
        var written: [String] = []
        do {
            for file in all {
                try file.write()
                written.append(file.path)
            }
        } catch {
            for path in written { unlink(path) }
            throw error
        }
        for path in written { print("wrote \(path)") }
        complain(
            """

            next:
              1. read \(folder)/sallyd.yaml and \(folder)/policy.yaml: cluster, groups and partitions are yours to name
              2. let each program read its own (they are root's, mode 0640): chgrp sallyd.yaml and policy.yaml to the group of
                 `sallyd serve`, signer.yaml and steward.yaml to those of the signer and the steward; give session.key to the
                 user of serve
              3. put the provider's client secret into \(folder)/client-secret, and the key that Slurm trusts where
                 \(folder)/signer.yaml names it, both mode 600; docs/your-slurm.md prepares Slurm
              4. sallyd config check --config \(folder)/sallyd.yaml; with --live once signer and steward run
            """)
    }
}

/// A file that must not exist yet.
private struct NewFile {
    let path: String
    let text: String
    let permissions: mode_t

    func write() throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else {
            throw SallyError(.misconfigured, "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                unlink(path)
                throw SallyError(.misconfigured, "\(path) cannot be written: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(count)
        }
    }
}
