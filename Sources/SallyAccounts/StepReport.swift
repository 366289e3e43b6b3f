// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport

/// What a script of ours reported.
enum StepReport {
    /// - Throws: `SallyError(.unavailable)` when the answer is cut off: what was done is not known then.
    static func parse(_ completion: Completion, on node: NodeName) throws -> [KeeperReport.Step] {
        try parseUsers(completion, on: node).map(\.step)
    }

    /// With the user that each step was for.
    ///
    /// - Throws: as `parse`.
    static func parseUsers(_ completion: Completion, on node: NodeName) throws -> [ClusterReport.UserStep] {
        var steps: [ClusterReport.UserStep] = []
        var ended = false
        for fields in ReportLines.fields(completion.output) {
            if fields == ["end"] {
                ended = true
            } else if fields.count == 4 || fields.count == 5, fields[0] == "step",
                let outcome = KeeperReport.Outcome(rawValue: fields[2])
            {
                let step = KeeperReport.Step(
                    name: fields[1], place: node.rawValue, outcome: outcome, detail: fields[3])
                steps.append(ClusterReport.UserStep(user: fields.count == 5 ? fields[4] : nil, step: step))
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
