// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Puts one section of a StarCluster file into the words of the native form.
struct StarClusterTranslation {
    private let section: INISection
    private var result: SettingsSection
    private var taken: Set<String> = []

    init(_ section: INISection) {
        self.section = section
        let node = ConfigNode(file: section.place.file, line: section.place.line, content: .section([]))
        result = SettingsSection(
            path: "[\(section.title)]", title: section.title, entries: [], node: node,
            problems: section.repeated, idle: IdleSettings(section: "[\(section.title)]"))
    }

    func finished() -> SettingsSection { result }

    mutating func take(_ keys: [StarClusterKeys.Key]) {
        for key in keys {
            taken.insert(key.spelling)
            do throws(ConfigError) {
                guard let value = try section.value(of: key.spelling) else { continue }
                if let content = try content(value, key) { add(key.native, value, content) }
            } catch {
                report(error)
                result.refused.insert(key.native)
            }
        }
    }

    /// `command`, `timeout`, and whatever stands beside them, which is the program's own.
    mutating func takeCommand() {
        var settings: [ConfigNode.Entry] = []
        if let other = section.entries.first(where: { $0.key == "setup_class" }) {
            result.problems.append(
                ConfigProblem(
                    file: other.place.file, line: other.place.line, path: result.path,
                    message: "setup_class and command: give one of the two"))
        }
        for key in section.entries.map(\.key) {
            do throws(ConfigError) {
                guard let value = try section.value(of: key) else { continue }
                if key == "command" {
                    add(key, value, .text(value.text))
                } else if key == "timeout" {
                    add(key, value, .scalar(value.text))
                } else {
                    settings.append(
                        ConfigNode.Entry(key: key, line: value.place.line, value: value.node(.text(value.text))))
                }
            } catch { report(error) }
        }
        let line = section.place.line
        result.entries.append(
            ConfigNode.Entry(
                key: "settings", line: line,
                value: ConfigNode(file: section.place.file, line: line, content: .section(settings))))
    }

    /// What stands in no table goes over as it is, so that the reader can say that it does not know it.
    mutating func takeRest() {
        for key in section.entries.map(\.key) where !taken.contains(key) && key != "setup_class" {
            do throws(ConfigError) {
                if let value = try section.value(of: key) { add(key, value, .text(value.text)) }
            } catch { report(error) }
        }
    }

    /// What such a file means where it says nothing.
    mutating func imply(_ key: String, _ text: String) {
        guard !result.has(key) else { return }
        let line = section.place.line
        result.entries.append(
            ConfigNode.Entry(
                key: key, line: line,
                value: ConfigNode(file: section.place.file, line: line, content: .scalar(text))))
    }

    /// What is left means nothing here, whether it is `known` or not.
    mutating func idle(known: Set<String>) {
        result.idle.keys = section.entries.map(\.key).filter { !taken.contains($0) }.map {
            StarClusterTranslation.named($0, known: known, meant: taken)
        }
    }

    /// A key in a list of those without meaning: with what was probably meant if it is not one of StarCluster's.
    static func named(_ key: String, known: Set<String>, meant: Set<String>) -> String {
        guard !known.contains(key) else { return key }
        let near = nearest(to: key, among: meant.union(known))
        let shown = quoted(key).dropFirst().dropLast()
        return near.map { "\(shown) (did you mean \($0)?)" } ?? "\(shown) (unknown)"
    }

    private mutating func report(_ error: ConfigError) {
        result.problems += error.problems.filter { !result.problems.contains($0) }
    }

    private mutating func add(_ key: String, _ value: INISection.Value, _ content: ConfigNode.Content) {
        result.entries.append(ConfigNode.Entry(key: key, line: value.place.line, value: value.node(content)))
    }

    /// nil where nothing was given.
    private func content(
        _ value: INISection.Value, _ key: StarClusterKeys.Key
    ) throws(ConfigError) -> ConfigNode.Content? {
        func refuse(_ message: String) -> ConfigError {
            ConfigError([
                ConfigProblem(file: value.place.file, line: value.place.line, path: "", message: message)
            ])
        }
        func list(_ items: [String]) -> ConfigNode.Content { .list(items.map { value.node(.text($0)) }) }
        func expected(_ what: String) -> ConfigError {
            refuse("Expected \(what) value for setting \(key.spelling) in section [\(section.title)]")
        }
        switch key.form {
        case .text: return value.text.isEmpty ? nil : .text(value.text)
        case .number: return .scalar(value.text)
        case .integer:
            guard let number = Int(value.text) else { throw expected("integer") }
            return .scalar(String(number))
        case .boolean:
            switch value.text.lowercased() {
            case "1", "yes", "true", "on": return .scalar("true")
            case "0", "no", "false", "off": return .scalar("false")
            default: throw expected("True/False")
            }
        case .list: return list(value.items.filter { !$0.isEmpty })
        case .names: return value.text.isEmpty ? nil : list(value.items)
        case .counts:
            return .section(
                value.items.filter { !$0.isEmpty }.map { item in
                    let halves = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                    let count = halves.count == 2 ? halves[1].drop { $0.isWhitespace } : ""
                    return ConfigNode.Entry(
                        key: String(halves[0]), line: value.place.line, value: value.node(.scalar(String(count))))
                })
        case .clusterSize:
            guard let size = Int(value.text) else { throw expected("integer") }
            guard (2...65).contains(size) else {
                throw refuse(
                    "cluster_size is \(size) in section [\(section.title)]; 2 to 65 is wanted: the controller and 1 to"
                        + " 64 nodes")
            }
            return .scalar(String(size - 1))
        case .shell:
            guard ClusterShell(rawValue: value.text) != nil else {
                throw refuse(
                    "\"\(key.spelling)\" setting in section \"\(section.title)\" must be one of: "
                        + ClusterShell.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return .text(value.text)
        }
    }
}
