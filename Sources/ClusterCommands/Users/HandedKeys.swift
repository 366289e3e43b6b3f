// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel
import SallyTransport
import Synchronization

/// The keys of one run: they are made while the machines are looked at, and lie on the disk before any machine knows of
/// them, so that nobody has a key that nobody holds. They come into the archive when the machines have them.
final class HandedKeys: Sendable {
    /// Where private halves go.
    enum Place: Sendable {
        case archive(KeyArchive)
        /// One file each, which only its owner opens.
        case encrypted(folder: String, AgeEncryption, [UserName: AgeRecipient], KeyFileList)
    }

    private let place: Place
    private let users: [UserName]
    private let others: Set<UserName>?
    private let forge: KeyForge
    private let announcer: Announcer
    private let now: Timestamp
    private let files = Mutex<[String]>([])
    private let keyless: Set<UserName>
    private let held = Mutex(HeldKeys())
    private let made = Mutex<Set<UserName>>([])

    /// What was written; empty when nobody needed a key.
    var written: [String] { files.withLock { $0 } }

    /// - Parameters:
    ///   - users: everybody who is to be on the cluster by this list, in order.
    ///   - others: who is to be there by another; nil where that is not known.
    init(
        _ place: Place, for users: [UserName], without brought: Set<UserName>, besides others: Set<UserName>?,
        _ algorithm: KeyAlgorithm, cluster: ClusterName, announcer: Announcer, now: Timestamp
    ) {
        self.place = place
        self.announcer = announcer
        self.now = now
        self.users = users
        self.others = others
        keyless = Set(users).subtracting(brought)
        forge = KeyForge(
            algorithm, comment: { "\($0)@\(cluster)" },
            progress: { step in announcer.bar(step.done, of: step.total) })
        // Ed25519 takes no time; RSA is begun before it is known who has a key already.
        if algorithm == .rsa { forge.prepare(users.filter { !brought.contains($0) }) }
    }

    var source: ClusterSetup.KeySource {
        { users in
            let waiting = self.held.withLock(\.waiting)
            let pairs = try await self.forge.pairs(for: users.filter { waiting[$0] == nil })
            try await self.write(pairs)
            self.made.withLock { $0 = Set(pairs.map(\.user)) }
            let new = Dictionary(uniqueKeysWithValues: pairs.map { ($0.user, $0.pair.publicKey) })
            return waiting.filter { users.contains($0.key) }.merging(new) { $1 }
        }
    }

    /// What lies in the folder before anything is asked.
    func look() async throws -> HeldKeys {
        let found =
            switch place {
            case .archive(let archive): try await archive.held()
            case .encrypted(_, _, _, let list): try list.held()
            }
        held.withLock { $0 = found }
        return found
    }

    /// Brings what machines have by now to where it is handed out from.
    func settle(_ report: ClusterReport) async throws -> KeyNews {
        let held = held.withLock(\.self)
        let made = made.withLock(\.self)
        var news = KeyNews(report, users: users.filter(keyless.contains), held: held, made: made)
        let owners = KeyOwners(
            listed: users, bringing: Set(users).subtracting(keyless), others: others?.union(report.plan.standing),
            seen: held)
        switch place {
        case .archive(let archive):
            guard !made.isEmpty || !held.waiting.isEmpty else { break }
            news.dropped = try await settle(archive, news, for: owners)
        case .encrypted(_, _, _, let list):
            news.files = try await list.sweep(for: owners)
            news.dropped = news.files.users.sorted()
        }
        if !news.dropped.isEmpty {
            announcer.list("Dropping keys that nobody needs any more, of:", news.dropped.map(\.rawValue))
        }
        return news
    }

    /// - Returns: whose key went.
    private func settle(_ archive: KeyArchive, _ news: KeyNews, for owners: KeyOwners) async throws -> [UserName] {
        if !news.finished.isEmpty {
            announcer.say("Finishing the keys of a run that was interrupted: \(counted(news.finished.count, "user"))")
        }
        if !news.known.isEmpty {
            announcer.say("Tarring all SSH keys for cluster users...")
            announcer.say("Copying cluster users SSH keys to: \(archive.path)")
        }
        let settled = try await archive.settle(Set(news.known), for: owners, at: now) { announcer.copying($0) }
        if let written = settled.written {
            files.withLock { $0 = [written.path] }
            announcer.warn(KeyWarning.archive(of: written.users.count, at: written.path))
        }
        return settled.dropped
    }

    /// Nobody needs a key any more.
    func cancel() { forge.cancel() }

    private func write(_ pairs: [UserKey]) async throws {
        switch place {
        case .archive(let archive):
            try await archive.prepare(pairs, at: now)
        case .encrypted(let folder, let age, let recipients, let list):
            announcer.say("Encrypting SSH keys for \(pairs.count) cluster users in: \(folder)")
            let names = try await age.write(pairs, for: recipients, in: folder, noted: list) { done, total in
                announcer.bar(done, of: total)
            }
            files.withLock { $0 = names }
        }
    }
}

extension Announcer {
    /// The archive's name, size and rate.
    func copying(_ progress: KeyFileProgress) {
        guard progress.done == progress.total else { return }
        let rate = progress.rate.map { "  \(CopyMeter.size(Int64($0)))/s" } ?? ""
        say("\(progress.name)  100%  \(CopyMeter.size(Int64(progress.total)))\(rate)")
    }
}
