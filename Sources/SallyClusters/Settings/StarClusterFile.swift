// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// A StarCluster configuration in the words of the native form.
struct StarClusterFile: SettingsSource {
    let document: INIDocument

    /// - Throws: `SallyError(.misconfigured)` where no section is one of StarCluster's.
    init(_ document: INIDocument) throws {
        guard document.sections.contains(where: { StarClusterKeys.kinds.contains($0.kind) }) else {
            throw SallyError(
                .misconfigured, "No valid sections defined in config file \(document.file)",
                hint: "docs/clusters-config.md describes them")
        }
        self.document = document
    }

    var templateNames: [String] { document.names(of: "cluster").filter { !$0.isEmpty } }
    var pluginNames: [String] { document.names(of: "plugin").filter { !$0.isEmpty } }
    var inventory: ConfigNode? { nil }
    var strayProblems: [ConfigProblem] { document.problems }

    func globals() throws(ConfigError) -> SettingsGlobals {
        guard let section = try document.global() else { return SettingsGlobals() }
        let name = try section.value(of: "default_template")
        let provider = try section.value(of: "provider")
        return SettingsGlobals(
            defaultTemplate: name.flatMap { $0.text.isEmpty ? nil : $0.text },
            provider: provider.map { $0.node(.text($0.text)) })
    }

    func region(environment: [String: String]) throws(ConfigError) -> WithWarnings<String> {
        for variable in ["AWS_REGION_NAME", "aws_region_name"] {
            guard let text = environment[variable], !text.isEmpty else { continue }
            guard ClusterSettings.isRegion(text) else {
                throw ConfigError([
                    ConfigProblem(
                        file: variable, line: nil, path: "", message: "no region is set: \(ClusterSettings.regionRule)")
                ])
            }
            return WithWarnings(value: text, warnings: ["Setting '\(variable)' from environment..."])
        }
        // Beside secrets nothing is shown of a value that is not what it should be.
        guard let value = try document.section("aws", "info")?.value(of: "aws_region_name"), !value.text.isEmpty else {
            return WithWarnings(value: ClusterSettings.usualRegion, warnings: [])
        }
        guard ClusterSettings.isRegion(value.text) else {
            throw ConfigError([
                ConfigProblem(
                    file: value.place.file, line: value.place.line, path: "[aws info] aws_region_name",
                    message: "no region: \(ClusterSettings.regionRule)")
            ])
        }
        return WithWarnings(value: value.text, warnings: [])
    }

    func template(_ name: String) throws(ConfigError) -> SettingsSection? {
        guard !name.isEmpty, let section = try document.section("cluster", name) else { return nil }
        var translation = StarClusterTranslation(section)
        translation.take(StarClusterKeys.cluster)
        translation.idle(known: StarClusterKeys.idleCluster)
        return translation.finished()
    }

    func plugin(_ name: String) throws(ConfigError) -> SettingsSection? {
        guard !name.isEmpty, let section = try document.section("plugin", name) else { return nil }
        var translation = StarClusterTranslation(section)
        if section.entries.contains(where: { $0.key == "command" }) {
            translation.takeCommand()
            return translation.finished()
        }
        guard let kind = try section.value(of: "setup_class"), !kind.text.isEmpty else {
            throw ConfigError([
                ConfigProblem(
                    file: section.place.file, line: section.place.line, path: "",
                    message: "missing required option setup_class in section \"\(section.title)\"")
            ])
        }
        guard kind.text == StarClusterKeys.createUsersClass else {
            throw ConfigError([
                ConfigProblem(
                    file: kind.place.file, line: kind.place.line, path: "[\(section.title)] setup_class",
                    message: foreign(kind.text, name))
            ])
        }
        translation.take(StarClusterKeys.createUsers)
        translation.imply("type", "createusers")
        translation.imply("key_type", CreateUsersSettings.KeyType.rsa3072.rawValue)
        translation.imply("adopt_homes", "true")
        translation.takeRest()
        return translation.finished()
    }

    private func foreign(_ kind: String, _ name: String) -> String {
        kind.hasPrefix("starcluster.plugins.")
            ? "plugin \(quoted(name)) is StarCluster's \(quoted(kind)), which is not offered here; of StarCluster's plugins"
                + " \(StarClusterKeys.createUsersClass) is"
            : "plugin \(quoted(name)) is the Python class \(quoted(kind)), and no Python is run here; write it as an"
                + " executable and name that with `command = PATH` in place of setup_class (docs/cluster-plugins.md)"
    }

    var idle: [IdleSettings] {
        var result: [IdleSettings] = []
        for section in document.sections {
            var idle = IdleSettings(section: "[\(section.title)]")
            switch (section.kind, section.name) {
            case ("cluster", _), ("plugin", _): continue
            case ("global", ""):
                idle.keys = named(section, besides: StarClusterKeys.global, known: StarClusterKeys.idleGlobal)
            case ("aws", "info"):
                let keys = section.entries.map(\.key).filter { !StarClusterKeys.aws.contains($0) }
                idle.keys = keys.filter(StarClusterKeys.idleAWS.contains)
                // A line of a secret that was broken in two looks like a key: unknown ones are counted.
                let rest = keys.count - idle.keys.count
                if rest > 0 { idle.keys.append("\(rest) unknown") }
            default: idle.whole = true
            }
            result.append(idle)
        }
        return result
    }

    private func named(_ section: INISection, besides used: Set<String>, known: Set<String>) -> [String] {
        section.entries.map(\.key).filter { !used.contains($0) }.map {
            StarClusterTranslation.named($0, known: known, meant: used)
        }
    }
}

extension INISection.Value {
    func node(_ content: ConfigNode.Content) -> ConfigNode {
        ConfigNode(file: place.file, line: place.line, content: content)
    }
}
