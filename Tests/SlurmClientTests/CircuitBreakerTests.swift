// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import SlurmClient

@Suite struct CircuitBreakerTests {
    /// A breaker, and a clock that stands still.
    private final class Bench: Sendable {
        private let time = Mutex(ContinuousClock.now)
        let breaker: CircuitBreaker

        init() {
            let place = Mutex<(@Sendable () -> ContinuousClock.Instant)?>(nil)
            breaker = CircuitBreaker(
                .init(failures: 3, pause: .seconds(1), longestPause: .seconds(4)),
                now: { place.withLock { $0 }?() ?? .now })
            place.withLock { place in place = { [weak self] in self?.now ?? .now } }
        }

        var now: ContinuousClock.Instant { time.withLock { $0 } }
        func pass(_ duration: Duration) { time.withLock { $0 += duration } }

        func admit(_ purpose: CircuitBreaker.Purpose) -> CircuitBreaker.Admission.Kind { breaker.admit(purpose).kind }

        @discardableResult func fail(began: ContinuousClock.Instant? = nil) -> CircuitBreaker.Change? {
            breaker.ended(.failed(why: "gone"), .init(kind: .go, time: began ?? now))
        }

        /// How a call of everyday work ended.
        func end(_ outcome: CircuitBreaker.Outcome) -> CircuitBreaker.Change? {
            breaker.ended(outcome, .init(kind: .go, time: now))
        }

        func endTrial(_ outcome: CircuitBreaker.Outcome) -> CircuitBreaker.Change? {
            breaker.ended(outcome, .init(kind: .trial, time: now))
        }

        func open() { for _ in 0..<3 { fail() } }
    }

    @Test func failuresInARowStopTheAsking() {
        let bench = Bench()
        #expect(bench.fail() == nil)
        #expect(bench.fail() == nil)
        #expect(bench.admit(.work) == .go)
        #expect(bench.fail() == .doesNotAnswer(why: "gone"))
        #expect(bench.admit(.look) == .refused(why: "gone"))
        #expect(bench.admit(.work) == .refused(why: "gone"))
    }

    @Test func anAnswerBetweenFailuresCountsThemAnew() {
        let bench = Bench()
        bench.fail()
        bench.fail()
        #expect(bench.end(.answered) == nil)
        bench.fail()
        bench.fail()
        #expect(bench.admit(.look) == .go)
    }

    @Test func afterThePauseOneLookTriesAndNothingElse() {
        let bench = Bench()
        bench.open()
        #expect(!bench.breaker.wantsLook)
        bench.pass(.seconds(1))
        #expect(bench.breaker.wantsLook)
        #expect(bench.admit(.work) == .refused(why: "gone"), "work is no trial")
        #expect(bench.admit(.look) == .trial)
        #expect(!bench.breaker.wantsLook, "somebody looks")
        #expect(bench.admit(.look) == .refused(why: "gone"), "one trial at a time")
        #expect(bench.admit(.work) == .refused(why: "gone"), "nothing before the answer")
        #expect(bench.endTrial(.answered) == .answersAgain)
        #expect(bench.admit(.work) == .go, "whoever looked goes on")
        #expect(!bench.breaker.wantsLook)
    }

    /// However long its caller had waited before: a trial that nobody counts would be the last.
    @Test func aTrialBeginsWhenItIsAdmitted() {
        let bench = Bench()
        bench.pass(.seconds(5))
        _ = bench.end(.answered)
        bench.open()
        bench.pass(.seconds(1))
        let trial = bench.breaker.admit(.look)
        #expect(trial == .init(kind: .trial, time: bench.now))
        bench.pass(.seconds(1))
        #expect(bench.breaker.ended(.failed(why: "still gone"), trial) == nil)
        #expect(bench.admit(.look) == .refused(why: "still gone"))
        bench.pass(.seconds(2))
        #expect(bench.admit(.look) == .trial)
    }

    @Test func pausesGrowUpToALimit() {
        let bench = Bench()
        bench.open()
        for pause in [1, 2, 4, 4] {
            bench.pass(.seconds(pause) - .milliseconds(1))
            #expect(bench.admit(.look) == .refused(why: "gone"))
            bench.pass(.milliseconds(1))
            #expect(bench.admit(.look) == .trial)
            #expect(bench.endTrial(.failed(why: "gone")) == nil)
        }
    }

    @Test func aTrialThatIsGivenUpLeavesTheNextOne() {
        let bench = Bench()
        bench.open()
        bench.pass(.seconds(1))
        #expect(bench.admit(.look) == .trial)
        #expect(bench.endTrial(.abandoned) == nil)
        #expect(bench.admit(.look) == .trial)
    }

    @Test func whoGaveUpSaysNothingOfTheDaemon() {
        let bench = Bench()
        for _ in 0..<10 { _ = bench.end(.abandoned) }
        #expect(bench.admit(.look) == .go)
    }

    /// Calls that waited for their deadline while others were answered.
    @Test func failuresThatBeganBeforeTheLastAnswerDoNotCount() {
        let bench = Bench()
        let before = bench.now
        bench.pass(.seconds(1))
        _ = bench.end(.answered)
        for _ in 0..<10 { bench.fail(began: before) }
        #expect(bench.admit(.look) == .go)
    }

    /// A straggler's failure neither ends a trial nor makes the pause longer.
    @Test func onlyTheTrialEndsTheTrial() {
        let bench = Bench()
        bench.open()
        bench.pass(.seconds(1))
        #expect(bench.admit(.look) == .trial)
        bench.fail()
        #expect(bench.end(.abandoned) == nil)
        bench.pass(.seconds(10))
        #expect(bench.admit(.look) == .refused(why: "gone"), "the trial still runs")
        #expect(bench.endTrial(.answered) == .answersAgain)
    }
}
