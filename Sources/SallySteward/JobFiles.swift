// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Where a job writes, as Slurm said.
struct JobFiles: Sendable, Equatable, Codable {
    var job: JobID
    var uid: UInt32
    /// As Slurm prints it: tells this job from another that got the same number later.
    var submitted: String
    var standardOutput: String
    var standardError: String

    func path(_ stream: OutputStream) -> String {
        switch stream {
        case .standardOutput: standardOutput
        case .standardError: standardError
        }
    }
}

/// What the patterns in a job's file names stand for (sbatch(1), "filename pattern").
struct FilePattern: Sendable, Equatable {
    var job: JobID
    /// %A; the job's own number outside of an array.
    var arrayJob: String
    /// %a; nil outside of an array, where Slurm writes 4294967294.
    var arrayTask: String?
    var user: String
    var jobName: String
    /// %N: the first node's short name.
    var node: String
    var folder: String

    /// The absolute path that `pattern` means: `%%` and `%A %a %j %J %N %n %s %t %u %x`, with a width such as `%5j`
    /// for numbers. A backslash anywhere switches replacing off and is dropped. Empty means Slurm's default.
    func expand(_ pattern: String) -> String {
        let text = pattern.isEmpty ? (arrayTask == nil ? "slurm-%j.out" : "slurm-%A_%a.out") : pattern
        var path = text.contains("\\") ? text.filter { $0 != "\\" } : replaced(text)
        if !path.hasPrefix("/") { path = folder + "/" + path }
        return path
    }

    private func replaced(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            rest = rest[rest.index(after: percent)...]
            let width = rest.prefix { $0.isASCII && $0.isNumber }
            let after = rest[width.endIndex...]
            guard let letter = after.first, let value = value(of: letter) else {
                result += "%"
                continue
            }
            let number = value.allSatisfy { $0.isASCII && $0.isNumber }
            let pad = number ? min(Int(width) ?? 0, 10) - value.count : 0
            result += String(repeating: "0", count: max(0, pad)) + value
            rest = after.dropFirst()
        }
        return result + rest
    }

    private func value(of letter: Character) -> String? {
        switch letter {
        case "%": "%"
        case "A": arrayJob
        case "a": arrayTask ?? "4294967294"
        case "j", "J": "\(job)"
        case "N": node
        case "n", "t": "0"
        case "s": "batch"
        case "u": user
        case "x": jobName
        default: nil
        }
    }
}
