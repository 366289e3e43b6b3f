// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

/// New keys wait beside the archive until the cluster knows them.
@Suite struct WaitingKeysTests {
    private static let file = "mycluster-us-east-1.tar.gz"
    private static let waiting = ".\(file).waiting"

    private static func text(_ user: UserName, in path: String) async throws -> String {
        try await KeyArchiveTests.text(of: "./\(user).ed25519", in: path)
    }

    @Test(arguments: KeyAlgorithm.allCases) func thePublicHalfIsReadFromTheFile(_ algorithm: KeyAlgorithm) throws {
        let pair = try KeyPair.make(algorithm, comment: "a")
        #expect(PublicKey(privateKey: pair.privateKey)?.description == pair.publicKey.description)
        for cut in [10, 60, 200] {
            let lines = pair.privateKey.reveal().split(separator: "\n")
            let short = [lines[0], lines[1].prefix(cut / 4 * 4), lines[lines.count - 1]].joined(separator: "\n") + "\n"
            #expect(PublicKey(privateKey: Secret(short)) == nil || cut == 200, "\(cut)")
        }
        #expect(PublicKey(privateKey: Secret("")) == nil)
    }

    @Test func readsWhatSSHKeygenMakes() async throws {
        try await withScratchFolder { folder in
            for (name, options) in [
                ("a", ["-t", "rsa", "-b", "2048", "-m", "PEM"]), ("b", ["-t", "rsa", "-b", "4096"]),
                ("c", ["-t", "ed25519"]),
            ] {
                _ = try await runTool("ssh-keygen", ["-q", "-N", "", "-f", "\(folder)/\(name)"] + options)
                let text = try await runTool("cat", ["\(folder)/\(name)"]).output
                let line = try await runTool("cat", ["\(folder)/\(name).pub"]).output
                let known = try PublicKey(String(line.dropLast()))
                #expect(PublicKey(privateKey: Secret(text))?.description == known.description, "\(name)")
            }
        }
    }

    /// Until a machine has them, the archive is what it was; then they are in it, and nothing waits.
    @Test func newKeysComeIntoTheArchiveWhenTheyAreKnown() async throws {
        try await withScratchFolder { folder in
            let people = users(3)
            let archive = try KeyArchiveTests.archive(in: folder)
            #expect(try await archive.held().handedOut.isEmpty)
            let old = try people[..<2].map { try freshKey($0) }
            try await KeyArchiveTests.write(old, in: folder)
            let new = try people.map { try freshKey($0) }
            try await archive.prepare(new, at: KeyArchiveTests.now)
            #expect(try await KeyArchiveTests.names(in: folder) == [Self.waiting, Self.file])
            #expect(permissions(of: archive.waitingPath) == 0o600)
            #expect(try await Self.text(people[0], in: archive.path) == old[0].pair.privateKey.reveal())
            var held = try await archive.held()
            #expect(held.handedOut == [people[0]: old[0].pair.publicKey.bare, people[1]: old[1].pair.publicKey.bare])
            #expect(held.waiting.count == 3 && held.waiting[people[2]] == new[2].pair.publicKey.bare)

            let owners = KeyOwners(listed: people, bringing: [], others: [], seen: held)
            let written = try await archive.settle([people[0], people[2]], for: owners, at: KeyArchiveTests.now) { _ in
            }
            .written
            #expect(written?.users == people && written?.kept == [people[1]])
            #expect(try await Self.text(people[0], in: archive.path) == new[0].pair.privateKey.reveal())
            #expect(try await Self.text(people[1], in: archive.path) == old[1].pair.privateKey.reveal())
            held = try await archive.held()
            #expect(held.waiting == [people[1]: new[1].pair.publicKey.bare])

            #expect(try await archive.settle([], for: owners, at: KeyArchiveTests.now) { _ in } == .init(dropped: []))
            #expect(try await archive.held().waiting.count == 1)
            _ = try await archive.settle([people[1]], for: owners, at: KeyArchiveTests.now) { _ in }
            #expect(try await KeyArchiveTests.names(in: folder) == [Self.file])
            #expect(
                try await archive.held().handedOut
                    == Dictionary(uniqueKeysWithValues: new.map { ($0.user, $0.pair.publicKey.bare) }))
        }
    }

    /// What waits is not lost when other keys are made: who is wanted is known at the end of a run.
    @Test func whatWaitsWaitsOn() async throws {
        try await withScratchFolder { folder in
            let people = users(3)
            let archive = try KeyArchiveTests.archive(in: folder)
            let first = try people[..<2].map { try freshKey($0) }
            try await archive.prepare(first, at: KeyArchiveTests.now)
            let second = try people[1...].map { try freshKey($0) }
            try await archive.prepare(second, at: KeyArchiveTests.now)
            #expect(
                try await archive.held().waiting == [
                    people[0]: first[0].pair.publicKey.bare, people[1]: second[0].pair.publicKey.bare,
                    people[2]: second[1].pair.publicKey.bare,
                ])
        }
    }

    /// What another list of the cluster has in the archive, or lets wait, is not this one's to take away.
    @Test func anotherListsKeysStay() async throws {
        try await withScratchFolder { folder in
            let people = users(8)
            let archive = try KeyArchiveTests.archive(in: folder)
            // 2 and 6 are of another list, 3 and 7 are gone, 4 brings a key by now.
            try await KeyArchiveTests.write(try [2, 3].map { try freshKey(people[$0]) }, in: folder)
            try await archive.prepare(try [0, 4, 6, 7].map { try freshKey(people[$0]) }, at: KeyArchiveTests.now)
            func settle(_ others: Set<UserName>?, seen: HeldKeys) async throws -> KeyArchive.Settled {
                let owners = KeyOwners(
                    listed: [people[0], people[4], people[5]], bringing: [people[4]], others: others, seen: seen)
                return try await archive.settle([people[0]], for: owners, at: KeyArchiveTests.now) { _ in }
            }
            let before = try await archive.held()
            let settled = try await settle([people[2], people[6]], seen: before)
            #expect(settled.dropped == [people[3], people[4], people[7]])
            #expect(settled.written?.users == [people[0], people[2]] && settled.written?.dropped == [people[3]])
            let after = try await archive.held()
            #expect(after.waiting == [people[6]: before.waiting[people[6]]].compactMapValues(\.self))
            #expect(after.handedOut[people[2]] == before.handedOut[people[2]] && after.handedOut.count == 2)

            // Nobody knows who else there is: only what is of nobody's use goes.
            try await archive.prepare(try [0, 4, 7].map { try freshKey(people[$0]) }, at: KeyArchiveTests.now)
            #expect(try await settle(nil, seen: archive.held()).dropped == [people[4]])
            let last = try await archive.held()
            #expect(Set(last.waiting.keys) == [people[6], people[7]] && last.handedOut.count == 2)

            // Whoever came while this run went on, and whose key is another than it was then, is not this run's to judge.
            let new = try [1, 7].map { try freshKey(people[$0]) }
            try await archive.prepare(try [0].map { try freshKey(people[$0]) } + new, at: KeyArchiveTests.now)
            let other = try freshKey(people[2])
            try await KeyArchiveTests.write([other], wanted: [people[0]], in: folder)
            #expect(try await settle([], seen: last).dropped == [people[6]])
            let end = try await archive.held()
            #expect(
                end.waiting == [people[1]: new[0].pair.publicKey.bare, people[7]: new[1].pair.publicKey.bare])
            #expect(end.handedOut[people[2]] == other.pair.publicKey.bare && end.handedOut.count == 2)
        }
    }

    /// Without room for the archive as it will be, nothing waits.
    @Test(.enabled(if: getuid() == 0, "only root can mount a small disk")) func thereIsRoomForWhatComes() async throws {
        try await withScratchFolder { folder in
            let mounted = try await runTool("mount", ["-t", "tmpfs", "-o", "size=100k,mode=700", "tmpfs", folder])
            try #require(mounted.status == 0, "\(mounted)")
            do {
                let people = users(300)
                let size = try await KeyArchiveTests.write(try people[..<200].map { try freshKey($0) }, in: folder).size
                let less = try await runTool("mount", ["-o", "remount,size=\(size * 11 / 5)", folder])
                #expect(less.status == 0, "\(less)")
                let archive = try KeyArchiveTests.archive(in: folder)
                let error = await refusal {
                    try await archive.prepare(
                        try people[200...].map { try freshKey($0) }, at: KeyArchiveTests.now)
                }
                #expect(error?.message.contains("No space left on device") == true, "\(String(describing: error))")
                #expect(try await KeyArchiveTests.names(in: folder) == [Self.file])
            } catch {
                Issue.record(error)
            }
            #expect(try await runTool("umount", [folder]).status == 0)
        }
    }

    @Test func whatIsInTheWayIsNamed() async throws {
        try await withScratchFolder { folder in
            let archive = try KeyArchiveTests.archive(in: folder)
            try writeFile(archive.waitingPath, "hello")
            let error = await refusal { try await archive.held() }
            #expect(error?.code == .conflict && error?.message.contains(Self.waiting) == true)
            for name in [Self.waiting, Self.file] {
                unlink("\(folder)/\(name)")
                mkdir("\(folder)/\(name)", 0o700)
                let error = await refusal {
                    try await archive.prepare([freshKey(users(1)[0])], at: KeyArchiveTests.now)
                }
                #expect(error?.code == .conflict, "\(name)")
                rmdir("\(folder)/\(name)")
            }
            #expect(try await KeyArchiveTests.names(in: folder).isEmpty)
        }
    }
}

@Suite struct KeyNewsTests {
    private static func report(
        lines: [UserName: Set<String>], given: [UserName: KeeperReport.Outcome]
    ) throws -> ClusterReport {
        var report = ClusterReport()
        report.plan.keyLines = lines
        for (user, outcome) in given {
            let account = try ClusterRunTests.user(user.rawValue).account(UserID(rawValue: 30000)!)  // a permitted uid
            let need = SSHNeed(
                SSHNeedTests.state([]), wanted: nil, waiting: nil, wantsKey: true, renew: false,
                trust: try SSHNeedTests.trust())
            report.plan.steps[AccountPlanTests.name("master"), default: []].append(.authorize(account, need))
            report.steps.append(
                .init(
                    user: user.rawValue,
                    step: KeeperReport.Step(name: "ssh", place: "master", outcome: outcome, detail: "")))
        }
        return report
    }

    @Test func saysHowEachKeyStands() throws {
        let people = users(9)
        let keys = try people.map { try freshKey($0).pair.publicKey }
        let others = try people.map { try freshKey($0).pair.publicKey }
        func line(_ index: Int) -> Set<String> { [keys[index].description] }
        var held = HeldKeys()
        // 0: made and given now. 1: made, and the step failed; none before. 2: the same, with an old key.
        // 3: an earlier run gave it. 4: an earlier run did not. 5: an archive of another time. 6: all is right.
        // 7: an earlier run's, given now. 8: the cluster knows one that is not here.
        held.waiting = [people[3]: keys[3], people[4]: others[4], people[7]: keys[7]]
        held.handedOut = [
            people[2]: keys[2], people[3]: others[3], people[4]: keys[4], people[5]: others[5], people[6]: keys[6],
        ]
        let lines = Dictionary(
            uniqueKeysWithValues: people.indices.map { (people[$0], [0, 1, 7].contains($0) ? [] : line($0)) })
        let news = KeyNews(
            try Self.report(
                lines: lines, given: [people[0]: .done, people[1]: .failed, people[2]: .failed, people[7]: .done]),
            users: people, held: held, made: [people[0], people[1], people[2]])
        #expect(news.known == [people[0], people[3], people[7]])
        #expect(news.finished == [people[3], people[7]])
        #expect(news.waiting == [people[1]])
        #expect(news.unrenewed == [people[2], people[4]])
        #expect(news.stale == [people[5]])
        #expect(news.unheld == [people[8]] && news.dropped.isEmpty)
        #expect(news.warnings.count == 4 && news.warnings[2].contains("open nothing, of user006:"))
        #expect(news.warnings.last?.contains("no key lies here of user009,") == true)
        #expect(news.warnings[1].contains("of user003, user005:") && news.warnings[1].contains("--renew-keys"))
    }

    /// Who handed out an archive and took it away is not told a thousand names; the JSON has them.
    @Test func ofManyKeysThatAreElsewhereAFewAreNamed() throws {
        let people = users(7)
        let key = try freshKey(people[0]).pair.publicKey.description
        let news = KeyNews(
            try Self.report(lines: Dictionary(uniqueKeysWithValues: people.map { ($0, [key]) }), given: [:]),
            users: people, held: HeldKeys(), made: [])
        #expect(news.unheld == people && news.warnings.count == 1)
        #expect(news.warnings.first?.contains("user003, user004, user005 and 2 more, and") == true)
    }

    /// A renewal that waits, and somebody else has renewed since: neither key opens anything.
    @Test func whatOthersRenewedIsSaid() throws {
        let user = users(1)[0]
        let keys = try (0..<3).map { _ in try freshKey(user).pair.publicKey }
        var held = HeldKeys()
        held.waiting = [user: keys[0]]
        held.handedOut = [user: keys[1]]
        let news = KeyNews(
            try Self.report(lines: [user: [keys[2].description]], given: [:]), users: [user], held: held, made: [])
        #expect(news.stale == [user] && news.known.isEmpty && news.unrenewed.isEmpty)
        // Whom no machine was asked about is nobody's news.
        #expect(KeyNews(try Self.report(lines: [:], given: [:]), users: [user], held: .init(), made: []) == KeyNews())
    }
}

extension PublicKey {
    /// Without its comment.
    fileprivate var bare: PublicKey { PublicKey(type: type, blob: blob, bits: bits, comment: "") }
}
