// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// The options of `submit`: sbatch(1)'s, which are `JobField`'s, and our own, read as getopt_long(3) reads them:
/// `--name=value`, `--name value`, unambiguous beginnings of long names, `-nvalue`, `-n value`, flags joined.
enum SubmissionOption: Hashable {
    case field(JobField)
    /// --no-requeue.
    case noRequeue
    case export, wrap, parsable, testOnly, quiet
    case follow, json, context, cluster, key
    /// What Slurm knows and the gateway does not offer.
    case refused(RefusedField)

    enum Value: Equatable {
        case none, required
        /// Only after `=`; without it the option means this (sbatch(1) --exclusive, --nice).
        case optional(String)
    }

    var value: Value {
        switch self {
        case .field(.exclusive): .optional(JobRequest.Exclusive.node.rawValue)
        case .field(.nice): .optional("100")
        case .field(let field): field.kind == .flag ? .none : .required
        case .export, .wrap, .context, .cluster, .key: .required
        case .noRequeue, .parsable, .testOnly, .quiet, .follow, .json, .refused: .none
        }
    }

    /// Only on the command line: in #SBATCH lines these say nothing about the job.
    var onlyOnCommandLine: Bool {
        switch self {
        case .field, .noRequeue, .export, .parsable, .testOnly, .quiet, .refused: false
        case .wrap, .follow, .json, .context, .cluster, .key: true
        }
    }

    static let long: [String: SubmissionOption] = {
        var table: [String: SubmissionOption] = [:]
        for (name, reason) in RefusedField.options { table[dashed(name)] = .refused(reason) }
        for field in JobField.allCases { table[dashed(field.rawValue)] = .field(field) }
        for (name, option) in own { table[name] = option }
        return table
    }()

    private static let own: [(String, SubmissionOption)] = [
        ("no-requeue", .noRequeue), ("export", .export), ("wrap", .wrap), ("parsable", .parsable), ("quiet", .quiet),
        ("test-only", .testOnly), ("follow", .follow), ("json", .json), ("context", .context), ("cluster", .cluster),
        ("clusters", .cluster), ("idempotency-key", .key),
    ]

    static let short: [Character: SubmissionOption] = [
        "A": .field(.account), "a": .field(.array), "b": .field(.begin), "D": .field(.chdir),
        "C": .field(.constraint), "c": .field(.cpusPerTask), "d": .field(.dependency), "e": .field(.error),
        "G": .field(.gpus),
        "H": .field(.hold), "i": .field(.input), "J": .field(.jobName), "N": .field(.nodes), "n": .field(.ntasks),
        "o": .field(.output), "p": .field(.partition), "q": .field(.qos), "t": .field(.time), "M": .cluster,
        "Q": .quiet, "w": .field(.nodelist), "x": .field(.exclude), "B": .refused(.unbounded), "F": .refused(.reach),
        "I": .refused(.identity), "k": .field(.noKill), "L": .refused(.uncounted), "m": .refused(.unbounded),
        "O": .refused(.unbounded), "S": .refused(.uncounted), "s": .refused(.unbounded), "v": .refused(.local),
        "W": .refused(.local),
    ]

    private static func dashed(_ name: String) -> String { String(name.map { $0 == "_" ? "-" : $0 }) }
}

/// One option as it was said.
struct SaidOption {
    var option: SubmissionOption
    /// As it was written, for messages.
    var spelling: String
    var value: String?
}

/// Options up to the first word that is none, and the words from there on.
struct SubmissionWords {
    private(set) var options: [SaidOption] = []
    private(set) var rest: [String] = []

    /// - Throws: `SallyError(.invalidRequest)` for what sbatch does not know, `(.unsupported)` for what it knows and
    ///   the gateway does not offer.
    init(_ words: [String]) throws {
        var words = words[...]
        while let word = words.first {
            if word == "--" {
                words = words.dropFirst()
                break
            }
            guard word.hasPrefix("-"), word != "-" else { break }
            words = words.dropFirst()
            if word.hasPrefix("--") { try readLong(word, &words) } else { try readShort(word, &words) }
        }
        rest = Array(words)
    }

    private mutating func readLong(_ word: String, _ words: inout ArraySlice<String>) throws {
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = try SubmissionWords.fullName(String(parts[0]))
        guard let option = SubmissionOption.long[name] else { throw SubmissionWords.unknown("--\(parts[0])") }
        let spelling = "--\(name)"
        try SubmissionWords.permit(option, spelling)
        let given = parts.count == 2 ? String(parts[1]) : nil
        let value: String?
        switch option.value {
        case .none:
            guard given == nil else { throw SallyError(.invalidRequest, "option \(spelling) takes no value") }
            value = nil
        case .optional(let usual): value = given ?? usual
        case .required: value = try given ?? SubmissionWords.following(spelling, &words)
        }
        options.append(SaidOption(option: option, spelling: spelling, value: value))
    }

    private mutating func readShort(_ word: String, _ words: inout ArraySlice<String>) throws {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            let spelling = "-\(letter)"
            guard let option = SubmissionOption.short[letter] else { throw SubmissionWords.unknown(spelling) }
            try SubmissionWords.permit(option, spelling)
            guard option.value == .required else {
                options.append(SaidOption(option: option, spelling: spelling, value: nil))
                continue
            }
            let value = try letters.isEmpty ? SubmissionWords.following(spelling, &words) : String(letters)
            return options.append(SaidOption(option: option, spelling: spelling, value: value))
        }
    }

    private static func following(_ spelling: String, _ words: inout ArraySlice<String>) throws -> String {
        guard let value = words.popFirst() else {
            throw SallyError(.invalidRequest, "option \(spelling) needs a value", hint: "see `sally submit --help`")
        }
        return value
    }

    private static func fullName(_ name: String) throws -> String {
        if SubmissionOption.long[name] != nil { return name }
        let matching = SubmissionOption.long.keys.filter { !name.isEmpty && $0.hasPrefix(name) }.sorted()
        guard matching.count <= 1 else {
            throw SallyError(
                .invalidRequest, "option --\(name) is ambiguous",
                hint: "it may be " + matching.prefix(6).map { "--\($0)" }.joined(separator: ", "))
        }
        return matching.first ?? name
    }

    private static func permit(_ option: SubmissionOption, _ spelling: String) throws {
        if case .refused(let refused) = option {
            throw SallyError(
                .unsupported, "option \(spelling) is not offered: \(refused.reason)", hint: refused.hint)
        }
    }

    private static func unknown(_ spelling: String) -> SallyError {
        SallyError(.invalidRequest, "unrecognized option \(quoted(spelling))", hint: "see `sally submit --help`")
    }
}
