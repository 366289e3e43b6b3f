// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// A job or one of its steps, as the parameter `step` names it (src/common/slurm_protocol_defs.c, `slurm_parse_step_str`): `123`,
/// `123_4`, `123+1`, and each of these with `.0`, `.batch`, `.extern` or `.interactive` behind it.
struct FrontStep: Sendable, Hashable {
    let job: JobTarget
    /// A number or one of `words`; nil are all of them.
    let step: String?

    private static let words = ["batch", "extern", "interactive"]

    /// - Throws: `.invalidRequest`.
    init(_ text: String) throws {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        job = try FrontJob(halves[0]).target  // there is always one
        guard halves.count == 2 else {
            step = nil
            return
        }
        let name = halves[1]
        let isNumber = !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard let step = FrontStep.words.first(where: { $0 == name }) ?? (isNumber ? UInt32(name)?.description : nil)
        else {
            let words = FrontStep.words.joined(separator: ", ")
            throw SallyError(
                .invalidRequest, "step \(quoted(text)) is not valid",
                hint: "\(JobTarget.notation); after a dot a number, or one of \(words)")
        }
        self.step = step
    }

    /// What of a step's id, such as `5.batch` or `5.0+1`, says which step of the job it is.
    static func name(inID id: String) -> String? {
        let halves = id.split(separator: ".", maxSplits: 1)
        return halves.count == 2 ? String(halves[1].prefix { $0 != "+" }) : nil
    }
}
