// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import Testing

@testable import SallyGateway
@testable import SallyStore

/// What one look means, rule by rule; OnceSimulationTests has all of them at work together.
@Suite struct SettlementTests {
    private let alice = UserName(unchecked: "alice")
    private let marker = SubmissionMarker.Maker(secret: Secret(Array(repeating: 7, count: 32))).marker(
        person: PersonID(rawValue: 1), cluster: ClusterName(unchecked: "demo"), operation: .submit, key: "k")
    private var comment: String { marker.appended(to: nil) }

    private func submission(_ state: Submission.State = .reserved, finished: Int64? = nil) -> Submission {
        Submission(
            id: 1, person: PersonID(rawValue: 1), user: alice, cluster: ClusterName(unchecked: "demo"),
            operation: .submit, idempotencyKey: "k", fingerprint: "f", position: AuditPosition(sequence: 1, hash: "h"),
            created: Timestamp(1000), mintBy: Timestamp(1020), state: state, finished: finished.map { Timestamp($0) })
    }

    private func settlement(
        _ began: Int64, accounting: Bool = true, keeps: Int64 = 300, lag: Duration? = .zero, behind: Int64 = 0
    ) -> Settlement {
        let now = Timestamp(began)
        return Settlement(
            began: now, ended: now, skew: ClockSkew(asked: now, answered: now, slurm: Timestamp(began - behind)),
            records: Settlement.Records(accounting: accounting, queueKeeps: .seconds(keeps)), accountingLag: lag)
    }

    @Test func aJobIsItsOwnersWhateverItsMarkerSays() throws {
        let bob = makeJob(7, UserName(unchecked: "bob"), comment: comment)
        let own = makeJob(8, alice, comment: comment)
        #expect(Settlement.job(of: submission(), marker, in: [bob], others: []) == nil)
        #expect(Settlement.job(of: submission(), marker, in: [bob, own], others: [])?.rawValue == 8)
        #expect(Settlement.job(of: submission(), marker, in: [own], others: [try JobID("8")]) == nil)
        #expect(Settlement.job(of: submission(), marker, in: [makeJob(9, alice, comment: "x")], others: []) == nil)
    }

    @Test func anArrayIsFoundByItsNumber() {
        var task = makeTask(12, of: 10, "10_2", alice)
        task.marker = marker
        #expect(Settlement.job(of: submission(), marker, in: [task], others: [])?.rawValue == 10)
    }

    /// 15 s of a token, 1 s that clocks may be apart unnoticed, 15 s of grace; and not at that second, but after it. The signer's
    /// clock may be 60 s behind: so much later it still makes what it has no record of yet.
    @Test(
        arguments: [
            (Submission.State.reserved, 1005, nil, 1036), (.unknown, 1005, 1020, 1036), (.unknown, nil, 1020, 1051),
            (.reserved, nil, nil, 1111),
        ] as [(Submission.State, Int64?, Int64?, Int64)])
    func noneIsSaidOnlyOfADeadToken(state: Submission.State, minted: Int64?, finished: Int64?, until: Int64) {
        let open = submission(state, finished: finished)
        let token = minted.map { Timestamp($0) }
        #expect(settlement(until).absence(of: open, minted: token) == .waiting(until: Timestamp(until)))
        #expect(settlement(until + 1).absence(of: open, minted: token) == .askAccounting)
    }

    /// slurmctld takes a token by its own clock, so long after it has ended by the gateway's.
    @Test func aTokenLivesAsLongAsSlurmsClockSays() {
        let (open, minted) = (submission(), Timestamp(1005))
        #expect(settlement(1126, behind: 90).absence(of: open, minted: minted) == .waiting(until: Timestamp(1126)))
        #expect(settlement(1127, behind: 90).absence(of: open, minted: minted) == .askAccounting)
        // One that is ahead ends them sooner, which is not counted on.
        #expect(settlement(1035, behind: -90).absence(of: open, minted: minted) == .waiting(until: Timestamp(1035)))
    }

    @Test func theQueueAloneIsEnoughAsLongAsItForgetsNothing() {
        func verdict(_ began: Int64, _ keeps: Int64) -> Settlement.Verdict {
            settlement(began, accounting: false, keeps: keeps).absence(of: submission(), minted: Timestamp(1000))
        }
        // A minute to spare, and a second for each clock.
        #expect(verdict(1237, 300) == .none)
        for (began, keeps) in [(1238, 300), (1100, 0), (1100, 60)] as [(Int64, Int64)] {
            guard case .undecidable(let why) = verdict(began, keeps) else {
                Issue.record("decided \(began) s, \(keeps) s")
                continue
            }
            #expect(why.contains("no accounting"))
        }
    }

    @Test func accountingWithoutCommentsIsNoProof() throws {
        var silent = makeJob(7, alice, state: "COMPLETED")
        func verdict(_ began: Int64, _ jobs: [QueuedJob], others: Set<JobID> = []) -> Settlement.Verdict {
            settlement(began).absence(of: submission(), fromAccounting: FinishedListing(jobs: jobs), others: others)
        }
        silent.view.submitted = Timestamp(1010)
        guard case .undecidable(let why) = verdict(5000, [silent]) else {
            Issue.record("decided")
            return
        }
        #expect(why.contains("job_comment") && why.contains("job 7"))
        // The queue has not forgotten it yet, and did not show it.
        #expect(verdict(1200, [silent]) == .none)
        // Comments are kept: this one had none.
        #expect(verdict(5000, [silent, makeJob(6, alice, comment: "x", state: "COMPLETED")]) == .none)
        #expect(verdict(5000, [silent], others: [try JobID("7")]) == .none)
        silent.view.submitted = Timestamp(900)
        #expect(verdict(5000, [silent]) == .none)
        #expect(verdict(5000, []) == .none)
    }

    /// What accounting was not told yet it does not have. A job leaves the queue 300 s after its end; a minute is to spare.
    @Test(
        arguments: [
            (.zero, 300, true), (.seconds(239), 300, true), (.seconds(240), 300, false), (nil, 300, false),
            (.seconds(1), 60, false), (.zero, 0, true),
        ] as [(Duration?, Int64, Bool)])
    func accountingThatWasNotToldEverythingIsNoProof(lag: Duration?, keeps: Int64, isProof: Bool) {
        let verdict = settlement(5000, keeps: keeps, lag: lag).absence(
            of: submission(),
            fromAccounting: FinishedListing(jobs: [makeJob(6, alice, comment: "x", state: "COMPLETED")]), others: [])
        if isProof {
            #expect(verdict == .none)
        } else if case .undecidable(let why) = verdict {
            #expect(why.contains("slurmdbd"))
        } else {
            Issue.record("decided")
        }
        // The queue has not forgotten it yet, and did not show it.
        let nothing = FinishedListing(jobs: [])
        #expect(settlement(1200, lag: lag).absence(of: submission(), fromAccounting: nothing, others: []) == .none)
    }

    /// What could not be read may be the job, whatever else is there; what the queue still shows needs none of it.
    @Test func accountingThatCouldNotBeReadWhollyIsNoProof() {
        let commented = makeJob(6, alice, comment: "x", state: "COMPLETED")
        let part = FinishedListing(jobs: [commented], passedOver: 2)
        guard
            case .undecidable(let why) = settlement(5000).absence(of: submission(), fromAccounting: part, others: [])
        else {
            Issue.record("decided")
            return
        }
        #expect(why.contains("too large") && why.contains("2"))
        #expect(settlement(1200).absence(of: submission(), fromAccounting: part, others: []) == .none)
    }

    /// Each cluster's slurm.conf says whether its comments are kept; and what is said to be another's may be this one's where
    /// the name by which accounting knows it is set wrong.
    @Test func jobsElsewhereProveNothing() {
        let commented = makeJob(6, alice, comment: "x", state: "COMPLETED")
        var silent = makeJob(7, alice, state: "COMPLETED")
        silent.view.submitted = Timestamp(1010)
        func verdict(_ accounting: FinishedListing) -> Settlement.Verdict {
            settlement(5000).absence(of: submission(), fromAccounting: accounting, others: [])
        }
        for accounting in [
            FinishedListing(jobs: [silent], elsewhere: [commented]), FinishedListing(jobs: [], elsewhere: [silent]),
        ] {
            guard case .undecidable(let why) = verdict(accounting) else {
                Issue.record("decided")
                continue
            }
            #expect(why.contains("job 7"))
        }
        #expect(verdict(FinishedListing(jobs: [commented], elsewhere: [silent])) == .none)
        #expect(verdict(FinishedListing(jobs: [], elsewhere: [commented])) == .none)
    }
}
