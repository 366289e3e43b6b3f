// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyTransport

/// The archive of private keys to hand out: `<cluster>-<region>.tar.gz` with `./` and `./user007.rsa` or
/// `./user007.ed25519` for each person.
///
/// gzip(1) packs it, on standard input and output, so that the only file with keys is the archive itself.
package struct KeyArchive: Sendable {
    /// One key of an archive.
    package struct Member: Sendable, Equatable {
        package var user: UserName
        package var algorithm: KeyAlgorithm
        /// Permission bits.
        package var mode: UInt32
        /// Bytes.
        package var size: Int
        package var modified: Timestamp

        /// `./user007.rsa`.
        package var name: String { "./\(user).\(algorithm.fileExtension)" }
    }

    /// What was written.
    package struct Written: Sendable, Equatable {
        package var path: String
        /// Bytes of the archive.
        package var size: Int
        /// Everybody whose key is in it now, in its order.
        package var users: [UserName]
        /// Of these, those whose key was in the archive before and is still the same.
        package var kept: [UserName]
        /// Those whose key was in it and is not any more, because nobody wants them on the cluster.
        package var dropped: [UserName]
    }

    /// The most bytes of an archive, packed or not: 10,000 RSA keys have half of that.
    package static let sizeLimit = 64 << 20
    /// The most bytes of one private key.
    package static let keyLimit = 16 << 10

    let folder: String
    let file: String
    private let environment: [String: String]
    let patience: Duration

    package var path: String { "\(folder)/\(file)" }

    /// - Parameters:
    ///   - folder: an absolute path. It is made (mode 0700) when keys are written.
    ///   - region: as it stands in the archive's name, such as `us-east-1`.
    ///   - environment: that of gzip, as `CleanEnvironment` makes it.
    /// - Throws: `SallyError(.misconfigured)` for a region that is not 1-64 of A-Z a-z 0-9 - _ .
    package init(folder: String, cluster: ClusterName, region: String, environment: [String: String]) throws {
        try self.init(
            folder: folder, cluster: cluster, region: region, environment: environment, patience: .seconds(30))
    }

    /// - Parameter patience: how long to wait for another program that writes keys into the folder.
    init(
        folder: String, cluster: ClusterName, region: String, environment: [String: String], patience: Duration
    ) throws {
        guard NodeName.accepts(region) else {
            throw SallyError(
                .misconfigured, "region \(quoted(region)) cannot stand in the name of a file",
                hint: "1-64 characters of A-Z a-z 0-9 - _ ., a letter or digit first")
        }
        self.folder = folder
        file = "\(cluster)-\(region).tar.gz"
        self.environment = environment
        self.patience = patience
    }

    /// Where StarCluster puts archives.
    package static func defaultFolder(home: String) -> String { "\(home)/.starcluster/user_keys" }

    /// What is in the archive.
    ///
    /// - Throws: `SallyError(.notFound)` when there is none; `.conflict` when it is not such an archive.
    package func contents() async throws -> [Member] {
        let place = try KeyFolder(folder, missing: .refuse)
        guard let entries = try await existing(file, in: place) else {
            throw SallyError(.notFound, "there is no \(quoted(path))", hint: "keys are only written with download_keys")
        }
        return entries.map(\.member)
    }

    /// Puts an archive with these keys in the place of the one that is there. A person of `wanted` without a new key keeps
    /// the key that was in it; of anybody else nothing is kept. After a failure the old archive is there, unchanged.
    ///
    /// - Parameters:
    ///   - new: keys that were made now.
    ///   - wanted: everybody who is to be on the cluster, in the order of the archive.
    ///   - now: becomes the time of every member.
    /// - Throws: `SallyError`: `.conflict` when something else is in the place of the archive or in it, or another program
    ///   writes there; `.misconfigured` for the folder; `.unavailable` when the disk is full; `.tooLarge`.
    package func write(
        _ new: [UserKey], wanted: [UserName], at now: Timestamp, progress: (KeyFileProgress) -> Void
    ) async throws -> Written {
        let place = try KeyFolder(folder, missing: .make)
        let lock = try await KeyFolderLock(place, patience: patience)
        let before = try await existing(file, in: place) ?? []
        let plan = try ArchivePlan(new: new, wanted: wanted, before: before)
        let bytes = try await pack(plan.entries, at: now)
        try place.replace([(name: file, bytes: bytes)], progress: progress)
        withExtendedLifetime(lock) {}
        return Written(
            path: path, size: bytes.count, users: plan.entries.map(\.member.user), kept: plan.kept,
            dropped: plan.dropped)
    }

    /// The keys of an archive; nil when there is none of that name.
    func existing(_ name: String, in place: KeyFolder) async throws -> [ArchiveEntry]? {
        guard let packed = try place.read(name, limit: KeyArchive.sizeLimit) else { return nil }
        do {
            return try TarFormat.read(await unpack(packed), limit: KeyArchive.keyLimit).compactMap(ArchiveEntry.init)
                .distinct()
        } catch let damage as TarFormat.Damage {
            throw SallyError(
                .conflict,
                "\(quoted("\(folder)/\(name)")) is not an archive of keys, and is left alone: \(damage.reason)",
                hint: "move it away, or name another folder with download_keys_dir")
        }
    }

    func pack(_ entries: [ArchiveEntry], at now: Timestamp) async throws -> [UInt8] {
        var members = [TarFormat.Member(name: "./", kind: .folder, mode: 0o700, modified: now)]
        members += entries.map { entry in
            TarFormat.Member(
                name: entry.member.name, kind: .file, mode: 0o400, modified: now,
                content: Array(entry.privateKey.reveal().utf8))
        }
        return try await pack(TarFormat.write(members))
    }

    private func pack(_ bytes: [UInt8]) async throws -> [UInt8] {
        guard bytes.count <= KeyArchive.sizeLimit else {
            throw SallyError(
                .tooLarge, "an archive of keys has at most \(KeyArchive.sizeLimit) bytes", hint: "use key_type: ed25519"
            )
        }
        let done = try await gzip(["--no-name", "--stdout"], bytes)
        guard done.status == 0, done.standardOutput.starts(with: [0x1f, 0x8b]) else {
            throw SallyError(.unavailable, "gzip did not pack the keys", hint: nil, cause: "status \(done.status)")
        }
        return done.standardOutput
    }

    private func unpack(_ bytes: [UInt8]) async throws -> [UInt8] {
        let done = try await gzip(["--decompress", "--stdout"], bytes)
        guard done.status == 0 else { throw TarFormat.Damage(reason: "it is not gzip's, or damaged") }
        return done.standardOutput
    }

    private func gzip(_ arguments: [String], _ input: [UInt8]) async throws -> Completion {
        do {
            return try await ProgramCall(
                program: "gzip", arguments: arguments, environment: environment, standardInput: input,
                deadline: .seconds(120), outputLimit: KeyArchive.sizeLimit
            ).run()
        } catch ProgramFailure.outputLimit(let bytes) {
            throw TarFormat.Damage(reason: "it unpacks to more than \(bytes) bytes")
        } catch ProgramFailure.notFound {
            throw SallyError(.misconfigured, "gzip is not installed", hint: "install the package gzip")
        } catch ProgramFailure.deadlineExceeded(let after) {
            throw SallyError(.timeout, "gzip did not finish within \(after)", hint: "try again")
        } catch ProgramFailure.system(let number) {
            throw SallyError(
                .unavailable, "gzip could not be started", hint: "try again", cause: number.map { "errno \($0)" })
        }
    }
}
