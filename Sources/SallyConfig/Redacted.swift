// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension ConfigFile {
    /// What `sallyd config show` prints: every key of the file as it was read, defaults left away. A file holds references
    /// to secrets and no secret; a value under a key that sounds like one is left out all the same.
    ///
    /// - Throws: `ConfigError` as `parse` does: what is not valid is not shown.
    package static func show(_ text: String, file: String, files: FileChecks = .skip) throws(ConfigError) -> String {
        _ = try parse(text, file: file, files: files)
        return try ConfigNode.yaml(text, file: file).lines(depth: 0).joined(separator: "\n") + "\n"
    }

    /// The same of a file, which is checked as `load` checks it.
    package static func showFile(_ path: String) throws(ConfigError) -> String {
        let text: String
        do {
            text = try readConfigFile(path)
        } catch {
            throw ConfigError([ConfigProblem(file: path, line: nil, path: "", message: error.withoutPath)])
        }
        return try show(text, file: path, files: .check)
    }
}

extension ConfigNode {
    /// As YAML, one value a line.
    fileprivate func lines(depth: Int) -> [String] {
        let indent = String(repeating: "  ", count: depth)
        switch content {
        case .empty: return ["\(indent)~"]
        case .scalar(let text): return [indent + text]
        case .text(let text): return [indent + quoted(text)]
        case .list(let items):
            return items.isEmpty
                ? ["\(indent)[]"]
                : items.flatMap { item -> [String] in
                    let lines = item.lines(depth: depth + 1)
                    return ["\(indent)- \(lines[0].dropFirst(indent.utf8.count + 2))"] + lines.dropFirst()
                }
        case .section(let entries):
            return entries.isEmpty
                ? ["\(indent){}"]
                : entries.flatMap { entry -> [String] in
                    if entry.holdsSecret { return ["\(indent)\(entry.key): <redacted>"] }
                    let lines = entry.value.lines(depth: depth + 1)
                    return entry.value.isScalar
                        ? ["\(indent)\(entry.key): \(lines[0].dropFirst(indent.utf8.count + 2))"]
                        : ["\(indent)\(entry.key):"] + lines
                }
        }
    }

    private var isScalar: Bool {
        switch content {
        case .empty, .scalar, .text: true
        case .list(let items): items.isEmpty
        case .section(let entries): entries.isEmpty
        }
    }
}

extension ConfigNode.Entry {
    /// Whether the value itself, not a reference, stands under a key that sounds secret.
    fileprivate var holdsSecret: Bool {
        guard ["secret", "password", "token"].contains(where: { key.lowercased().contains($0) }) else { return false }
        switch value.content {
        case .scalar, .text: return true
        case .empty, .list, .section: return false
        }
    }
}
