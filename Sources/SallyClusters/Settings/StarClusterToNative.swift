// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Writes a StarCluster file as `clusters.yaml`. Pure.
struct StarClusterToNative {
    let source: any SettingsSource
    private var notCarried: [String] = []

    init(source: any SettingsSource) { self.source = source }

    func converted() -> ConvertedSettings {
        var work = self
        return work.convert()
    }

    private mutating func convert() -> ConvertedSettings {
        for problem in source.strayProblems { notCarried.append(problem.description) }
        let source = source
        let globals = attempt(source.globals) ?? SettingsGlobals()
        let region = attempt { () throws(ConfigError) in try source.region(environment: [:]).value }
        var root: [ConfigNode.Entry] = []
        if let name = globals.defaultTemplate { root.append(entry("default_template", .text(name))) }
        let templates = source.templateNames.compactMap { template($0, globals, region) }
        let plugins = source.pluginNames.compactMap { plugin($0) }
        if !templates.isEmpty { root.append(entry("templates", .section(templates))) }
        if !plugins.isEmpty { root.append(entry("plugins", .section(plugins))) }
        for idle in source.idle { leaveOut(idle) }
        return ConvertedSettings(text: YAMLText.write(root), notCarried: notCarried)
    }

    /// What is above all sections goes into the templates that extend no other.
    private mutating func template(
        _ name: String, _ globals: SettingsGlobals, _ region: String?
    ) -> ConfigNode.Entry? {
        guard let section = read(name, source.template) else { return nil }
        leaveOut(section.idle)
        var entries = section.entries
        if section.text("extends") == nil {
            if !section.has("provider"), let provider = globals.provider {
                entries.append(ConfigNode.Entry(key: "provider", line: provider.line, value: provider))
            }
            if !section.has("region"), let region, region != ClusterSettings.usualRegion {
                entries.append(entry("region", .text(region)))
            }
        }
        return entry(name, .section(entries))
    }

    private mutating func plugin(_ name: String) -> ConfigNode.Entry? {
        guard let section = read(name, source.plugin) else { return nil }
        let own: Set = section.has("command") ? ["command", "timeout", "settings"] : ["type"]
        let known = Set(StarClusterKeys.createUsers.map(\.native)).union(own)
        for entry in section.entries where !known.contains(entry.key) {
            notCarried.append("\(section.path) \(shown(entry.key)): not known")
        }
        let entries = section.entries.filter { known.contains($0.key) }
        return entry(name, .section(entries.filter { $0.key == "type" } + entries.filter { $0.key != "type" }))
    }

    private mutating func read(
        _ name: String, _ section: (String) throws(ConfigError) -> SettingsSection?
    ) -> SettingsSection? {
        let found = attempt { () throws(ConfigError) in try section(name) } ?? nil
        notCarried += found?.problems.map(\.description) ?? []
        return found
    }

    private mutating func attempt<Value>(_ read: () throws(ConfigError) -> Value) -> Value? {
        do throws(ConfigError) { return try read() } catch {
            notCarried += error.problems.map(\.description)
            return nil
        }
    }

    private mutating func leaveOut(_ idle: IdleSettings) {
        var rest = idle
        if idle.section == "[aws info]" {
            let secrets = idle.keys.filter(StarClusterKeys.secrets.contains)
            rest.keys.removeAll(where: secrets.contains)
            if !secrets.isEmpty {
                notCarried.append("[aws info] \(secrets.joined(separator: ", ")): secrets are not carried over")
            }
        }
        if let text = rest.text { notCarried.append("\(text): without meaning here") }
    }

    private func entry(_ key: String, _ content: ConfigNode.Content) -> ConfigNode.Entry {
        ConfigNode.Entry(key: key, line: 0, value: ConfigNode(line: 0, content: content))
    }

    private func shown(_ key: String) -> Substring { quoted(key).dropFirst().dropLast() }
}
