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

        @discardableResult func fail(began: ContinuousClock.Instant? = nil) -> CircuitBreaker.Change? {
            breaker.ended(.failed(why: "gone"), admitted: .go, began: began ?? now)
        }

        func end(_ outcome: CircuitBreaker.Outcome) -> CircuitBreaker.Change? {
            breaker.ended(outcome, admitted: .trial, began: now)
        }

        func open() { for _ in 0..<3 { fail() } }
    }

    @Test func failuresInARowStopTheAsking() {
        let bench = Bench()
        #expect(bench.fail() == nil)
        #expect(bench.fail() == nil)
        #expect(bench.breaker.admit(isRead: false) == .go)
        #expect(bench.fail() == .doesNotAnswer(why: "gone"))
        #expect(bench.breaker.admit(isRead: true) == .refused(why: "gone"))
        #expect(bench.breaker.admit(isRead: false) == .refused(why: "gone"))
    }

    @Test func anAnswerBetweenFailuresCountsThemAnew() {
        let bench = Bench()
        bench.fail()
        bench.fail()
        #expect(bench.breaker.ended(.answered, admitted: .go, began: bench.now) == nil)
        bench.fail()
        bench.fail()
        #expect(bench.breaker.admit(isRead: true) == .go)
    }

    @Test func afterThePauseOneReadTriesAndNothingElse() {
        let bench = Bench()
        bench.open()
        #expect(!bench.breaker.wantsLook)
        bench.pass(.seconds(1))
        #expect(bench.breaker.wantsLook)
        #expect(bench.breaker.admit(isRead: false) == .refused(why: "gone"), "a change is no trial")
        #expect(bench.breaker.admit(isRead: true) == .trial)
        #expect(bench.breaker.admit(isRead: true) == .refused(why: "gone"), "one trial at a time")
        #expect(bench.end(.answered) == .answersAgain)
        #expect(bench.breaker.admit(isRead: false) == .go)
    }

    @Test func pausesGrowUpToALimit() {
        let bench = Bench()
        bench.open()
        for pause in [1, 2, 4, 4] {
            bench.pass(.seconds(pause) - .milliseconds(1))
            #expect(bench.breaker.admit(isRead: true) == .refused(why: "gone"))
            bench.pass(.milliseconds(1))
            #expect(bench.breaker.admit(isRead: true) == .trial)
            #expect(bench.end(.failed(why: "gone")) == nil)
        }
    }

    @Test func aTrialThatIsGivenUpLeavesTheNextOne() {
        let bench = Bench()
        bench.open()
        bench.pass(.seconds(1))
        #expect(bench.breaker.admit(isRead: true) == .trial)
        #expect(bench.end(.abandoned) == nil)
        #expect(bench.breaker.admit(isRead: true) == .trial)
    }

    @Test func whoGaveUpSaysNothingOfTheDaemon() {
        let bench = Bench()
        for _ in 0..<10 { _ = bench.breaker.ended(.abandoned, admitted: .go, began: bench.now) }
        #expect(bench.breaker.admit(isRead: true) == .go)
    }

    /// Calls that waited for their deadline while others were answered.
    @Test func failuresThatBeganBeforeTheLastAnswerDoNotCount() {
        let bench = Bench()
        let before = bench.now
        bench.pass(.seconds(1))
        _ = bench.breaker.ended(.answered, admitted: .go, began: bench.now)
        for _ in 0..<10 { bench.fail(began: before) }
        #expect(bench.breaker.admit(isRead: true) == .go)
    }

    /// A straggler's failure neither ends a trial nor makes the pause longer.
    @Test func onlyTheTrialEndsTheTrial() {
        let bench = Bench()
        bench.open()
        bench.pass(.seconds(1))
        #expect(bench.breaker.admit(isRead: true) == .trial)
        bench.fail()
        #expect(bench.breaker.admit(isRead: true) == .refused(why: "gone"))
        #expect(bench.end(.answered) == .answersAgain)
    }
}
