// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// A line of a file.
package struct FilePlace: Sendable, Hashable, CustomStringConvertible {
    package let file: String
    /// 1 is the first.
    package let line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    package var description: String { "\(file):\(line)" }
}

/// A section of an INI file: `[kind name]` and the keys below it.
///
/// Values are secrets until somebody asks for one by name, because sections such as `[aws info]` hold some.
package struct INISection: Sendable {
    /// The first word of the title, in lower case: `cluster`, `plugin`, `global`, `aws`.
    package let kind: String
    /// The rest of it: `createusers`; empty for `[global]`.
    package let name: String
    package let place: FilePlace
    package internal(set) var entries: [Entry] = []
    /// Lines that are neither a key nor a continuation. No message shows what stands in them.
    package internal(set) var problems: [ConfigProblem] = []
    /// What `[DEFAULT]` says for all sections.
    var defaults: [Entry] = []

    /// A key with its value, `%` not yet replaced. It prints its place alone: half of a secret that was broken in two looks
    /// like a key.
    package struct Entry: Sendable, CustomStringConvertible, CustomReflectable {
        /// In lower case.
        package let key: String
        package let place: FilePlace
        /// Lines are separated by newlines, comments taken off.
        var raw: Secret<String>
        /// Where the key stands again.
        var again: [FilePlace] = []

        package var description: String { place.description }
        package var customMirror: Mirror { Mirror(self, children: ["place": place]) }
    }

    /// A value that was asked for.
    package struct Value: Sendable, Equatable {
        package let text: String
        package let place: FilePlace

        /// What stands between commas, without white space around it; empty where nothing does.
        package var items: [String] {
            guard !text.isEmpty else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map { item in
                var rest = item.drop { $0.isWhitespace }
                while rest.last?.isWhitespace == true { rest.removeLast() }
                return String(rest)
            }
        }
    }

    /// As it is written between the brackets: `cluster smallcluster`.
    package var title: String { name.isEmpty ? kind : "\(kind) \(name)" }

    /// The keys that stand here twice.
    package var repeated: [ConfigProblem] {
        entries.flatMap { entry in entry.again.map { repeated(entry, at: $0) } }
    }

    private func repeated(_ entry: Entry, at place: FilePlace) -> ConfigProblem {
        problem("\(plain(entry.key)) is given twice, first in \(entry.place)", at: place)
    }

    private func plain(_ key: String) -> String { String(quoted(key).dropFirst().dropLast()) }

    func problem(_ message: String, at place: FilePlace) -> ConfigProblem {
        ConfigProblem(file: place.file, line: place.line, path: "[\(plain(title))]", message: message)
    }

    /// The value of `key`, from this section or `[DEFAULT]`, with `%(name)s` replaced; nil where there is none.
    ///
    /// - Parameter key: in lower case.
    /// - Throws: `ConfigError` for a key given twice, a bare `%`, and a name that does not exist or leads back to itself.
    package func value(of key: String) throws(ConfigError) -> Value? {
        guard let entry = entry(key) else { return nil }
        if !entry.again.isEmpty { throw ConfigError(entry.again.map { repeated(entry, at: $0) }) }
        return Value(text: try expanded(entry, of: entry, depth: 0), place: entry.place)
    }

    private func entry(_ key: String) -> Entry? {
        entries.first { $0.key == key } ?? defaults.first { $0.key == key }
    }

    /// Python's ConfigParser replaces ten times at most (MAX_INTERPOLATION_DEPTH).
    private func expanded(_ entry: Entry, of origin: Entry, depth: Int) throws(ConfigError) -> String {
        func refuse(_ message: String) -> ConfigError {
            ConfigError([problem("\(plain(origin.key)): \(message)", at: origin.place)])
        }
        guard depth < 10 else { throw refuse("%(name)s leads back to itself, or through more than ten values") }
        let raw = Array(entry.raw.reveal().utf8)
        var result: [UInt8] = []
        var index = 0
        while index < raw.count {
            guard raw[index] == UInt8(ascii: "%") else {
                result.append(raw[index])
                index += 1
                continue
            }
            switch raw[(index + 1)...].first {
            case UInt8(ascii: "%"):
                result.append(UInt8(ascii: "%"))
                index += 2
            case UInt8(ascii: "("):
                let name = raw[(index + 2)...].prefix { $0 != UInt8(ascii: ")") }
                guard raw[name.endIndex...].dropFirst().first == UInt8(ascii: "s") else {
                    throw refuse("%(name)s is wanted, with the s; %% is the sign itself")
                }
                let key = String(decoding: name, as: UTF8.self).lowercased()
                guard let other = self.entry(key) else {
                    throw refuse("%(\(plain(key)))s: neither the section nor [DEFAULT] has \(quoted(key))")
                }
                result += Array(try expanded(other, of: origin, depth: depth + 1).utf8)
                index = name.endIndex + 2
            default:
                throw refuse("a bare % stands in the value; %% is the sign itself, %(name)s the value of name")
            }
            guard result.count <= 1 << 16 else { throw refuse("%(name)s makes more than 65536 bytes of it") }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
