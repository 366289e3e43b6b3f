// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// `clusters.yaml`.
struct NativeFile: SettingsSource {
    private let defaultTemplate: ConfigNode?
    private let templates: [ConfigNode.Entry]
    private let plugins: [ConfigNode.Entry]
    let inventory: ConfigNode?
    let strayProblems: [ConfigProblem]
    let idle: [IdleSettings] = []

    /// - Throws: `ConfigError` when the file as a whole is not of the form.
    init(_ root: ConfigNode, file: String) throws(ConfigError) {
        let reader = ConfigReader(file: file, files: .skip)
        let section = reader.root(root)
        func entries(_ key: String) -> [ConfigNode.Entry] {
            guard let value = section.optional(key) else { return [] }
            switch value.node.content {
            case .section(let entries): return entries
            case .empty: return []
            case .scalar, .text, .list:
                value.report("a section with a name for each of them is wanted")
                return []
            }
        }
        defaultTemplate = section.optional("default_template")?.node
        templates = entries("templates")
        plugins = entries("plugins")
        inventory = section.optional("clusters")?.node
        if let error = reader.error { throw error }
        strayProblems = section.unknown.map { ConfigProblem(file: file, line: $0.line, message: $0.message) }
        self.file = file
    }

    private let file: String

    var templateNames: [String] { templates.map(\.key) }
    var pluginNames: [String] { plugins.map(\.key) }

    func globals() throws(ConfigError) -> SettingsGlobals {
        guard let node = defaultTemplate else { return SettingsGlobals() }
        switch node.content {
        case .scalar(let text), .text(let text): return SettingsGlobals(defaultTemplate: text)
        case .empty, .list, .section:
            throw ConfigError([
                ConfigProblem(
                    file: file, line: node.line, path: "default_template", message: "a template's name is wanted")
            ])
        }
    }

    func region(environment: [String: String]) -> WithWarnings<String> {
        WithWarnings(value: ClusterSettings.usualRegion, warnings: [])
    }

    func template(_ name: String) throws(ConfigError) -> SettingsSection? { try section("templates", templates, name) }
    func plugin(_ name: String) throws(ConfigError) -> SettingsSection? { try section("plugins", plugins, name) }

    private func section(
        _ kind: String, _ all: [ConfigNode.Entry], _ name: String
    ) throws(ConfigError) -> SettingsSection? {
        guard let entry = all.first(where: { haveSameBytes($0.key, name) }) else { return nil }
        let path = "\(kind).\(name)"
        let entries: [ConfigNode.Entry]
        switch entry.value.content {
        case .section(let found): entries = found
        case .empty: entries = []
        case .scalar, .text, .list:
            throw ConfigError([
                ConfigProblem(file: file, line: entry.line, path: path, message: "a section with keys is wanted")
            ])
        }
        return SettingsSection(
            path: path, title: path, entries: entries, node: ConfigNode(line: entry.line, content: .section(entries)))
    }
}
