// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdTesting
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import Synchronization
import Testing

@testable import SallyGateway
@testable import SallyStore

@Suite struct AdminTests {
    private static let alice = UserName(unchecked: "alice")
    private static let offboard = "/v1/admin/identities/alice/offboard"

    @Test func listsIdentitiesAndSessions() async throws {
        try await withWorld { world, client in
            let list = try await client.call(.get, "/v1/admin/identities", world.dana).decode(IdentityList.self)
            #expect(Set(list.identities.map(\.user.rawValue)) == ["alice", "bob", "dana"])
            #expect(list.identities.first { $0.user.rawValue == "dana" }?.role == .administrator)
            let sessions = try await client.call(.get, "/v1/admin/sessions?user=alice", world.dana)
            #expect(try sessions.decode(SessionList.self).sessions.map(\.user) == [Self.alice])
        }
    }

    @Test func offboardingEndsEverythingInOrder() async throws {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs = [
                    makeJob(1, Self.alice), makeJob(2, Self.alice, state: "RUNNING"),
                    makeJob(3, UserName(unchecked: "bob")),
                ]
            }
        }
        try await withWorld(settings) { world, client in
            let report = try await client.call(.post, Self.offboard, world.dana, body: "{}").decode(OffboardReport.self)
            #expect(report.complete)
            #expect(report.steps.map(\.place) == ["signer", "gateway", "demo", "demo/controller", "demo"])
            #expect(world.signer.now.denied == [Self.alice] && world.steward.now.locked == [Self.alice])
            let pending = try #require(JobID(rawValue: 1))
            #expect(world.queue.now.leavers == [.cancelLeaverJob(World.name, pending, Self.alice)])
            try await client.expect(.unauthorized, .get, "/v1/me", world.alice)
            try await client.expect(.unauthorized, .post, "/v1/clusters/demo/jobs", world.alice, body: goodJob)
            try await client.expect(.ok, .get, "/v1/me", world.bob)
            let again = try await client.call(.post, Self.offboard, world.dana, body: "{}").decode(OffboardReport.self)
            #expect(again.complete)
        }
    }

    @Test(arguments: [(LeaverJobs.hold, 1), (.leave, 0)])
    func pendingJobsGoWhereTheRequestSays(wish: LeaverJobs, count: Int) async throws {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.jobs = [makeJob(1, Self.alice)] } }
        try await withWorld(settings) { world, client in
            let body = #"{"pending_jobs": "\#(wish.rawValue)"}"#
            let report = try await client.call(.post, Self.offboard, world.dana, body: body).decode(OffboardReport.self)
            #expect(report.complete)
            #expect(world.queue.now.leavers.count == count)
            if case .holdLeaverJob = world.queue.now.leavers.first {} else { #expect(wish == .leave) }
        }
    }

    @Test func aStepThatFailsIsReportedAndTheOthersAreDone() async throws {
        try await withWorld { world, client in
            world.signer.change { $0.failure = SallyError(.unavailable, "the signer does not answer") }
            world.steward.change { $0.failure = SallyError(.unavailable, "the steward does not answer") }
            let report = try await client.call(.post, Self.offboard, world.dana, body: "{}").decode(OffboardReport.self)
            #expect(!report.complete)
            #expect(report.steps.filter { $0.outcome == "failed" }.map(\.place) == ["signer", "demo"])
            try await client.expect(.unauthorized, .get, "/v1/me", world.alice)
            world.signer.change { $0.failure = nil }
            world.steward.change { $0.failure = nil }
            let again = try await client.call(.post, Self.offboard, world.dana, body: "{}").decode(OffboardReport.self)
            #expect(again.complete && world.signer.now.denied == [Self.alice])
        }
    }

    @Test func somebodyWithoutAnAccountOnAClusterIsFine() async throws {
        try await withWorld { world, client in
            world.steward.change { $0.failure = SallyError(.notFound, "no such account") }
            let report = try await client.call(.post, Self.offboard, world.dana, body: "{}").decode(OffboardReport.self)
            #expect(report.complete)
            #expect(report.steps.contains { $0.outcome == "skipped" && $0.place == "demo" })
        }
    }

    @Test func nobodyIsNotOffboarded() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, "/v1/admin/identities/nemo/offboard", world.dana, body: "{}")
            #expect(answer.status == .notFound)
            #expect(world.signer.now.denied.isEmpty)
        }
    }

    @Test func aRoleHoldsFromTheNextRequestOn() async throws {
        try await withWorld { world, client in
            try await client.expect(.forbidden, .get, "/v1/admin/audit", world.bob)
            let role = "/v1/admin/identities/bob/role"
            let granted = try await client.call(.post, role, world.dana, body: #"{"role": "administrator"}"#)
            #expect(try granted.decode(IdentityView.self).role == .administrator)
            try await client.expect(.ok, .get, "/v1/admin/audit", world.bob)
            _ = try await client.call(.post, role, world.dana, body: #"{"role": "researcher"}"#)
            try await client.expect(.forbidden, .get, "/v1/admin/audit", world.bob)
        }
    }

    @Test func auditPagesGoBackwards() async throws {
        try await withWorld { world, client in
            let first = try await client.call(.get, "/v1/admin/audit?limit=2", world.dana).decode(AuditPage.self)
            #expect(first.events.count == 2 && first.events[0].sequence > first.events[1].sequence)
            let next = try #require(first.next)
            let second = try await client.call(.get, "/v1/admin/audit?limit=2&before=\(next)", world.dana).decode(
                AuditPage.self)
            #expect(second.events[0].sequence < first.events[1].sequence)
            let late = first.events[1].sequence
            let after = try await client.call(.get, "/v1/admin/audit?after=\(late)", world.dana).decode(AuditPage.self)
            #expect(after.events.allSatisfy { $0.sequence > late } && after.next == nil)
        }
    }

    @Test func theChainIsVerifiedAgainstTheSignersRecords() async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob)
            let good = try await client.call(.get, "/v1/admin/audit/verify", world.dana).decode(AuditVerification.self)
            #expect(good.good && good.mints == 1, "\(good.problems)")
            world.signer.change { $0.mintTime = $0.mintTime + .seconds(3600) }
            let late = try await client.call(.get, "/v1/admin/audit/verify", world.dana).decode(AuditVerification.self)
            #expect(!late.good && late.problems.first?.contains("was minted at 20") == true, "\(late.problems)")
            world.signer.change { $0.mintTime = $0.mintTime + .seconds(-3600) }
            world.signer.change { state in
                var forged = state.minted[0]
                forged.position = AuditPosition(sequence: 4000, hash: AuditEvent.genesis)
                state.minted.append(forged)
            }
            let bad = try await client.call(.get, "/v1/admin/audit/verify", world.dana).decode(AuditVerification.self)
            #expect(!bad.good && !bad.problems.isEmpty)
        }
    }

    @Test func verifyingDoesNotStopAtALongPage() async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob)
            world.signer.change { state in
                let real = state.minted[0]
                state.minted = Array(repeating: real, count: 2001)  // one more than a page
                var forged = real
                forged.position = AuditPosition(sequence: 4000, hash: AuditEvent.genesis)
                state.minted.append(forged)
            }
            let bad = try await client.call(.get, "/v1/admin/audit/verify", world.dana).decode(AuditVerification.self)
            #expect(bad.mints == 2002 && !bad.good)
        }
    }

    /// However the two lists of the signer's records are paged, verifying sees all of both, and each once.
    @Test(arguments: [(2001, 3), (3, 2001), (4100, 2500), (2500, 4100), (2000, 2000)])
    func verifyingReadsBothListsToTheirEnds(mints: Int, heads: Int) async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob)
            world.signer.change { state in
                let real = state.minted[0]
                state.minted = (1...mints).map { number in
                    var forged = real
                    forged.position = AuditPosition(sequence: Int64(number) * 3, hash: AuditEvent.genesis)
                    return forged
                }
                state.heads = (1...heads).map { AuditPosition(sequence: Int64($0) * 2, hash: AuditEvent.genesis) }
            }
            let report = try await client.call(.get, "/v1/admin/audit/verify", world.dana).decode(
                AuditVerification.self)
            #expect((report.mints, report.heads, report.serviceReads) == (mints, heads, 7))
            #expect(report.countersigned == Int64(heads) * 2 && !report.good)
        }
    }

    /// What the steward read comes in pages as well: all of it is held against the chain, each once.
    @Test(arguments: [0, 1999, 2000, 2001, 4100])
    func verifyingReadsWhatTheStewardReadToItsEnd(count: Int) async throws {
        try await withWorld { world, _ in
            let job = try JobID("7")
            let positions = (0..<count).map { AuditPosition(sequence: Int64($0) * 3 + 1, hash: AuditEvent.genesis) }
            world.steward.change { state in
                state.read = positions.map {
                    ReadOutputRequest(
                        cluster: World.name, user: Self.alice, job: job, stream: .standardOutput, offset: 0, limit: 1,
                        position: $0)
                }
            }
            let book = KeptEvidence()
            let service = AuditService(gate: world.gate, book: book, signer: world.signer, steward: world.steward)
            let request = try #require(OpaqueID(rawValue: "0123456789abcdef"))
            _ = try await service.verify(for: .local(uid: 0), request: request)
            #expect(book.evidence?.reads.map(\.position) == positions)
        }
    }

    @Test func aTokenIsPaidForByItsOwnKindOfEvent() async throws {
        try await withWorld { world, client in
            _ = try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob)
            for purpose in [MintPurpose.cancel, .read] {
                world.signer.change { $0.minted[0].purpose = purpose }
                let bad = try await client.call(.get, "/v1/admin/audit/verify", world.dana).decode(
                    AuditVerification.self)
                #expect(!bad.good && bad.problems.count == 1, "\(bad.problems)")
            }
        }
    }

    @Test(
        arguments: [
            ("submit", .person(action: "job.submit")), ("cancel", .person(action: "job.cancel")),
            ("update", .person(action: "job.update")),
            ("read", .person(action: "job.read")),
            ("cancel-leaver-job", .system(action: "system.cancel-leaver-job")),
            ("hold-leaver-job", .system(action: "system.hold-leaver-job")), ("read-queue", .none),
            ("read-accounting", .none), ("", .none), ("delete", .none),
        ] as [(String, AuditMint.Payer)])
    func everyPurposeHasItsPayer(purpose: String, payer: AuditMint.Payer) {
        #expect(AuditMint.Payer(purpose: purpose) == payer)
        #expect((MintPurpose(rawValue: purpose) == nil) || (ServicePurpose(rawValue: purpose) == nil))
    }

    @Test func theHeadIsCountersigned() async throws {
        try await withWorld { world, _ in
            let witness = HeadWitness(
                book: world.audit, signer: world.signer, interval: .seconds(60), log: world.server.dependencies.log)
            let head = await witness.witness(after: nil)
            let position = try #require(head)
            #expect(world.signer.now.countersigned == [position])
            #expect(await witness.witness(after: head) == head)
            #expect(world.signer.now.countersigned.count == 1)
        }
    }

    @Test func theLocalSocketAdministersWithoutASession() async throws {
        try await withWorld { world, _ in
            let door = LocalAdministration(permitted: [0]) { _ in 0 }
            try await Application(router: world.server.localRouter(door)).test(.router) { client in
                let role = try await client.call(
                    .post, "/v1/admin/identities/bob/role", body: #"{"role": "administrator"}"#)
                #expect(role.status == .ok)
                let audit = try await client.call(.get, "/v1/admin/audit?actor=local:0").decode(AuditPage.self)
                #expect(audit.events.contains { $0.action == "admin.grant" })
                try await client.expect(.notFound, .get, "/v1/me")
            }
        }
    }

    @Test func theLocalSocketIsForItsUsersAlone() async throws {
        try await withWorld { world, _ in
            let door = LocalAdministration(permitted: [0]) { _ in 1000 }
            try await Application(router: world.server.localRouter(door)).test(.router) { client in
                try await client.expect(.forbidden, .get, "/v1/admin/identities")
            }
        }
    }
}

/// A book that finds nothing and keeps what it was given to compare with.
private final class KeptEvidence: AuditBook {
    private let state = Mutex<AuditEvidence?>(nil)
    var evidence: AuditEvidence? { state.withLock { $0 } }

    func page(_ query: AuditQuery) async throws -> AuditEvents { AuditEvents(events: [], next: nil) }
    func head() async throws -> AuditPosition? { nil }
    func append(_ draft: AuditDraft) async throws -> AuditPosition {
        AuditPosition(sequence: 1, hash: AuditEvent.genesis)
    }

    func verifyChain(_ evidence: AuditEvidence) async throws -> AuditReport {
        state.withLock { $0 = evidence }
        return AuditReport(events: 0, mints: 0, heads: 0, serviceReads: 0, countersigned: 0, problems: [])
    }
}
