// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// How often a queue is read: pure.
///
/// The pause between reads is at least one second and at least five times what a read of the whole list takes, or twice what one
/// of states takes, so that a slow cluster is asked less, and longer while slurmctld says that it is asked too often. Whoever
/// needs a newer read gets one sooner, but never is more than half of the time spent on reading.
struct QueuePace: Sendable {
    /// How long the last read took.
    private(set) var took = Duration.zero
    /// What the pause before the next read has to be at least.
    private(set) var least = Duration.zero
    /// How many times as long as usual the pause is, since slurmctld said that it is asked too often.
    private(set) var strain = 1

    private static let longestPause = Duration.seconds(60)
    /// ESLURM: SLURMCTLD_COMMUNICATIONS_BACKOFF, of `SlurmctldParameters=rl_enable`.
    private static let tooOften = 1804
    private static let largestStrain = 16

    mutating func succeeded(after took: Duration, _ least: Duration) {
        strain = max(1, strain / 2)
        self.took = took
        self.least = least
    }

    mutating func failed(_ problem: SallyError) {
        if problem.slurm?.number == QueuePace.tooOften { strain = min(QueuePace.largestStrain, strain * 2) }
    }

    func pauses(shortest: Duration, hasFailed: Bool) -> (rest: Duration, pause: Duration) {
        QueuePace.pauses(shortest: shortest, took: took, pace: least, strain: strain, hasFailed: hasFailed)
    }

    /// How long the loop pauses, and which part of that whatever happens.
    static func pauses(
        shortest: Duration, took: Duration, pace: Duration, strain: Int, hasFailed: Bool
    ) -> (rest: Duration, pause: Duration) {
        let usual = max(shortest, pace)
        let pause = min((hasFailed ? max(usual, shortest * 4) : usual) * strain, longestPause)
        // Slurm says when it is too much: nobody's need comes before that.
        return (strain > 1 ? pause : min(took, pause), pause)
    }

    /// So long a read may take before it counts as failed: a whole list of many jobs takes its time.
    static func patience(_ silence: Duration, after reads: [Duration]) -> Duration {
        reads.reduce(silence) { max($0, $1 * 3) }
    }
}
