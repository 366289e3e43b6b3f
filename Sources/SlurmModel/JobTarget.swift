// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A job or a part of one, as Slurm's commands spell it (scancel(1)): `123`, `123_4` for a task of an array, `123+1` for a
/// component of a heterogeneous job.
///
/// A part is always named by the number that was submitted: slurmctld gives one task of an array the array's own number,
/// and takes that number alone for all of its tasks.
package struct JobTarget: Sendable, Hashable, CustomStringConvertible {
    package enum Part: Sendable, Hashable {
        case task(Int)
        case component(Int)
        /// The tasks of an array that have not started. No client can spell it.
        case waiting
    }

    /// The number that was submitted.
    package let job: JobID
    /// Nil is all of it.
    package let part: Part?

    /// How one is spelled, for hints.
    package static let notation = "a number, NUMBER_TASK, or NUMBER+COMPONENT"

    /// The most that slurm.conf(5) permits for MaxArraySize and, far below, MAX_HET_JOB_COMPONENTS.
    private static let largestIndex = 4_000_000

    package init(job: JobID, part: Part? = nil) {
        self.job = job
        self.part = part
    }

    /// - Throws: `refusal`.
    package init(_ text: some StringProtocol) throws {
        let bytes = Array(text.utf8)
        let sign = bytes.firstIndex { $0 < 0x30 || $0 > 0x39 }
        let number = String(decoding: bytes[..<(sign ?? bytes.endIndex)], as: UTF8.self)
        guard let job = try? JobID(number) else { throw JobTarget.refusal(text) }  // names all that is taken
        guard let sign else {
            self.init(job: job)
            return
        }
        let index = decimal(String(decoding: bytes[(sign + 1)...], as: UTF8.self))
        guard bytes.count - sign <= 8, let index, index <= JobTarget.largestIndex else {
            throw JobTarget.refusal(text)
        }
        switch bytes[sign] {
        case UInt8(ascii: "_"): self.init(job: job, part: .task(index))
        case UInt8(ascii: "+"): self.init(job: job, part: .component(index))
        default: throw JobTarget.refusal(text)
        }
    }

    /// What is said of a text that names no job.
    package static func refusal(_ text: some StringProtocol, hint: String = JobTarget.notation) -> SallyError {
        SallyError(.invalidRequest, "job id \(quoted(String(text))) is not valid", hint: hint)
    }

    /// The array and those of its tasks that `123_[1-3,7]` stands for; nil for what is no such list.
    package static func list(_ text: String) -> (job: JobID, tasks: ArraySpec)? {
        guard text.hasSuffix("]"), let open = text.firstRange(of: "_["),
            let job = try? JobID(text[..<open.lowerBound]),  // no list of tasks
            let tasks = try? ArraySpec(String(text[open.upperBound...].dropLast()))  // no list of tasks
        else { return nil }
        return (job, tasks)
    }

    package var description: String {
        switch part {
        case nil: "\(job)"
        case .task(let index): "\(job)_\(index)"
        case .component(let index): "\(job)+\(index)"
        case .waiting: "\(job)_[waiting]"
        }
    }
}
