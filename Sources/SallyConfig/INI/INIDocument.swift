// SPDX-License-Identifier: Apache-2.0

import SallyModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An INI file as StarCluster's: `[kind name]` sections, with the files that `include` in `[global]` names appended.
///
/// Nothing is judged that nobody asks for: what is wrong with a section is said when that section is used.
package struct INIDocument: Sendable {
    /// The file that was asked for.
    package let file: String
    /// Of this file and then of those that it includes, in the order of their lines.
    package internal(set) var sections: [INISection] = []
    /// Lines that belong to no section.
    package internal(set) var problems: [ConfigProblem] = []

    /// - Parameter paths: what `~`, variables and relative names in `include` stand for; `file` itself is absolute.
    /// - Throws: `SallyError(.misconfigured)`, with StarCluster's words where it has some: the file or one that it
    ///   includes does not exist, is no regular file or cannot be read, is an address, or includes itself.
    package static func load(_ file: String, paths: PathExpansion) throws -> INIDocument {
        try load(file, text: text(of: file), paths: paths)
    }

    /// The same where the text of `file` was read already.
    package static func load(_ file: String, text: String, paths: PathExpansion) throws -> INIDocument {
        var loader = Loader(document: INIDocument(file: file), paths: paths)
        try loader.load(file, text, through: [], include: nil)
        return loader.finished()
    }

    /// What stands in a file of settings.
    ///
    /// - Throws: `SallyError(.misconfigured)` in StarCluster's words.
    package static func text(of file: String) throws -> String { try INIFile.read(file, include: nil) }

    /// The same from text that includes nothing.
    package static func parse(_ text: String, file: String) -> INIDocument {
        let parsed = INIParser.parse(text, file: file)
        var document = INIDocument(file: file)
        document.sections = parsed.sections
        document.problems = parsed.problems
        document.setDefaults(parsed.defaults)
        return document
    }

    private init(file: String) { self.file = file }

    /// The names of the sections of a kind, each once, in the order of the file.
    package func names(of kind: String) -> [String] {
        var seen: Set<String> = []
        return sections.filter { $0.kind == kind && seen.insert($0.name).inserted }.map(\.name)
    }

    /// The one section `[kind name]`; nil where there is none.
    ///
    /// - Throws: `ConfigError` where it stands twice, and for lines in it that are not understood.
    package func section(_ kind: String, _ name: String = "") throws(ConfigError) -> INISection? {
        let found = sections.filter { $0.kind == kind && $0.name == name }
        guard let section = found.first else { return nil }
        guard found.count == 1 else {
            throw ConfigError(
                found.dropFirst().map {
                    $0.problem("the section is given twice, first in \(section.place)", at: $0.place)
                })
        }
        guard section.problems.isEmpty else { throw ConfigError(section.problems) }
        return section
    }

    /// `[global]` of all files together: each may have one, because each may have an `include` of its own.
    ///
    /// - Throws: `ConfigError` where one file has two, and for lines in it that are not understood.
    package func global() throws(ConfigError) -> INISection? {
        let found = sections.filter { $0.kind == "global" && $0.name.isEmpty }
        guard var result = found.first else { return nil }
        var problems = found.flatMap(\.problems)
        for (index, section) in found.enumerated() {
            if let twin = found[..<index].first(where: { $0.place.file == section.place.file }) {
                problems.append(
                    section.problem("the section is given twice, first in \(twin.place)", at: section.place))
            }
        }
        guard problems.isEmpty else { throw ConfigError(problems) }
        for entry in found.dropFirst().flatMap(\.entries) where entry.key != "include" {
            if let index = result.entries.firstIndex(where: { $0.key == entry.key }) {
                result.entries[index].again.append(entry.place)
            } else {
                result.entries.append(entry)
            }
        }
        return result
    }

    fileprivate mutating func setDefaults(_ entries: [INISection.Entry]) {
        for index in sections.indices { sections[index].defaults = entries }
    }
}

/// Whether `text` is the address of a page, which is not fetched: settings say what runs as root.
package func isWebAddress(_ text: String) -> Bool {
    let text = text.lowercased()
    return text.hasPrefix("http://") || text.hasPrefix("https://")
}

/// Follows `include` from file to file.
private struct Loader {
    private static let fileLimit = 64

    var document: INIDocument
    let paths: PathExpansion
    private var defaults: [INISection.Entry] = []
    private var loaded: Set<String> = []

    init(document: INIDocument, paths: PathExpansion) {
        self.document = document
        self.paths = paths
    }

    /// - Parameters:
    ///   - through: the files that led here, links resolved.
    ///   - include: where it is included.
    mutating func load(_ path: String, _ text: String, through: [String], include: FilePlace?) throws {
        let real = INIFile.resolved(path)
        guard !through.contains(real) else {
            let circle = (through.drop { $0 != real } + [real]).joined(separator: " -> ")
            throw SallyError(
                .misconfigured, "include goes round in a circle: \(circle)",
                hint: include.map { "take the include in \($0) away" })
        }
        guard loaded.insert(real).inserted else { return }
        guard loaded.count <= Loader.fileLimit else {
            throw SallyError(.misconfigured, "\(document.file) includes more than \(Loader.fileLimit) files")
        }
        let parsed = INIParser.parse(text, file: path)
        document.sections += parsed.sections
        document.problems += parsed.problems
        defaults += parsed.defaults
        for var section in parsed.sections where section.kind == "global" && section.name.isEmpty {
            section.defaults = parsed.defaults
            guard section.entries.contains(where: { $0.key == "include" }) else { continue }
            let value: INISection.Value?
            do throws(ConfigError) {
                value = try section.value(of: "include")
            } catch {
                throw SallyError(.misconfigured, error.description, hint: "include = FILE, FILE")
            }
            guard let value else { continue }
            for name in value.items where !name.isEmpty { try follow(name, value.place, through + [real]) }
        }
    }

    private mutating func follow(_ name: String, _ place: FilePlace, _ through: [String]) throws {
        guard !isWebAddress(name) else {
            throw SallyError(
                .unsupported, "\(place): include names an address, and settings are not fetched from the network",
                hint: "save it as a file, look at it, and include that")
        }
        let path: String
        do { path = try paths.beside(place.file).expand(name) } catch {
            throw SallyError(.misconfigured, "\(place): include \(quoted(name)): \(error.message)")
        }
        try load(path, INIFile.read(path, include: place), through: through, include: place)
    }

    /// `[DEFAULT]` is one for all files, because they are read as if they were one.
    func finished() -> INIDocument {
        var document = document
        document.setDefaults(defaults)
        return document
    }
}

/// Reading of INI files, with StarCluster's words for what is wrong with them.
private enum INIFile {
    static func read(_ path: String, include: FilePlace?) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR) else {
            if let include {
                throw SallyError(.misconfigured, "include \(path) not found", hint: "it is included in \(include)")
            }
            throw SallyError(
                .misconfigured, "config file \(path) does not exist", hint: "docs/clusters-config.md describes it")
        }
        guard status.st_mode & S_IFMT == S_IFREG || status.st_mode == 0 else {
            throw SallyError(.misconfigured, "config \(path) exists but is not a regular file")
        }
        do { return try readConfigFile(path) } catch { throw error.error }
    }

    /// Links resolved; the path itself where that is not possible.
    static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
