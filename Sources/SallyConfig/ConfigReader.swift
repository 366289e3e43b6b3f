// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Collects what is wrong while a file is read, and which keys the reading knows. One for each file; not shared.
package final class ConfigReader {
    let file: String
    let files: FileChecks
    package private(set) var problems: [ConfigProblem] = []
    /// Every key asked for, with `[]` for any place in a list and `*` for any name: `clusters[].name`.
    package private(set) var knownKeys: Set<String> = []

    package init(file: String, files: FileChecks) {
        self.file = file
        self.files = files
    }

    /// - Parameter file: where the line is, if that is another file than the one that is read.
    func report(_ message: String, at path: String, line: Int?, file: String? = nil) {
        problems.append(ConfigProblem(file: file ?? self.file, line: line, path: path, message: message))
    }

    /// Takes over what was found wrong before the reading.
    package func report(_ problems: [ConfigProblem]) { self.problems += problems }

    func know(_ pattern: String) { knownKeys.insert(pattern) }

    /// The error that holds everything reported so far; nil when that is nothing.
    package var error: ConfigError? { problems.isEmpty ? nil : ConfigError(problems) }

    /// The whole file as a section; what is no section is reported and reads as an empty one.
    package func root(_ node: ConfigNode) -> ConfigSection { section(node, path: "", pattern: "") }

    /// A part of a file as a section; what is no section is reported and reads as an empty one.
    ///
    /// - Parameters:
    ///   - path: what stands before its keys in messages, such as `plugins.createusers` or `[plugin createusers]`.
    ///   - pattern: the same with `*` for names that people choose.
    package func section(_ node: ConfigNode, path: String, pattern: String) -> ConfigSection {
        ConfigValue(node: node, path: path, pattern: pattern, reader: self).section()
            ?? ConfigSection(entries: [], node: node, path: path, pattern: pattern, reader: self)
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
package final class ConfigSection {
    private let entries: [ConfigNode.Entry]
    private var asked: Set<String> = []
    let line: Int
    let file: String?
    let path: String
    let pattern: String
    let reader: ConfigReader

    init(entries: [ConfigNode.Entry], node: ConfigNode, path: String, pattern: String, reader: ConfigReader) {
        self.entries = entries
        line = node.line
        file = node.file
        self.path = path
        self.pattern = pattern
        self.reader = reader
    }

    /// The value of `key`, nil when it is not there.
    package func optional(_ key: String) -> ConfigValue? {
        asked.insert(key)
        reader.know(pattern.isEmpty ? key : "\(pattern).\(key)")
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        return ConfigValue(
            node: entry.value, path: place(of: key), pattern: pattern.isEmpty ? key : "\(pattern).\(key)",
            reader: reader)
    }

    /// A key's path: `section.key` of YAML, `[section] key` of an INI file.
    private func place(of key: String) -> String {
        if path.isEmpty { return key }
        return path.hasPrefix("[") ? "\(path) \(key)" : "\(path).\(key)"
    }

    /// The same, reporting when it is not there.
    package func required(_ key: String) -> ConfigValue? {
        if let value = optional(key) { return value }
        reader.report("\(quoted(key)) is missing", at: path, line: line, file: file)
        return nil
    }

    package func report(_ message: String) { reader.report(message, at: path, line: line, file: file) }

    /// Reports what concerns the section, in the line of the first of `keys` that it has.
    package func report(_ message: String, lineOf keys: String...) {
        let entry = keys.lazy.compactMap { key in self.entries.first { $0.key == key } }.first
        reader.report(message, at: path, line: entry?.line ?? line, file: entry?.value.file ?? file)
    }

    /// Every entry, where the keys are names that people choose.
    package func named() -> [(key: String, value: ConfigValue)] {
        entries.map { entry in
            asked.insert(entry.key)
            return (
                entry.key,
                ConfigValue(node: entry.value, path: place(of: entry.key), pattern: "\(pattern).*", reader: reader)
            )
        }
    }

    /// Reports keys that nobody asked for, with the nearest that there is.
    package func close() {
        for unknown in unknown {
            reader.report(unknown.message, at: path, line: unknown.line, file: unknown.file)
        }
    }

    /// The keys that nobody asked for.
    package var unknown: [Unknown] {
        entries.filter { !asked.contains($0.key) }.map { entry in
            Unknown(
                key: entry.key, nearest: nearest(to: entry.key, among: asked), file: entry.value.file, line: entry.line)
        }
    }

    package struct Unknown: Sendable {
        package let key: String
        /// The key that was probably meant.
        package let nearest: String?
        package let file: String?
        package let line: Int

        /// `unknown key "nods"; did you mean "nodes"?`
        package var message: String {
            "unknown key \(quoted(key))" + (nearest.map { "; did you mean \(quoted($0))?" } ?? "")
        }
    }
}

/// The candidate that needs the fewest changes of one character (Levenshtein), if that is at most a third of its length.
package func nearest(to text: String, among candidates: some Collection<String>) -> String? {
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
