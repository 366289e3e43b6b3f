// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Takes the text of one file apart, in the dialect of Python 2's ConfigParser with StarCluster's comments. Pure.
///
/// A line that is not understood is a problem of the section that it stands in, and of nothing else.
struct INIParser {
    private let file: String
    private(set) var sections: [INISection] = []
    /// Keys under `[DEFAULT]`.
    private(set) var defaults: [INISection.Entry] = []
    /// Lines before the first section.
    private(set) var problems: [ConfigProblem] = []

    private enum Current {
        case none
        case defaults
        case section
    }
    private var current = Current.none
    /// Whether an indented line goes on with the last key.
    private var continues = false
    /// Whether indented lines belong to one that was reported.
    private var skips = false

    static func parse(_ text: String, file: String) -> INIParser {
        var parser = INIParser(file: file)
        var bytes = Array(text.utf8)[...]
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
        for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            parser.line(line, FilePlace(file: file, line: index + 1))
        }
        return parser
    }

    private init(file: String) { self.file = file }

    private mutating func line(_ line: ArraySlice<UInt8>, _ place: FilePlace) {
        let content = trimmed(line)
        guard let first = content.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { return }
        if line.first.map(isBlank) == true {
            guard !skips else { return }
            guard continues else {
                return refuse("an indented line goes on with the value before it, and there is none", place)
            }
            let rest = withoutComment(content)
            if !rest.isEmpty { append(String(decoding: rest, as: UTF8.self)) }
            return
        }
        continues = false
        skips = false
        if first == UInt8(ascii: "[") { return header(content, place) }
        guard let mark = content.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }),
            mark > content.startIndex
        else {
            skips = true
            return refuse("neither a section, a key with a value (KEY = VALUE) nor a comment", place)
        }
        let key = String(decoding: trimmed(content[..<mark]), as: UTF8.self).lowercased()
        let value = withoutComment(content[(mark + 1)...])
        add(key, String(decoding: value, as: UTF8.self), place)
    }

    private mutating func header(_ content: ArraySlice<UInt8>, _ place: FilePlace) {
        let title = content.dropFirst().prefix { $0 != UInt8(ascii: "]") }
        let rest = content[title.endIndex...]
        let words = title.split(whereSeparator: isBlank).map { String(decoding: $0, as: UTF8.self) }
        if words == ["DEFAULT"], !rest.isEmpty {
            current = .defaults
            return
        }
        var section = INISection(
            kind: words.first?.lowercased() ?? "", name: words.dropFirst().joined(separator: " "), place: place)
        if words.isEmpty {
            section.problems.append(section.problem("a section without a name", at: place))
        } else if rest.isEmpty {
            section.problems.append(section.problem("] is missing at the end of the section's name", at: place))
        } else if !withoutComment(rest.dropFirst()).isEmpty {
            section.problems.append(section.problem("nothing may follow ] but a comment", at: place))
        }
        sections.append(section)
        current = .section
    }

    private mutating func add(_ key: String, _ value: String, _ place: FilePlace) {
        let entry = INISection.Entry(key: key, place: place, raw: Secret(value == "\"\"" ? "" : value))
        switch current {
        case .none:
            refuse("a key stands before the first section", place)
        case .defaults: continues = INIParser.add(entry, to: &defaults)
        case .section: continues = INIParser.add(entry, to: &sections[sections.count - 1].entries)
        }
        skips = !continues
    }

    /// - Returns: whether the key is there for the first time.
    private static func add(_ entry: INISection.Entry, to entries: inout [INISection.Entry]) -> Bool {
        guard let index = entries.firstIndex(where: { $0.key == entry.key }) else {
            entries.append(entry)
            return true
        }
        entries[index].again.append(entry.place)
        return false
    }

    private mutating func append(_ text: String) {
        func extend(_ entries: inout [INISection.Entry]) {
            guard let last = entries.indices.last else { return }
            let before = entries[last].raw.reveal()
            entries[last].raw = Secret(before.isEmpty ? text : "\(before)\n\(text)")
        }
        switch current {
        case .none: break
        case .defaults: extend(&defaults)
        case .section: extend(&sections[sections.count - 1].entries)
        }
    }

    private mutating func refuse(_ message: String, _ place: FilePlace) {
        switch current {
        case .none, .defaults:
            problems.append(ConfigProblem(file: place.file, line: place.line, path: "", message: message))
        case .section:
            let last = sections.count - 1
            sections[last].problems.append(sections[last].problem(message, at: place))
        }
    }

    /// What stands before a `#` or `;` with white space before it, or at the beginning after some.
    private func withoutComment(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for index in bytes.indices.dropFirst()
        where (bytes[index] == UInt8(ascii: "#") || bytes[index] == UInt8(ascii: ";")) && isBlank(bytes[index - 1]) {
            return trimmed(bytes[..<index])
        }
        return trimmed(bytes)
    }

    private func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}
