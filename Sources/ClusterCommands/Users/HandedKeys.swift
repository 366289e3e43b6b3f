// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel
import SallyTransport
import Synchronization

/// The keys of one run: they are made while the machines are looked at, and lie in the archive before any machine knows of
/// them, so that nobody has a key that nobody holds.
final class HandedKeys: Sendable {
    /// Where private halves go.
    enum Place: Sendable {
        case archive(KeyArchive)
        /// One file each, which only its owner opens.
        case encrypted(folder: String, AgeEncryption, [UserName: AgeRecipient])
    }

    private let place: Place
    private let wanted: [UserName]
    private let forge: KeyForge
    private let announcer: Announcer
    private let now: Timestamp
    private let files = Mutex<[String]>([])

    /// What was written; empty when nobody needed a key.
    var written: [String] { files.withLock { $0 } }

    /// - Parameter users: everybody who is to be on the cluster, in order.
    init(
        _ place: Place, for users: [UserName], without brought: Set<UserName>, _ algorithm: KeyAlgorithm,
        cluster: ClusterName, announcer: Announcer, now: Timestamp
    ) {
        self.place = place
        self.announcer = announcer
        self.now = now
        wanted = users
        forge = KeyForge(
            algorithm, comment: { "\($0)@\(cluster)" },
            progress: { step in announcer.bar(step.done, of: step.total) })
        // Ed25519 takes no time; RSA is begun before it is known who has a key already.
        if algorithm == .rsa { forge.prepare(users.filter { !brought.contains($0) }) }
    }

    var source: ClusterSetup.KeySource {
        { users in
            let pairs = try await self.forge.pairs(for: users)
            try await self.write(pairs)
            return Dictionary(uniqueKeysWithValues: pairs.map { ($0.user, $0.pair.publicKey) })
        }
    }

    /// Nobody needs a key any more.
    func cancel() { forge.cancel() }

    private func write(_ pairs: [UserKey]) async throws {
        switch place {
        case .archive(let archive):
            announcer.say("Tarring all SSH keys for cluster users...")
            announcer.say("Copying cluster users SSH keys to: \(archive.path)")
            let written = try await archive.write(pairs, wanted: wanted, at: now) { progress in
                announcer.copying(progress)
            }
            files.withLock { $0 = [written.path] }
            announcer.warn(KeyWarning.archive(of: written.users.count, at: written.path))
        case .encrypted(let folder, let age, let recipients):
            announcer.say("Encrypting SSH keys for \(pairs.count) cluster users in: \(folder)")
            let names = try await age.write(pairs, for: recipients, in: folder) { done, total in
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
