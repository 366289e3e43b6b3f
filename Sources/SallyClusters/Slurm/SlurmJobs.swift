// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// A job that a node cannot be removed without: it runs there, or waits for that very node.
package struct JobOnNode: Sendable, Equatable {
    /// As squeue names it, also parts of arrays: `12`, `13_4`, `14_[5-9]`.
    package var id: String
    package var user: String
    package var isRunning: Bool
    /// It named the node: Slurm forgets such a job when the node is gone.
    package var asksForNode: Bool

    /// Of the lines that `SlurmNodes.jobs` prints: `ID|USER|on` with `+asks`.
    ///
    /// - Throws: `SallyError(.unavailable)` for anything else.
    static func parse(_ text: String) throws -> [JobOnNode] {
        try text.split(separator: "\n").map { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            guard fields.count == 3, isID(fields[0]) else {
                throw SallyError(.unavailable, "squeue cannot be understood", cause: quoted(String(line)))
            }
            let ways = fields[2].split(separator: "+")
            return JobOnNode(
                id: String(fields[0]), user: String(fields[1]), isRunning: ways.contains("on"),
                asksForNode: ways.contains("asks"))
        }
    }

    private static func isID(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, (0x31...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { (0x30...0x39).contains($0) || "_[],-%+".utf8.contains($0) }
    }

    /// `job 12 of linus`, and at most five of them.
    package static func list(_ jobs: [JobOnNode]) -> String {
        let shown = jobs.prefix(5).map { "\($0.id) of \(plain($0.user))" }.joined(separator: ", ")
        return jobs.count > 5 ? "\(shown) and \(jobs.count - 5) more" : shown
    }
}
