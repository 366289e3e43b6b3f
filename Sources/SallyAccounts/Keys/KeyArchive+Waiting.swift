// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// New keys wait beside the archive until machines have their public halves, and only then come into it: whatever ends a run,
/// each key that opens the cluster lies in one of the two files, and what is in the archive opens it.
extension KeyArchive {
    /// Where they wait: `.<cluster>-<region>.tar.gz.waiting`, mode 0600, of the archive's own form.
    package var waitingPath: String { "\(folder)/\(waitingFile)" }
    private var waitingFile: String { ".\(file).waiting" }

    /// Public halves of the keys that lie here. One that cannot be read has none.
    package func held() async throws -> HeldKeys {
        let place: KeyFolder
        do {
            place = try KeyFolder(folder, missing: .refuse)
        } catch let error as SallyError where error.code == .notFound {
            return HeldKeys()
        }
        return HeldKeys(
            handedOut: HeldKeys.publicHalves(try await existing(file, in: place) ?? []),
            waiting: HeldKeys.publicHalves(try await existing(waitingFile, in: place) ?? []))
    }

    /// Lets new keys wait, with those that wait already. There is room for the archive with them as well, or there was.
    ///
    /// - Throws: as `write`. Then the files are what they were.
    package func prepare(_ new: [UserKey], at now: Timestamp) async throws {
        let place = try KeyFolder(folder, missing: .make)
        let lock = try await KeyFolderLock(place, patience: patience)
        // Whose keys go is for the end of a run to say, when it is known who is on the cluster.
        let old = try await existing(waitingFile, in: place) ?? []
        let waiting = try ArchivePlan(new: new, wanted: old.map(\.member.user), before: old)
        let archived = try await existing(file, in: place) ?? []
        let coming = ArchivePlan(
            entries: waiting.entries, wanted: archived.map(\.member.user), before: archived)
        try place.replace(
            [(name: waitingFile, bytes: try await pack(waiting.entries, at: now))],
            leavingRoomFor: [(name: file, bytes: try await pack(coming.entries, at: now))]
        ) { _ in }
        withExtendedLifetime(lock) {}
    }

    /// Keys that machines have come into the archive, as by `write`; others wait on.
    ///
    /// - Parameters:
    ///   - known: whose key that waits is known to the cluster.
    ///   - owners: of anybody else no key waits any longer, and none comes into an archive that is written.
    /// - Throws: as `write`. Then what waited waits on.
    package func settle(
        _ known: Set<UserName>, for owners: KeyOwners, at now: Timestamp, progress: (KeyFileProgress) -> Void
    ) async throws -> Settled {
        let place = try KeyFolder(folder, missing: .make)
        let lock = try await KeyFolderLock(place, patience: patience)
        defer { withExtendedLifetime(lock) {} }
        let waiting = try await existing(waitingFile, in: place) ?? []
        let needed = waiting.filter {
            owners.keepsWaiting(PublicKey(privateKey: $0.privateKey), of: $0.member.user)
        }
        let new = needed.filter { known.contains($0.member.user) }
        let rest = needed.filter { !known.contains($0.member.user) }
        let kept = Set(needed.map(\.member.user))
        var settled = Settled(dropped: waiting.map(\.member.user).filter { !kept.contains($0) })
        if !new.isEmpty {
            let before = try await existing(file, in: place) ?? []
            let plan = ArchivePlan(entries: new, wanted: owners.wanted(of: before), before: before)
            let bytes = try await pack(plan.entries, at: now)
            try place.replace([(name: file, bytes: bytes)], progress: progress)
            settled.written = Written(
                path: path, size: bytes.count, users: plan.entries.map(\.member.user), kept: plan.kept,
                dropped: plan.dropped)
            settled.dropped = Set(settled.dropped + plan.dropped).sorted()
        }
        // Only now: a run that ends between the two finds the keys in both, and does this again.
        if rest.isEmpty {
            try place.remove(waitingFile)
        } else if rest.count < waiting.count {
            try place.replace([(name: waitingFile, bytes: try await pack(rest, at: now))]) { _ in }
        }
        return settled
    }

    /// What came of `settle`.
    package struct Settled: Sendable, Equatable {
        /// nil when no key that waited was known, and the archive is what it was.
        package var written: Written?
        /// Whose key waited, or was in the archive, and is in neither any more. By name.
        package var dropped: [UserName] = []

        package init(written: Written? = nil, dropped: [UserName]) {
            self.written = written
            self.dropped = dropped.sorted()
        }
    }
}

/// The public halves of private keys that lie in an administrator's folder.
package struct HeldKeys: Sendable {
    /// Of those that are there to hand out.
    package var handedOut: [UserName: PublicKey] = [:]
    /// Of those that a run made and did not bring to its end.
    package var waiting: [UserName: PublicKey] = [:]

    package init() {}

    init(handedOut: [UserName: PublicKey], waiting: [UserName: PublicKey]) {
        self.handedOut = handedOut
        self.waiting = waiting
    }

    static func publicHalves(_ entries: [ArchiveEntry]) -> [UserName: PublicKey] {
        var keys: [UserName: PublicKey] = [:]
        for entry in entries { keys[entry.member.user] = PublicKey(privateKey: entry.privateKey) }
        return keys
    }
}
