// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyStore

@Suite struct AuditTests {
    private let key = P256.Signing.PrivateKey()

    private func sign(_ position: AuditPosition, by other: P256.Signing.PrivateKey? = nil) throws -> CountersignedHead {
        let time = Timestamp(1_800_000_100)
        let message = "sallyport-audit-head\n\(position.sequence)\n\(position.hash)\n\(time.rawValue)"
        let signature = try (other ?? key).signature(for: Array(message.utf8)).rawRepresentation
        let text = signature.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
        return CountersignedHead(position: position, time: time, signature: text)
    }

    private func evidence(
        _ head: CountersignedHead? = nil, _ mints: [AuditMint] = [], heads: [AuditPosition] = []
    ) -> AuditEvidence {
        AuditEvidence(
            mints: mints, heads: heads, serviceReads: 3, head: head, publicKey: key.publicKey.pemRepresentation)
    }

    private func mint(
        _ position: AuditPosition, cluster: String = "demo", user: String = "alice", purpose: String = "submit",
        payer: AuditMint.Payer = .person(action: "job.submit"), after: Duration = .seconds(1)
    ) throws -> AuditMint {
        AuditMint(
            position: position, cluster: try ClusterName(cluster), user: user, purpose: purpose, payer: payer,
            time: TestClock().now + after)
    }

    /// Ten events, the fifth of them a refusal; countersigned at the tenth.
    private func withChain(
        _ body: (AuditStore, [AuditPosition], String) async throws -> Void
    ) async throws {
        try await withDatabase { database, _, path in
            let store = AuditStore(database: database)
            var positions: [AuditPosition] = []
            for number in 1...10 {
                positions.append(try await store.append(draft(number, outcome: number == 5 ? .refused : .allowed)))
            }
            try await body(store, positions, path)
        }
    }

    /// Takes the triggers away, as somebody with the file can.
    private static let unguard = ["audit_events_DELETE", "audit_events_UPDATE"].map { "DROP TRIGGER \($0);" }.joined()

    /// What a request is filled with neither hides its event nor breaks the chain.
    @Test func aLongDetailIsCut() async throws {
        try await withDatabase { database, _, _ in
            let store = AuditStore(database: database)
            var long = draft(1)
            long.details = [AuditEvent.Detail("bounds", String(repeating: "gpu:ä=1 ", count: 4 << 20))]
            let position = try await store.append(long)
            let page = try await store.page(AuditQuery())
            let value = try #require(page.events.first?.details.first?.value)
            #expect(value.utf8.count < AuditEvent.Detail.longest + 100 && value.hasSuffix("(37748736 bytes)"))
            let report = try await store.verifyChain(evidence(try sign(position)))
            #expect(report.problems == [])
        }
    }

    @Test func aGoodChainIsGood() async throws {
        try await withChain { store, positions, _ in
            let mints = try positions.filter { $0.sequence != 5 }.map { try mint($0) }
            let report = try await store.verifyChain(evidence(try sign(positions[9]), mints))
            #expect(report.problems == [])
            #expect(report.isGood)
            #expect((report.events, report.mints, report.heads, report.countersigned) == (10, 9, 1, 10))
            #expect(report.serviceReads == 3)
        }
    }

    @Test func anEmptyChainIsGood() async throws {
        try await withDatabase { database, _, _ in
            let report = try await AuditStore(database: database).verifyChain(evidence())
            #expect(report.isGood)
        }
    }

    @Test func theHashIsOverCanonicalJSON() {
        let event = AuditEvent(
            sequence: 1, time: Timestamp(5), actor: "system", action: "x", cluster: nil, target: "a\"b",
            outcome: .allowed,
            rule: nil, request: nil, details: [.init("k", "v")], previous: AuditEvent.genesis, hash: "")
        #expect(
            String(decoding: AuditChain.canonical(event), as: UTF8.self)
                == #"{"sequence":1,"time":5,"actor":"system","action":"x","cluster":null,"target":"a\"b","outcome":"allowed","#
                + #""rule":null,"request":null,"details":[{"name":"k","value":"v"}],"previous":""# + AuditEvent.genesis
                + #""}"#)
    }

    @Test(arguments: [
        "time = 1", "actor = 'person:2:bob'", "action = 'job.cancel'", "cluster = NULL", "target = 'other'",
        "outcome = 'refused'", "rule = NULL", "request = 'r'", "details = '[]'", "details = 'junk'",
        "outcome = 'perhaps'", "hash = '\(String(repeating: "a", count: 64))'",
    ])
    func aChangedRowIsFound(change: String) async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "UPDATE audit_events SET \(change) WHERE sequence = 3")
            let report = try await store.verifyChain(evidence(try sign(positions[9])))
            #expect(report.problems.first?.sequence == 3)
            #expect(report.problems.first?.kind == .changedRow)
        }
    }

    @Test(arguments: [1, 4]) func aGapIsFound(missing: Int) async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "DELETE FROM audit_events WHERE sequence = \(missing)")
            let report = try await store.verifyChain(evidence(try sign(positions[9])))
            #expect(report.problems.map(\.kind) == [.gap])
            #expect(report.problems.first?.sequence == Int64(missing) + 1)
        }
    }

    @Test func aRowThatFollowsAnotherIsFound() async throws {
        try await withChain { store, positions, path in
            try tamper(
                path,
                Self.unguard
                    + "UPDATE audit_events SET previous = '\(String(repeating: "b", count: 64))' WHERE sequence = 6")
            let kinds = try await store.verifyChain(evidence()).problems.map(\.kind)
            #expect(kinds == [.brokenLink, .changedRow])
        }
    }

    /// Every hash agrees with every other: only the countersignature tells.
    @Test func aRewrittenChainIsFound() async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "DELETE FROM audit_events WHERE sequence >= 8")
            for number in 8...12 { _ = try await store.append(draft(number + 100)) }
            #expect(try await store.verifyChain(evidence()).isGood)
            let report = try await store.verifyChain(evidence(try sign(positions[9])))
            #expect(report.problems.map(\.kind) == [.rewritten])
            #expect(report.problems.first?.sequence == 10)
        }
    }

    @Test func aCutTailIsFound() async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "DELETE FROM audit_events WHERE sequence > 7")
            #expect(try await store.verifyChain(evidence()).isGood)
            let report = try await store.verifyChain(evidence(try sign(positions[9])))
            #expect(report.problems.map(\.kind) == [.cutTail])
            #expect(report.problems.first?.sequence == 8)
        }
    }

    @Test func aWholeChainThatIsGoneIsFound() async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "DELETE FROM audit_events")
            let report = try await store.verifyChain(evidence(try sign(positions[9]), [try mint(positions[1])]))
            #expect(report.problems.map(\.kind) == [.cutTail, .mintWithoutEvent])
        }
    }

    /// The signer cannot see that a new head does not continue the old one, and signs it: the old one tells.
    @Test(arguments: [3, 7]) func aRewriteBelowTheNewestHeadIsFound(old: Int) async throws {
        try await withChain { store, positions, path in
            let heads = [positions[0], positions[old - 1]]
            try tamper(path, Self.unguard + "DELETE FROM audit_events WHERE sequence >= \(old)")
            var last = positions[0]
            for number in old...12 { last = try await store.append(draft(number + 100)) }
            #expect(try await store.verifyChain(evidence(try sign(last))).isGood)
            let report = try await store.verifyChain(evidence(try sign(last), heads: heads + [last]))
            #expect(report.problems.map(\.kind) == [.rewritten])
            #expect(report.problems.first?.sequence == Int64(old))
            #expect((report.heads, report.countersigned) == (3, 12))
        }
    }

    @Test func headsOfRowsThatAreGoneAreFound() async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "DELETE FROM audit_events WHERE sequence IN (4, 9, 10)")
            let heads = [positions[3], positions[4], positions[8], positions[9]]
            let report = try await store.verifyChain(evidence(try sign(positions[9]), heads: heads))
            #expect(report.problems.map(\.kind) == [.rewritten, .gap, .cutTail])
            #expect(report.problems.map(\.sequence) == [4, 5, 9])
        }
    }

    @Test func aRowThatCannotBeReadKeepsItsHead() async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "UPDATE audit_events SET outcome = 'perhaps' WHERE sequence = 3")
            let report = try await store.verifyChain(evidence(try sign(positions[9]), heads: positions))
            #expect(report.problems.map(\.kind) == [.changedRow])
        }
    }

    @Test func headsWithoutASignatureAreFound() async throws {
        try await withChain { store, positions, _ in
            let report = try await store.verifyChain(evidence(nil, heads: [positions[2]]))
            #expect(report.problems.map(\.kind) == [.badSignature])
        }
    }

    @Test func aForeignCountersignatureIsFound() async throws {
        try await withChain { store, positions, _ in
            let foreign = try sign(positions[9], by: P256.Signing.PrivateKey())
            #expect(try await store.verifyChain(evidence(foreign)).problems.map(\.kind) == [.badSignature])
            var junk = try sign(positions[9])
            junk.signature = "%%%"
            #expect(try await store.verifyChain(evidence(junk)).problems.map(\.kind) == [.badSignature])
            var later = try sign(positions[9])
            later.time = Timestamp(1)
            #expect(try await store.verifyChain(evidence(later)).problems.map(\.kind) == [.badSignature])
            var keyless = evidence(try sign(positions[9]))
            keyless.publicKey = nil
            #expect(try await store.verifyChain(keyless).problems.map(\.kind) == [.badSignature])
        }
    }

    @Test func aMintWithoutItsEventIsFound() async throws {
        try await withChain { store, positions, _ in
            let invented = AuditPosition(sequence: 99, hash: String(repeating: "c", count: 64))
            let wrongHash = AuditPosition(sequence: 2, hash: String(repeating: "c", count: 64))
            for mint in [
                try mint(invented), try mint(wrongHash), try mint(positions[1], user: "bob"),
                try mint(positions[1], cluster: "other"),
            ] {
                let report = try await store.verifyChain(evidence(nil, [mint]))
                #expect(report.problems.map(\.kind) == [.mintWithoutEvent])
                #expect(report.problems.first?.sequence == mint.position.sequence)
            }
        }
    }

    /// What each of these tokens was for is not what its event decided.
    @Test(
        arguments: [
            ("person:1:alice", "job.cancel", .person(action: "job.submit"), .mintForOtherAction),
            ("person:1:alice", "output.read", .person(action: "job.submit"), .mintForOtherAction),
            ("person:1:alice", "job.submit", .person(action: "job.cancel"), .mintForOtherAction),
            ("person:1:alice", "job.submit", .none, .mintForOtherAction),
            ("local:0", "job.submit", .person(action: "job.submit"), .mintWithoutEvent),
            ("system", "job.submit", .person(action: "job.submit"), .mintWithoutEvent),
            ("system", "system.hold-leaver-job", .person(action: "job.submit"), .mintWithoutEvent),
            ("system", "system.hold-leaver-job", .system(action: "system.cancel-leaver-job"), .mintForOtherAction),
            (
                "person:1:alice", "system.cancel-leaver-job", .system(action: "system.cancel-leaver-job"),
                .mintWithoutEvent
            ),
            ("person:1:alice", "job.submit", .person(action: "job.submit"), nil),
            ("person:1:alice", "job.cancel", .person(action: "job.cancel"), nil),
            ("system", "system.cancel-leaver-job", .system(action: "system.cancel-leaver-job"), nil),
        ] as [(String, String, AuditMint.Payer, AuditProblem.Kind?)])
    func aMintForAnotherActionIsFound(
        actor: String, action: String, payer: AuditMint.Payer, kind: AuditProblem.Kind?
    ) async throws {
        try await withDatabase { database, _, _ in
            let store = AuditStore(database: database)
            var event = draft(1)
            event.actor = actor
            event.action = action
            let position = try await store.append(event)
            let report = try await store.verifyChain(evidence(nil, [try mint(position, payer: payer)]))
            #expect(report.problems.map(\.kind) == [kind].compactMap(\.self))
        }
    }

    /// A gateway that was broken into cannot keep decisions for later, nor tell of decisions to come.
    @Test(
        arguments: [
            (-61, .mintOutOfTime), (-60, nil), (0, nil), (360, nil), (361, .mintOutOfTime), (90_000, .mintOutOfTime),
        ] as [(Int64, AuditProblem.Kind?)])
    func aMintLongAfterItsEventIsFound(seconds: Int64, kind: AuditProblem.Kind?) async throws {
        try await withChain { store, positions, _ in
            let mints = [try mint(positions[2]), try mint(positions[2], after: .seconds(seconds))]
            let report = try await store.verifyChain(evidence(nil, mints))
            #expect(report.problems.map(\.kind) == [kind].compactMap(\.self))
            #expect(kind == nil || report.problems.first?.sequence == 3)
        }
    }

    /// They come from the signer by event, but nothing here depends on it.
    @Test func mintsInAnyOrderAreHeldAgainstTheirOwnEvents() async throws {
        try await withChain { store, positions, _ in
            var mints = try [9, 2, 6, 2, 0].map { try mint(positions[$0]) }
            mints.append(try mint(positions[1], user: "bob"))
            let report = try await store.verifyChain(evidence(nil, mints))
            #expect(report.problems.map(\.kind) == [.mintWithoutEvent])
            #expect(report.problems.map(\.sequence) == [2])
            #expect(report.mints == 6)
        }
    }

    @Test func aMintForARowThatCannotBeReadIsFound() async throws {
        try await withChain { store, positions, path in
            try tamper(path, Self.unguard + "UPDATE audit_events SET outcome = 'perhaps' WHERE sequence = 3")
            let report = try await store.verifyChain(evidence(nil, [try mint(positions[2])]))
            #expect(report.problems.map(\.kind) == [.changedRow, .mintWithoutEvent])
        }
    }

    /// The outcome of a submission has its action and its person, and decided nothing.
    @Test(arguments: [AuditEvent.Outcome.completed, .failed, .refused])
    func anOutcomePaysForNoToken(_ outcome: AuditEvent.Outcome) async throws {
        try await withDatabase { database, _, _ in
            let store = AuditStore(database: database)
            let position = try await store.append(draft(1, outcome: outcome))
            let report = try await store.verifyChain(evidence(nil, [try mint(position)]))
            #expect(report.problems.map(\.kind) == [.mintNotAllowed])
        }
    }

    @Test func aMintForARefusalIsFound() async throws {
        try await withChain { store, positions, _ in
            let report = try await store.verifyChain(evidence(nil, [try mint(positions[4])]))
            #expect(report.problems.map(\.kind) == [.mintNotAllowed])
        }
    }

    @Test func aThousandRowsComeInPages() async throws {
        try await withDatabase { database, clock, _ in
            let store = AuditStore(database: database)
            try await database.write { transaction in
                for number in 1...1000 {
                    var draft = draft(number)
                    draft.actor = number.isMultiple(of: 10) ? "system" : "person:1:alice"
                    draft.action = number.isMultiple(of: 4) ? "job.cancel" : "job.submit"
                    _ = try transaction.append(draft)
                }
            }
            var seen: [Int64] = []
            var query = AuditQuery(limit: 300)
            var pages = 0
            repeat {
                let page = try await store.page(query)
                seen += page.events.map(\.sequence)
                query.before = page.next
                pages += 1
            } while query.before != nil
            #expect(pages == 4)
            #expect(seen == (1...1000).reversed())
            #expect(try await store.page(AuditQuery(actor: "system", limit: 1000)).events.count == 100)
            #expect(
                try await store.page(AuditQuery(actor: "system", action: "job.cancel", limit: 1000)).events.count == 50)
            #expect(try await store.page(AuditQuery(target: "job 77")).events.map(\.sequence) == [77])
            clock.advance(.seconds(10))
            _ = try await store.append(draft(1001))
            #expect(try await store.page(AuditQuery(since: clock.now)).events.map(\.sequence) == [1001])
            #expect(try await store.page(AuditQuery(limit: 1)).next == 1001)
            #expect(try await store.verifyChain(evidence()).events == 1001)
        }
    }

    @Test(arguments: [0, -1, 1001]) func aPageOfNothingIsRefused(limit: Int) async throws {
        try await withDatabase { database, _, _ in
            #expect(
                await code { _ = try await AuditStore(database: database).page(AuditQuery(limit: limit)) }
                    == .invalidRequest)
        }
    }
}
