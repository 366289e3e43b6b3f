// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Collects what is wrong while a file is read, and which keys the reading knows. One for each file; not shared.
final class ConfigReader {
    let file: String
    let files: FileChecks
    private(set) var problems: [ConfigProblem] = []
    /// Every key asked for, with `[]` for any place in a list and `*` for any name: `clusters[].name`.
    private(set) var knownKeys: Set<String> = []

    init(file: String, files: FileChecks) {
        self.file = file
        self.files = files
    }

    func report(_ message: String, at path: String, line: Int?) {
        problems.append(ConfigProblem(file: file, line: line, path: path, message: message))
    }

    func know(_ pattern: String) { knownKeys.insert(pattern) }

    /// The error that holds everything reported so far; nil when that is nothing.
    var error: ConfigError? { problems.isEmpty ? nil : ConfigError(problems) }

    /// The whole file as a section; what is no section is reported and reads as an empty one.
    func root(_ node: ConfigNode) -> ConfigSection {
        ConfigValue(node: node, path: "", pattern: "", reader: self).section()
            ?? ConfigSection(
                entries: [], line: node.line, path: "", pattern: "", reader: self)
    }
}

/// Whether reading a file also looks at the files that it names.
package enum FileChecks: Sendable {
    /// Keys and secrets must be there and private.
    case check
    /// Only the text is judged.
    case skip
}

/// A mapping of keys while it is being read. `close()` reports what nobody asked for.
final class ConfigSection {
    private let entries: [ConfigNode.Entry]
    private var asked: Set<String> = []
    let line: Int
    let path: String
    let pattern: String
    let reader: ConfigReader

    init(entries: [ConfigNode.Entry], line: Int, path: String, pattern: String, reader: ConfigReader) {
        self.entries = entries
        self.line = line
        self.path = path
        self.pattern = pattern
        self.reader = reader
    }

    /// The value of `key`, nil when it is not there.
    func optional(_ key: String) -> ConfigValue? {
        asked.insert(key)
        reader.know(pattern.isEmpty ? key : "\(pattern).\(key)")
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        return ConfigValue(
            node: entry.value, path: path.isEmpty ? key : "\(path).\(key)",
            pattern: pattern.isEmpty ? key : "\(pattern).\(key)", reader: reader)
    }

    /// The same, reporting when it is not there.
    func required(_ key: String) -> ConfigValue? {
        if let value = optional(key) { return value }
        reader.report("\(quoted(key)) is missing", at: path, line: line)
        return nil
    }

    func report(_ message: String) { reader.report(message, at: path, line: line) }

    /// Every entry, where the keys are names that people choose.
    func named() -> [(key: String, value: ConfigValue)] {
        entries.map { entry in
            asked.insert(entry.key)
            return (
                entry.key,
                ConfigValue(
                    node: entry.value, path: path.isEmpty ? entry.key : "\(path).\(entry.key)", pattern: "\(pattern).*",
                    reader: reader)
            )
        }
    }

    /// Reports keys that nobody asked for, with the nearest that there is.
    func close() {
        for entry in entries where !asked.contains(entry.key) {
            let near = nearest(to: entry.key, among: asked)
            reader.report(
                "unknown key \(quoted(entry.key))" + (near.map { "; did you mean \(quoted($0))?" } ?? ""), at: path,
                line: entry.line)
        }
    }
}

/// The candidate that needs the fewest changes of one character (Levenshtein), if that is at most a third of its length.
func nearest(to text: String, among candidates: some Collection<String>) -> String? {
    let scored = candidates.map {
        ($0, distance(Array(text.lowercased().utf8.prefix(64)), Array($0.lowercased().utf8)))
    }
    guard let best = scored.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }), best.1 <= max(1, best.0.utf8.count / 3) else {
        return nil
    }
    return best.0
}

private func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let changed = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}
