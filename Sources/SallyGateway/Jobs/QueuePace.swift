// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// How often a queue is read: pure.
///
/// The pause between reads is at least one second and at least five times what a read of the whole list takes, or twice what one
/// of states takes, so that a slow cluster is asked less, and longer while slurmctld says that it is asked too often or does not
/// give the whole list in time. Whoever needs a newer read gets one sooner, but never is more than a third of the time spent on
/// reading. Where states are served the whole list is read by a rule of its own.
struct QueuePace: Sendable {
    /// How long the last read took.
    private(set) var took = Duration.zero
    /// What the pause before the next read has to be at least.
    private(set) var least = Duration.zero
    /// How many times as long as usual the pause is, since slurmctld said that it is asked too often, or was too late.
    private(set) var strain = 1

    /// No pause is longer, but where that would be more than a third of the time for reading.
    private static let longestPause = Duration.seconds(60)
    /// ESLURM: SLURMCTLD_COMMUNICATIONS_BACKOFF, of `SlurmctldParameters=rl_enable`.
    static let tooOften = 1804
    private static let largestStrain = 16

    mutating func succeeded(after took: Duration, _ least: Duration) {
        strain = max(1, strain / 2)
        self.took = took
        self.least = least
    }

    /// - Parameter isLateList: whether a whole list did not come in time, where the queue is followed by lists: it has cost slurmctld
    ///   all that it may cost. Where states are followed, `listInterval` says how soon a list is asked for again.
    mutating func failed(_ problem: SallyError, isLateList: Bool) {
        guard isLateList || problem.slurm?.number == QueuePace.tooOften else { return }
        strain = min(QueuePace.largestStrain, strain * 2)
    }

    func pauses(shortest: Duration, hasFailed: Bool) -> (rest: Duration, pause: Duration) {
        QueuePace.pauses(shortest: shortest, took: took, pace: least, strain: strain, hasFailed: hasFailed)
    }

    /// How long the loop pauses, and which part of that whatever happens.
    static func pauses(
        shortest: Duration, took: Duration, pace: Duration, strain: Int, hasFailed: Bool
    ) -> (rest: Duration, pause: Duration) {
        let usual = max(shortest, pace)
        let longest = max(longestPause, min(pace, took * 2))
        let pause = min((hasFailed ? max(usual, shortest * 4) : usual) * strain, longest)
        // Slurm says when it is too much: nobody's need comes before that.
        return (strain > 1 ? pause : min(took * 2, pause), pause)
    }

    /// What the whole list is wanted for where states are served.
    enum ListNeed: Sendable {
        /// For what states do not show.
        case rest
        /// More jobs have changed than are read one by one.
        case changed
        /// More jobs are not known at all than are read one by one.
        case missing

        /// - Parameters:
        ///   - missing: how many are not known.
        ///   - stale: of how many more is known to have changed than their state.
        init(missing: Int, stale: Int) {
            if missing > QueueReader.mostSingly {
                self = .missing
            } else {
                self = missing + stale > QueueReader.mostSingly ? .changed : .rest
            }
        }
    }

    /// How far apart two whole lists begin at least, where the last one took so long: 30 seconds for what states do not show, or
    /// thirty times what it took up to five minutes; but at most a sixth of the time is spent on it for that and for jobs that
    /// have changed, and at most a third for jobs that nobody knows.
    static func listInterval(after took: Duration, _ need: ListNeed) -> Duration {
        switch need {
        case .missing: took * 3
        case .changed: took * 6
        case .rest: max(.seconds(30), min(took * 30, .seconds(300)), took * 6)
        }
    }

    /// So long a read may take before it counts as failed: a whole list of many jobs takes its time.
    static func patience(_ silence: Duration, after reads: [Duration]) -> Duration {
        reads.reduce(silence) { max($0, $1 * 3) }
    }

    /// So long the next whole read may be away: the one that is under way, the rest after it, and that one itself take as long as
    /// these did.
    static func wait(_ least: Duration, after reads: [Duration]) -> Duration {
        reads.reduce(least) { max($0, $1 * 5) }
    }
}
