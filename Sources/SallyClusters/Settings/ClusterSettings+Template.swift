// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

extension ClusterSettings {
    /// Reads a template with what it extends, and checks nothing else.
    ///
    /// - Parameter name: nil is the default template.
    /// - Throws: `SallyError(.notFound)` when there is none of this name; `.misconfigured` with every problem of it.
    package func template(_ name: String?) throws -> WithWarnings<TemplateSettings> {
        let name = try name ?? defaultTemplate()
        do {
            guard let source, let first = try source.template(name) else {
                throw SallyError(
                    .notFound, "cluster template \(plain(name)) does not exist", hint: there(templateNames, "templates")
                )
            }
            return try read(name, chain(name, first, source), source)
        } catch let error as ConfigError { throw ClusterSettings.shown(error) }
    }

    /// A name as StarCluster's messages have it, without what a terminal would act on.
    func plain(_ name: String) -> String { String(quoted(name).dropFirst().dropLast()) }

    /// The template first, then what it extends, then what that does.
    private func chain(
        _ name: String, _ first: SettingsSection, _ source: any SettingsSource
    ) throws -> [SettingsSection] {
        var chain = [first]
        var names = [name]
        while let last = chain.last, let next = last.text("extends") {
            guard let section = try source.template(next) else {
                let title = form == .ini ? "cluster \(plain(next))" : "templates.\(plain(next))"
                throw ConfigError([
                    problem("\(last.title) can't extend non-existent section \(title)", at: "extends", of: last)
                ])
            }
            guard !names.contains(next) else {
                let circle = chain.map(\.title).joined(separator: ", ")
                throw ConfigError([
                    problem(
                        "Cyclical dependency between sections \(circle). Check your EXTENDS settings.", at: "extends",
                        of: last)
                ])
            }
            chain.append(section)
            names.append(next)
        }
        return chain
    }

    private func problem(_ message: String, at key: String, of section: SettingsSection) -> ConfigProblem {
        let value = section.entries.first { $0.key == key }?.value ?? section.node
        return ConfigProblem(file: value.file ?? file, line: value.line, message: message)
    }

    private func read(
        _ name: String, _ chain: [SettingsSection], _ source: any SettingsSource
    ) throws -> WithWarnings<TemplateSettings> {
        let own = chain[0]
        // What the template says itself nobody reads elsewhere.
        let globals = chain.contains { $0.has("provider") } ? SettingsGlobals() : try source.globals()
        let region =
            chain.contains { $0.has("region") }
            ? WithWarnings(value: ClusterSettings.usualRegion, warnings: [])
            : try source.region(environment: environment)
        var entries: [ConfigNode.Entry] = []
        for entry in chain.flatMap(\.entries) where !entries.contains(where: { $0.key == entry.key }) {
            entries.append(entry)
        }
        let reader = ConfigReader(file: file, files: .skip)
        reader.report(chain.flatMap(\.problems))
        if form == .ini, !chain.contains(where: { $0.has("nodes") }) {
            reader.report([
                problem("missing required option cluster_size in section \"\(own.title)\"", at: "", of: own)
            ])
        }
        let node = ConfigNode(file: own.node.file, line: own.node.line, content: .section(entries))
        let section = reader.section(node, path: own.path, pattern: "templates.*")
        let template = TemplateReader.read(section)
        _ = section.optional("extends")?.string()
        let given = section.optional("provider")
        let provider = given ?? globals.provider.flatMap { readGlobal("provider", $0, reader) }
        let settings = TemplateSettings(
            name: name, template: template, provider: provider?.choice(ProviderName.self) ?? .podman,
            providerOrigin: provider == nil ? .assumed : .written,
            region: section.optional("region").flatMap(readRegion) ?? region.value,
            clusterUser: section.optional("cluster_user")?.name(UserName.self),
            clusterShell: section.optional("cluster_shell")?.choice(ClusterShell.self) ?? .bash,
            plugins: section.optional("plugins").map { readPlugins($0, source) } ?? [])
        section.close()
        if let error = reader.error { throw error }
        return WithWarnings(value: settings, warnings: warnings + region.warnings + idle(chain, source))
    }

    private func readGlobal(_ key: String, _ node: ConfigNode, _ reader: ConfigReader) -> ConfigValue? {
        let entry = ConfigNode.Entry(key: key, line: node.line, value: node)
        let global = ConfigNode(file: node.file, line: node.line, content: .section([entry]))
        return reader.section(global, path: "[global]", pattern: "").optional(key)
    }

    private func readRegion(_ value: ConfigValue) -> String? {
        guard let text = value.string() else { return nil }
        return ClusterSettings.isRegion(text) ? text : value.fail("no region: \(ClusterSettings.regionRule)")
    }

    private func readPlugins(_ value: ConfigValue, _ source: any SettingsSource) -> [String] {
        var result: [String] = []
        for item in value.list() ?? [] {
            guard let name = item.string() else { continue }
            if !source.pluginNames.contains(where: { haveSameBytes($0, name) }) {
                item.report("plugin '\(plain(name))' not defined in config")
            } else if result.contains(name) {
                item.report("plugin '\(plain(name))' is given more than once")
            } else {
                result.append(name)
            }
        }
        return result
    }

    /// One warning for all that means nothing here.
    private func idle(_ chain: [SettingsSection], _ source: any SettingsSource) -> [String] {
        let texts = (chain.map(\.idle) + source.idle).compactMap(\.text)
        return texts.isEmpty ? [] : ["settings without meaning here: \(texts.joined(separator: "; "))"]
    }
}
