// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Keeps a daemon that does not answer from costing anything: after a few calls in a row without an answer, further ones
/// fail at once, and from time to time one that only asks for a sign of life is let through to see whether it answers again.
///
/// What Slurm refuses is an answer. A call that began before the last answer came says nothing about the time since.
final class CircuitBreaker: Sendable {
    struct Settings: Sendable {
        /// Calls in a row without an answer.
        var failures = 5
        /// The first pause; each further one is twice as long.
        var pause = Duration.seconds(1)
        var longestPause = Duration.seconds(15)
    }

    /// What a call is for.
    enum Purpose: Sendable, Equatable {
        /// A sign of life: it changes nothing and costs next to nothing.
        case look
        case work
    }

    /// What a call may do.
    struct Admission: Sendable, Equatable {
        enum Kind: Sendable, Equatable {
            case go
            /// A look, and one alone.
            case trial
            case refused(why: String)
        }

        let kind: Kind
        /// When it was given: all that the call meets came later.
        let time: ContinuousClock.Instant
    }

    enum Outcome: Sendable, Equatable {
        case answered
        case failed(why: String)
        /// The caller went away, or the call never went out for want of a connection: it says nothing about the daemon.
        case abandoned
    }

    private enum State {
        case closed(failures: Int)
        case open(until: ContinuousClock.Instant, pause: Duration, why: String)
        /// Somebody is looking.
        case trying(pause: Duration, why: String)
    }

    private struct Memory {
        var state = State.closed(failures: 0)
        var lastAnswer: ContinuousClock.Instant?
    }

    private let settings: Settings
    private let now: @Sendable () -> ContinuousClock.Instant
    private let memory = Mutex(Memory())

    init(
        _ settings: Settings = Settings(), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.settings = settings
        self.now = now
    }

    /// What a call may do. After `trial` the caller has to say how it ended, or nobody looks again.
    func admit(_ purpose: Purpose) -> Admission {
        memory.withLock { memory in
            let now = now()
            switch memory.state {
            case .closed: return Admission(kind: .go, time: now)
            case .open(let until, let pause, let why):
                guard purpose == .look, until <= now else { return Admission(kind: .refused(why: why), time: now) }
                memory.state = .trying(pause: pause, why: why)
                return Admission(kind: .trial, time: now)
            case .trying(_, let why): return Admission(kind: .refused(why: why), time: now)
            }
        }
    }

    /// Whether work would be let through if a look were answered first.
    var wantsLook: Bool {
        let now = now()
        return memory.withLock { memory in
            guard case .open(let until, _, _) = memory.state else { return false }
            return until <= now
        }
    }

    /// - Returns: what to tell in the log; nil where nothing has changed.
    func ended(_ outcome: Outcome, _ admission: Admission) -> Change? {
        memory.withLock { memory in
            let now = now()
            switch outcome {
            case .answered:
                defer { memory.state = .closed(failures: 0) }
                memory.lastAnswer = now
                if case .closed = memory.state { return nil }
                return .answersAgain
            case .abandoned:
                guard admission.kind == .trial, case .trying(let pause, let why) = memory.state else { return nil }
                memory.state = .open(until: now, pause: pause, why: why)
                return nil
            case .failed(let why):
                if let answer = memory.lastAnswer, admission.time < answer { return nil }
                switch memory.state {
                case .closed(let failures) where failures + 1 < settings.failures:
                    memory.state = .closed(failures: failures + 1)
                    return nil
                case .closed:
                    memory.state = .open(until: now + settings.pause, pause: settings.pause, why: why)
                    return .doesNotAnswer(why: why)
                case .trying(let pause, _) where admission.kind == .trial:
                    let next = min(pause * 2, settings.longestPause)
                    memory.state = .open(until: now + next, pause: next, why: why)
                    return nil
                case .open, .trying: return nil
                }
            }
        }
    }

    enum Change: Sendable, Equatable {
        case doesNotAnswer(why: String)
        case answersAgain
    }
}
