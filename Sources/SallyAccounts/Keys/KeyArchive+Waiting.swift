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
    /// - Parameter wanted: everybody who is to be on the cluster; of anybody else no key waits any longer.
    /// - Throws: as `write`. Then the files are what they were.
    package func prepare(_ new: [UserKey], wanted: [UserName], at now: Timestamp) async throws {
        let place = try KeyFolder(folder, missing: .make)
        let lock = try await KeyFolderLock(place, patience: patience)
        let waiting = try ArchivePlan(
            new: new, wanted: wanted, before: try await existing(waitingFile, in: place) ?? [])
        let coming = ArchivePlan(
            entries: waiting.entries, wanted: wanted, before: try await existing(file, in: place) ?? [])
        try place.replace(
            [(name: waitingFile, bytes: try await pack(waiting.entries, at: now))],
            leavingRoomFor: [(name: file, bytes: try await pack(coming.entries, at: now))]
        ) { _ in }
        withExtendedLifetime(lock) {}
    }

    /// Keys that machines have come into the archive, as by `write`; others wait on.
    ///
    /// - Parameter known: whose key that waits is known to the cluster.
    /// - Returns: nil when none of theirs waited, and the archive is what it was.
    /// - Throws: as `write`. Then what waited waits on.
    package func settle(
        _ known: Set<UserName>, wanted: [UserName], at now: Timestamp, progress: (KeyFileProgress) -> Void
    ) async throws -> Written? {
        let place = try KeyFolder(folder, missing: .make)
        let lock = try await KeyFolderLock(place, patience: patience)
        defer { withExtendedLifetime(lock) {} }
        let waiting = try await existing(waitingFile, in: place) ?? []
        let needed = Set(wanted)
        let new = waiting.filter { known.contains($0.member.user) && needed.contains($0.member.user) }
        let rest = waiting.filter { !known.contains($0.member.user) && needed.contains($0.member.user) }
        var written: Written?
        if !new.isEmpty {
            let plan = ArchivePlan(entries: new, wanted: wanted, before: try await existing(file, in: place) ?? [])
            let bytes = try await pack(plan.entries, at: now)
            try place.replace([(name: file, bytes: bytes)], progress: progress)
            written = Written(
                path: path, size: bytes.count, users: plan.entries.map(\.member.user), kept: plan.kept,
                dropped: plan.dropped)
        }
        // Only now: a run that ends between the two finds the keys in both, and does this again.
        if rest.isEmpty {
            try place.remove(waitingFile)
        } else if rest.count < waiting.count {
            try place.replace([(name: waitingFile, bytes: try await pack(rest, at: now))]) { _ in }
        }
        return written
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
