// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Writes `clusters.yaml` as a StarCluster file, with settings of ours where StarCluster has none. Pure.
struct NativeToStarCluster {
    let source: any SettingsSource
    private var notCarried: [String] = []
    private var lines: [String] = []

    init(source: any SettingsSource) { self.source = source }

    func converted() -> ConvertedSettings {
        var work = self
        return work.convert()
    }

    private mutating func convert() -> ConvertedSettings {
        for problem in source.strayProblems { notCarried.append(problem.description) }
        global()
        let templates = source.templateNames.compactMap { name in read(name, source.template).map { (name, $0) } }
        let region = commonRegion(templates.map(\.1))
        if let region, region != ClusterSettings.usualRegion {
            begin("aws info")
            write("aws_region_name", .text(region), .text, "region")
        }
        for (name, section) in templates { template(name, section, leavingOut: region) }
        for name in source.pluginNames {
            if let section = read(name, source.plugin) { plugin(name, section) }
        }
        if case .section(let clusters) = source.inventory?.content {
            for entry in clusters {
                leaveOut("clusters.\(shown(entry.key))", "machines that exist already cannot be written there")
            }
        }
        return ConvertedSettings(
            text: lines.drop { $0.isEmpty }.joined(separator: "\n") + "\n", notCarried: notCarried)
    }

    private mutating func global() {
        do throws(ConfigError) {
            guard let name = try source.globals().defaultTemplate else { return }
            begin("global")
            write("default_template", .text(name), .text, "default_template")
        } catch { notCarried += error.problems.map(\.description) }
    }

    /// The region of all templates that extend no other, if it is the same.
    private func commonRegion(_ templates: [SettingsSection]) -> String? {
        let regions = Set(templates.filter { !$0.has("extends") }.map { $0.text("region") })
        return regions.count == 1 ? regions.first ?? nil : nil
    }

    private mutating func template(_ name: String, _ section: SettingsSection, leavingOut region: String?) {
        guard title("cluster", name, section) else { return }
        let isRoot = !section.has("extends")
        // Such a file must say how many; two nodes are what the native form means.
        if isRoot, !section.has("nodes") { lines.append("cluster_size = 3") }
        for entry in section.entries {
            guard let key = StarClusterKeys.cluster.first(where: { $0.native == entry.key }) else {
                leaveOut("\(section.path).\(shown(entry.key))", "not known")
                continue
            }
            if isRoot, key.spelling == "region", section.text("region") == region { continue }
            write(key.spelling, entry.value.content, key.form, "\(section.path).\(entry.key)")
        }
    }

    private mutating func plugin(_ name: String, _ section: SettingsSection) {
        guard title("plugin", name, section) else { return }
        if section.has("command") { return command(section) }
        guard section.text("type") == "createusers" else {
            lines.removeLast(2)
            return leaveOut(section.path, "neither createusers nor a command")
        }
        lines.append("setup_class = \(StarClusterKeys.createUsersClass)")
        for entry in section.entries where entry.key != "type" {
            guard let key = StarClusterKeys.createUsers.first(where: { $0.native == entry.key }) else {
                leaveOut("\(section.path).\(shown(entry.key))", "not known")
                continue
            }
            write(key.spelling, entry.value.content, key.form, "\(section.path).\(entry.key)")
        }
        // What the two forms mean where they say nothing differs.
        if !section.has("key_type") { lines.append("key_type = ed25519") }
        if !section.has("adopt_homes") { lines.append("adopt_homes = false") }
    }

    private mutating func command(_ section: SettingsSection) {
        for entry in section.entries {
            let place = "\(section.path).\(shown(entry.key))"
            switch (entry.key, entry.value.content) {
            case ("command", let content): write("command", content, .text, place)
            case ("timeout", let content): write("timeout", content, .text, place)
            case ("settings", .section(let settings)):
                for setting in settings {
                    let place = "\(place).\(shown(setting.key))"
                    guard INIText.isKey(setting.key), !["command", "setup_class", "timeout"].contains(setting.key)
                    else {
                        leaveOut(place, "cannot be a key there")
                        continue
                    }
                    write(setting.key, setting.value.content, .text, place)
                    if case .text = setting.value.content { continue }
                    notCarried.append("\(place): is text there, whatever it was")
                }
            case ("settings", .empty): break
            default: leaveOut(place, "not known")
            }
        }
    }

    private mutating func title(_ kind: String, _ name: String, _ section: SettingsSection) -> Bool {
        guard INIText.isTitle(name) else {
            leaveOut(section.path, "a name that cannot stand in [\(kind) NAME]")
            return false
        }
        begin("\(kind) \(name)")
        return true
    }

    private mutating func begin(_ title: String) { lines += ["", "[\(title)]"] }

    private mutating func write(
        _ key: String, _ content: ConfigNode.Content, _ form: StarClusterKeys.Form, _ place: String
    ) {
        guard let text = INIText.value(content, form) else {
            return leaveOut(place, "cannot be written there")
        }
        lines.append(text.isEmpty ? "\(key) =" : "\(key) = \(text)")
    }

    private mutating func leaveOut(_ place: String, _ why: String) { notCarried.append("\(place): \(why)") }

    private mutating func read(
        _ name: String, _ section: (String) throws(ConfigError) -> SettingsSection?
    ) -> SettingsSection? {
        do throws(ConfigError) { return try section(name) } catch {
            notCarried += error.problems.map(\.description)
            return nil
        }
    }

    private func shown(_ key: String) -> Substring { quoted(key).dropFirst().dropLast() }
}
