// SPDX-License-Identifier: Apache-2.0

/// One field of a job description: how each API version spells it, and what the gateway does with it. The rows drive what is
/// sent to slurmrestd, what is read from its clients, what is refused with which words, and docs/fields.md.
package struct DescriptionField: Sendable {
    /// The long option of sbatch(1) with `_` for `-`; where sbatch has none, Slurm's own name.
    package let key: String
    /// What of a `JobRequest` it carries; nil for what is refused or stripped.
    let part: DescriptionKey?
    package let policy: FieldPolicy
    package let effect: FieldEffect
    package let update: FieldUpdate
    let spellings: [FieldSpelling]
    /// What a reader would not guess.
    let remark: String

    /// A field that a request can say.
    init(
        _ part: DescriptionKey, _ key: String, _ policy: FieldPolicy, _ effect: FieldEffect, _ update: FieldUpdate,
        _ spellings: [FieldSpelling], _ remark: String = ""
    ) {
        self.key = key
        self.part = part
        self.policy = policy
        self.effect = effect
        self.update = update
        self.spellings = spellings
        self.remark = remark
    }

    /// A field that is refused, but where it says nothing.
    init(refused key: String, _ reason: RefusedField, _ spellings: [FieldSpelling], _ remark: String = "") {
        self.init(key, .refused(reason), spellings, remark)
    }

    /// A field that is read and left out, because what it says means nothing for a job of the gateway's.
    init(stripped key: String, _ spellings: [FieldSpelling], _ remark: String) {
        self.init(key, .stripped, spellings, remark)
    }

    private init(_ key: String, _ policy: FieldPolicy, _ spellings: [FieldSpelling], _ remark: String) {
        self.key = key
        part = nil
        self.policy = policy
        effect = .nothing
        update = .never
        self.spellings = spellings
        self.remark = remark
    }
}

package enum FieldPolicy: Sendable, Equatable {
    /// Taken over once its form is right; nobody gains by it.
    case allowed
    /// Rules or quotas decide over it.
    case judged
    /// Read into another field, and judged there.
    case normalised
    /// Read and left out.
    case stripped
    /// Refused by name, with the reason.
    case refused(RefusedField)

    var name: String {
        switch self {
        case .allowed: "allowed"
        case .judged: "judged"
        case .normalised: "normalised"
        case .stripped: "stripped"
        case .refused: "refused"
        }
    }
}

/// What of the upper bounds or of the rules a field moves.
package enum FieldEffect: String, Sendable {
    case nothing = "–"
    /// Names something that rules permit or deny.
    case rules
    case nodes, tasks, cpus, memory, gpus, time
    /// Multiplies everything.
    case arrayTasks = "array tasks"
    /// A job of its own gets whole nodes.
    case wholeNodes = "whole nodes"
}

/// Whether an update may change it (slurmctld's `_update_job`).
package enum FieldUpdate: String, Sendable {
    case never = "no"
    case whilePending = "while pending"
    case always = "yes"
}

/// How a field is spelt and encoded in a range of API versions.
struct FieldSpelling: Sendable {
    /// A dot before the name of a part: `rlimits.cpu`.
    let name: String
    let versions: ClosedRange<Int>
    let form: FieldForm
    let role: Role

    enum Role: Sendable {
        /// What is sent, and read.
        case canonical
        /// Read alone.
        case alias
        /// slurmrestd itself refuses it in these versions.
        case disabled
        /// slurmrestd takes it and does nothing with it.
        case removed
    }

    init(_ name: String, _ versions: ClosedRange<Int>, _ form: FieldForm, _ role: Role = .canonical) {
        self.name = name
        self.versions = versions
        self.form = form
        self.role = role
    }
}

/// The JSON of a field.
enum FieldForm: Hashable, Sendable {
    case text
    /// A plain number, as wide as slurmctld keeps it.
    case integer(Width)
    /// `{"set": true, "infinite": false, "number": 5}`
    case number(Width)
    case flag
    /// An array of texts.
    case list
    /// An array of words in upper case, one text in a list for a single value.
    case words
    /// `{"PATH": "/bin"}`
    case map
    /// `["PATH=/bin"]`
    case assignments
    /// A moment as sbatch's --begin takes it. Moments without a zone would be read in slurmrestd's own.
    case moment
    /// An object of its own kind.
    case object

    enum Width: Int, Sendable {
        case sixteen = 16
        case thirtyTwo = 32
        case sixtyFour = 64

        /// slurm/slurm.h: INFINITE is all ones, NO_VAL one less.
        var infinite: UInt64 { rawValue == 64 ? .max : (1 << UInt64(rawValue)) - 1 }
        var noValue: UInt64 { infinite - 1 }
    }

    var name: String {
        switch self {
        case .text: "text"
        case .integer: "number"
        case .number: "number structure"
        case .flag: "flag"
        case .list: "list"
        case .words: "list of words"
        case .map: "object"
        case .assignments: "list of NAME=VALUE"
        case .moment: "moment"
        case .object: "object"
        }
    }
}
