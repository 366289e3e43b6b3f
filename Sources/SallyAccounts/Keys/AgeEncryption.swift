// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
package import SallyModel
import SallyTransport

/// Private keys to hand out, one file for each person, that only this person can open: `user007.ed25519.age`.
///
/// age(1), of Debian's package, encrypts. It gets the key on standard input and hands the file back on standard output, so
/// that no key lies on the disk in the clear. A passphrase it takes from a terminal only, and gets one of ours: see
/// `PassphraseTerminal`.
package struct AgeEncryption: Sendable {
    private let environment: [String: String]

    /// - Parameter environment: that of age, as `CleanEnvironment` makes it.
    package init(environment: [String: String]) { self.environment = environment }

    /// - Throws: `SallyError(.misconfigured)` when age is not installed. Called before anything is changed.
    package func check() throws {
        let folders = environment["PATH", default: CleanEnvironment.path].split(separator: ":")
        guard folders.contains(where: { access("\($0)/age", X_OK) == 0 }) else {
            throw SallyError(
                .misconfigured, "age is not installed, and encrypt_for needs it",
                hint: "install the package age (Debian: apt-get install age)")
        }
    }

    /// Encrypts for one recipient.
    ///
    /// - Throws: `SallyError`: `.misconfigured` without age, `.unavailable` or `.timeout` when it fails.
    package func encrypt(_ secret: Secret<String>, for recipient: AgeRecipient) async throws -> [UInt8] {
        try check()
        let bytes = Array(secret.reveal().utf8)
        let done: Completion
        switch recipient.way {
        case .key(let key):
            done = try await run(["age", "--encrypt", "--recipient", key.description], bytes)
        case .passphrase(let passphrase):
            // It asks, and asks again.
            let terminal = try PassphraseTerminal(lines: [passphrase, passphrase])
            done = try await run(terminal.command(["age", "--encrypt", "--passphrase"]), bytes)
            withExtendedLifetime(terminal) {}
        }
        // Whatever it says: a file that is called .age is encrypted.
        guard done.status == 0, done.standardOutput.starts(with: "age-encryption.org/v1\n".utf8) else {
            throw SallyError(
                .unavailable, "age did not encrypt a key", hint: "is it age 1.0 or later?",
                cause: "status \(done.status): \(quoted(done.errorOutput))")
        }
        return done.standardOutput
    }

    /// Writes one file for each key into `folder` (made with mode 0700 when it is missing), mode 0600, each in the place of
    /// the one that is there. Nothing is written unless all are encrypted.
    ///
    /// - Parameters:
    ///   - recipients: one for each key.
    ///   - list: where it is written down which files are ours; nil for nowhere.
    ///   - progress: hears how many are encrypted, of how many.
    /// - Returns: the files, in the order of `keys`.
    /// - Throws: `SallyError`: `.invalidRequest` for a key without recipient; what `encrypt` and `KeyFolder` say.
    package func write(
        _ keys: [UserKey], for recipients: [UserName: AgeRecipient], in folder: String,
        noted list: KeyFileList? = nil, progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [String] {
        try check()
        let missing = keys.map(\.user).filter { recipients[$0] == nil }
        guard missing.isEmpty else {
            let more = missing.count > 3 ? " and \(missing.count - 3) more" : ""
            throw SallyError(
                .invalidRequest,
                "encrypt_for has no key for \(missing.prefix(3).map(\.rawValue).joined(separator: ", "))\(more)",
                hint: "add them, or use `encrypt_for: passphrase`")
        }
        guard Set(keys.map(\.fileName)).count == keys.count else {
            throw SallyError(.invalidRequest, "somebody would have two keys of one type", hint: "one for each")
        }
        let place = try KeyFolder(folder, missing: .make)
        let files = try await encryptAll(keys, recipients, progress)
        let lock = try await KeyFolderLock(place, patience: .seconds(30))
        // The list first: a file that is on it and was not replaced is not what the list says, and stays.
        let noted = try list?.file(with: zip(keys, files).map { (key: $0, name: $1.name, bytes: $1.bytes) }, in: place)
        try place.replace([noted].compactMap(\.self) + files) { _ in }
        withExtendedLifetime(lock) {}
        return files.map { "\(place.path)/\($0.name)" }
    }

    /// As many at once as there are cores: age spends a second on each passphrase (scrypt).
    private func encryptAll(
        _ keys: [UserKey], _ recipients: [UserName: AgeRecipient], _ progress: (Int, Int) -> Void
    ) async throws -> [(name: String, bytes: [UInt8])] {
        try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
            var done: [Int: [UInt8]] = [:]
            var next = 0
            func begin() {
                guard next < keys.count, let recipient = recipients[keys[next].user] else { return }
                let (index, secret) = (next, keys[next].pair.privateKey)
                group.addTask { (index, try await encrypt(secret, for: recipient)) }
                next += 1
            }
            for _ in 0..<max(1, ProcessInfo.processInfo.activeProcessorCount) { begin() }
            while let (index, bytes) = try await group.next() {
                done[index] = bytes
                progress(done.count, keys.count)
                begin()
            }
            return keys.enumerated().compactMap { index, key in
                done[index].map { (name: "\(key.fileName).age", bytes: $0) }
            }
        }
    }

    private func run(_ words: [String], _ input: [UInt8]) async throws -> Completion {
        do {
            return try await ProgramCall(
                program: words[0], arguments: Array(words.dropFirst()), environment: environment, standardInput: input,
                deadline: .seconds(120)
            ).run()
        } catch ProgramFailure.deadlineExceeded(let after) {
            throw SallyError(.timeout, "age did not finish within \(after)", hint: "try again")
        } catch let failure as ProgramFailure {
            throw SallyError(.unavailable, "age could not be run", hint: "try again", cause: "\(failure)")
        }
    }
}
