// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import StrictJSON

extension ClusterSettings {
    /// Reads a plugin and checks nothing else.
    ///
    /// - Throws: `SallyError(.notFound)` when there is none of this name, or no file; `.misconfigured` with every problem
    ///   of it.
    package func plugin(_ name: String) throws -> WithWarnings<PluginSettings> {
        guard let source else {
            throw SallyError(
                .notFound, "config file \(file) does not exist", hint: "docs/clusters-config.md describes it")
        }
        do {
            guard let section = try source.plugin(name) else {
                throw SallyError(
                    .notFound, "Plugin \"\(plain(name))\" not found in config", hint: there(pluginNames, "plugins"))
            }
            return try read(section)
        } catch let error as ConfigError { throw ClusterSettings.shown(error) }
    }

    private func read(_ given: SettingsSection) throws -> WithWarnings<PluginSettings> {
        let reader = ConfigReader(file: file, files: .skip)
        reader.report(given.problems)
        let node = ConfigNode(file: given.node.file, line: given.node.line, content: .section(given.entries))
        let section = reader.section(node, path: given.path, pattern: "plugins.*")
        let paths = PathExpansion(environment: environment, folder: "/").beside(file)
        let type = section.optional("type")
        let command = section.optional("command")
        var warnings: [String] = []
        var result: PluginSettings?
        if let type, command != nil {
            type.report("type and command: give one of the two")
        } else if let command {
            result = readCommand(command, section, paths).map(PluginSettings.command)
            section.close()
        } else if let type {
            switch type.string() {
            case "createusers": (result, warnings) = readUsers(section, paths, given)
            case let other?: type.report("\(quoted(other)) is not createusers; another plugin is `command: PATH`")
            case nil: break
            }
        } else {
            section.report("`type: createusers` or `command: PATH` is missing")
        }
        if let error = reader.error {
            // A setting that is missing is often there, misspelt.
            throw warnings.isEmpty
                ? ClusterSettings.shown(error)
                : SallyError(.misconfigured, error.description, hint: warnings.joined(separator: "\n"))
        }
        guard let result else { throw SallyError(.internal, "\(given.path) could not be read and nothing says why") }
        return WithWarnings(value: result, warnings: warnings)
    }

    private func readUsers(
        _ section: ConfigSection, _ paths: PathExpansion, _ given: SettingsSection
    ) -> (PluginSettings?, warnings: [String]) {
        let users = CreateUsersReader(section: section, paths: paths, refused: given.refused).read()
        let warnings = section.unknown.map { unknown in
            "\(unknown.file ?? file):\(unknown.line): \(given.path): setting \(plain(unknown.key)) is not known"
                + (unknown.nearest.map { "; did you mean \($0)?" } ?? "")
        }
        return (users.map(PluginSettings.createUsers), warnings)
    }

    private func readCommand(
        _ value: ConfigValue, _ section: ConfigSection, _ paths: PathExpansion
    ) -> CommandPluginSettings? {
        let settings = section.optional("settings").flatMap { value -> JSONObject? in
            switch value.node.content {
            case .section, .empty: return value.node.json.object ?? JSONObject()
            case .scalar, .text, .list: return value.fail("a section with keys is wanted")
            }
        }
        let timeout =
            section.optional("timeout").map { $0.integer(in: CommandPluginSettings.timeouts) }
            ?? CommandPluginSettings.usualTimeout
        guard let text = value.string(), let timeout else { return nil }
        do {
            let path = try (value.node.file.map(paths.beside) ?? paths).expand(text)
            return CommandPluginSettings(path: path, timeout: timeout, settings: settings ?? JSONObject())
        } catch { return value.fail(error.message) }
    }
}

extension ConfigNode {
    /// As YAML's core schema reads it: `30` is a number, `"30"` is text.
    var json: JSONValue {
        switch content {
        case .empty: .null
        case .text(let text): .string(text)
        case .scalar("true"): .bool(true)
        case .scalar("false"): .bool(false)
        case .scalar(let text): Int64(text).map { JSONValue.integer($0) } ?? .string(text)
        case .list(let items): .array(items.map(\.json))
        case .section(let entries): .object(JSONObject(entries.map { ($0.key, $0.value.json) }))
        }
    }
}
