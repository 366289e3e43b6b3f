// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// What Slurm said of submissions whose outcome is open all the same. Where it turns out that there is no job, it was a refusal.
///
/// A job_submit plugin that returns `slurm.ERROR` is heard as -1 (seen with 22.05.8 and 24.11.5), and so is an answer of slurmctld's that
/// slurmrestd could not believe. In memory alone: after a restart such a submission is sent again, and refused again.
final class LastWords: Sendable {
    private let words = Mutex<[Int64: SlurmRefusal]>([:])

    /// Reservations that are settled elsewhere are never asked for.
    private static let most = 10_000

    func keep(_ word: SlurmRefusal, of reservation: Int64) {
        words.withLock { words in
            if words.count >= LastWords.most { words = [:] }
            words[reservation] = word
        }
    }

    func take(_ reservation: Int64) -> SlurmRefusal? { words.withLock { $0.removeValue(forKey: reservation) } }
}
