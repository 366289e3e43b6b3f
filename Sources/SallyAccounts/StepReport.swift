// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport

/// What a script of ours reported.
enum StepReport {
    /// - Throws: `SallyError(.unavailable)` when the answer is cut off: what was done is not known then.
    static func parse(_ completion: Completion, on node: NodeName) throws -> [KeeperReport.Step] {
        var steps: [KeeperReport.Step] = []
        var ended = false
        for line in completion.output.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            if fields == ["end"] {
                ended = true
            } else if fields.count == 4 || fields.count == 5, fields[0] == "step",
                let outcome = KeeperReport.Outcome(rawValue: fields[2])
            {
                steps.append(
                    KeeperReport.Step(name: fields[1], place: node.rawValue, outcome: outcome, detail: fields[3]))
            }
        }
        guard ended else {
            throw SallyError(
                .unavailable, "node \(node) did not say what it has done",
                hint: "ask again: every step may be repeated",
                cause: "status \(completion.status): \(quoted(completion.errorOutput))")
        }
        return steps
    }
}
