// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The most leaf switches between a job's nodes, and how long to wait for so few: `COUNT[@TIME]` (sbatch(1) --switches).
package struct SwitchCount: Sendable, Hashable, CustomStringConvertible {
    package var count: Int
    /// Nil: slurm.conf(5) max_switch_wait. Slurm counts in seconds here, the notation in minutes.
    package var seconds: Int?

    package init(count: Int, seconds: Int?) {
        self.count = count
        self.seconds = seconds
    }

    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let refusal = SallyError(
            .invalidRequest, "switches \(quoted(text)) is not valid", hint: "COUNT[@TIME], such as 1 or 2@1:00:00")
        guard let count = decimal(halves[0]), count > 0, count <= 1_000_000 else { throw refusal }
        self.count = count
        if halves.count == 2 {
            guard let seconds = TimeLimit.seconds(String(halves[1])), seconds <= SwitchCount.longest else {
                throw refusal
            }
            self.seconds = seconds
        }
    }

    /// Ten years: slurmctld keeps it in 32 bits.
    static let longest = 10 * 366 * 86400

    package var description: String {
        guard let seconds else { return "\(count)" }
        let (hours, rest) = (seconds / 3600, seconds % 3600)
        return "\(count)@\(hours / 24)-\(twoDigits(hours % 24)):\(twoDigits(rest / 60)):\(twoDigits(rest % 60))"
    }
}
