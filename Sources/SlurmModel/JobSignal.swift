// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The warning before a job's time is over: `[B:]SIGNAL[@SECONDS]` (sbatch(1) --signal).
package struct JobSignal: Sendable, Hashable, CustomStringConvertible {
    /// A name without SIG, or a number.
    package var name: String
    package var seconds: Int
    /// Only to the batch shell, not to the steps.
    package var batchOnly: Bool

    package static let names: Set<String> = [
        "HUP", "INT", "QUIT", "ABRT", "KILL", "ALRM", "TERM", "USR1", "USR2", "URG", "CONT", "STOP", "TSTP", "TTIN",
        "TTOU",
    ]

    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        var rest = Substring(text)
        batchOnly = rest.hasPrefix("B:")
        if batchOnly { rest = rest.dropFirst(2) }
        let halves = rest.split(separator: "@", omittingEmptySubsequences: false)
        let refusal = SallyError(
            .invalidRequest, "signal \(quoted(text)) is not valid",
            hint: "[B:]SIGNAL[@SECONDS], such as USR1@120 or B:TERM@60")
        guard (1...2).contains(halves.count), let name = JobSignal.canonical(halves[0]) else { throw refusal }
        // The default of sbatch(1).
        var seconds = 60
        if halves.count == 2 {
            guard let number = decimal(halves[1]), number <= 65535 else { throw refusal }
            seconds = number
        }
        self.name = name
        self.seconds = seconds
    }

    package var description: String { "\(batchOnly ? "B:" : "")\(name)@\(seconds)" }

    /// A signal's name without SIG, or its number from 1 to 64.
    package static func canonical(_ text: some StringProtocol) -> String? {
        if let number = decimal(text) { return (1...64).contains(number) ? "\(number)" : nil }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        return names.contains(name) ? name : nil
    }
}
