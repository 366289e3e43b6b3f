// SPDX-License-Identifier: Apache-2.0

import SallyConfig

/// What a file of settings says, in whichever form. Nothing is judged before it is asked for.
protocol SettingsSource: Sendable {
    var templateNames: [String] { get }
    var pluginNames: [String] { get }
    /// The value of `clusters:`.
    var inventory: ConfigNode? { get }
    /// What `defaultTemplate` and templates without a provider of their own use.
    ///
    /// - Throws: `ConfigError` when it cannot be read.
    func globals() throws(ConfigError) -> SettingsGlobals
    /// The region of templates that name none.
    func region(environment: [String: String]) throws(ConfigError) -> WithWarnings<String>
    /// A template without what it extends; nil where there is none.
    func template(_ name: String) throws(ConfigError) -> SettingsSection?
    func plugin(_ name: String) throws(ConfigError) -> SettingsSection?
    /// What means nothing here and concerns all templates.
    var idle: [IdleSettings] { get }
    /// What is wrong with the file and with no section of it.
    var strayProblems: [ConfigProblem] { get }
}

/// What stands above all sections.
struct SettingsGlobals: Sendable {
    var defaultTemplate: String?
    /// With its line.
    var provider: ConfigNode?
}

/// A template or plugin in the words of the native form, before it is judged.
struct SettingsSection: Sendable {
    /// How messages call it: `templates.smallcluster` or `[cluster smallcluster]`.
    var path: String
    /// How StarCluster's messages call it: `cluster smallcluster`.
    var title: String
    var entries: [ConfigNode.Entry]
    var node: ConfigNode
    /// What could not be put into the native form.
    var problems: [ConfigProblem] = []
    /// The keys that `problems` are about.
    var refused: Set<String> = []
    var idle = IdleSettings(section: "")

    func has(_ key: String) -> Bool { refused.contains(key) || entries.contains { $0.key == key } }

    func text(_ key: String) -> String? {
        switch entries.first(where: { $0.key == key })?.value.content {
        case .scalar(let text), .text(let text): text
        case .empty, .list, .section, nil: nil
        }
    }
}

/// Settings of a section that mean nothing here.
struct IdleSettings: Sendable {
    /// With its brackets.
    var section: String
    /// Names alone: values may be secrets.
    var keys: [String] = []
    /// Whether all of the section is meant.
    var whole = false

    /// `[cluster small] keyname, node_image_id`; nil where there is nothing to say.
    var text: String? {
        if whole { return section }
        return keys.isEmpty ? nil : "\(section) \(keys.joined(separator: ", "))"
    }
}

/// A value that could be made, and what is to be said about it: a line each, without a secret.
package struct WithWarnings<Value: Sendable>: Sendable {
    package var value: Value
    package var warnings: [String]
}
