// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import StrictJSON
import Testing

@testable import SallyClusters

@Suite struct ConvertedSettingsTests {
    private typealias Samples = SettingsSamples

    /// That the text means in its own form what `settings` mean.
    private func expectSame(
        _ settings: ClusterSettings, _ text: String, _ form: ClusterSettings.Form,
        besides: Set<String> = []
    ) throws {
        let other = try ClusterSettings.parse(text, form: form, file: settings.file, environment: settings.environment)
        let note = Comment(rawValue: text)
        #expect(other.templateNames == settings.templateNames.filter { !besides.contains($0) }, note)
        #expect(other.pluginNames == settings.pluginNames.filter { !besides.contains($0) }, note)
        for name in other.templateNames {
            #expect(try other.template(name).value == settings.template(name).value, note)
        }
        for name in other.pluginNames {
            #expect(try other.plugin(name).value == settings.plugin(name).value, note)
            #expect(try other.plugin(name).warnings == [], note)
        }
        #expect((try? other.defaultTemplate()) == (try? settings.defaultTemplate()), note)  // none is none in both
    }

    @Test func theDocumentedFileBecomesYAML() throws {
        let settings = try Samples.ini(Samples.documented)
        let converted = try settings.converted(to: .yaml)
        #expect(
            converted.text == """
                default_template: smallcluster
                templates:
                  smallcluster:
                    nodes: 2
                    cluster_user: sgeadmin
                    cluster_shell: zsh
                    plugins: [createusers]
                    region: eu-west-1
                  biggercluster:
                    nodes: 10
                    extends: smallcluster
                plugins:
                  createusers:
                    type: createusers
                    num_users: 30
                    download_keys: true
                    key_type: rsa
                    adopt_homes: true
                  named:
                    type: createusers
                    usernames: [linus, tux, larry]
                    download_keys_dir: "$HOME/keys"
                    key_type: rsa
                    adopt_homes: true

                """)
        #expect(
            converted.notCarried.filter { !$0.contains("[plugin sge]") } == [
                "[cluster smallcluster] keyname, node_image_id, node_instance_type, volumes: without meaning here",
                "[global] enable_experimental: without meaning here",
                "[aws info] aws_access_key_id, aws_secret_access_key: secrets are not carried over",
                "[aws info] aws_user_id: without meaning here", "[key mykey]: without meaning here",
                "[volume data]: without meaning here", "[permission http]: without meaning here",
            ])
        #expect(
            converted.notCarried.contains { $0.contains("[plugin sge] setup_class: plugin \"sge\" is StarCluster's") })
        #expect(!(converted.text + converted.notCarried.joined()).lowercased().contains("hush"))
        try expectSame(settings, converted.text, .yaml, besides: ["sge"])
    }

    @Test func thereAndBackIsTheSame() throws {
        let settings = try Samples.ini(Samples.documented)
        let native = try Samples.yaml(settings.converted(to: .yaml).text)
        let back = try native.converted(to: .ini)
        #expect(back.notCarried.isEmpty, "\(back.notCarried)")
        #expect(back.text.contains("[aws info]\naws_region_name = eu-west-1") && !back.text.contains("\nregion ="))
        try expectSame(native, back.text, .ini)
    }

    @Test func everyNativeSettingThatAStarClusterFileCanSaySurvives() throws {
        let settings = try Samples.yaml(
            """
            default_template: a
            templates:
              a:
                release: debian13
                cpus_per_node: 8
                threads_per_core: 2
                memory_per_node: 1000
                default_memory_per_cpu: 100
                max_memory_per_cpu: 300
                gpu_nodes: 1
                gpus_per_node: {v100: 1, a100: 2}
                accounts: [r, g]
                gpu_accounts: [g]
                subnet_pool: 10.9.0.0/16
                socket_group: "50%"
                provider: podman
                region: lab
                plugins: [users, keys]
                cluster_shell: zsh
                cluster_user: me
              b: {extends: a, nodes: 7, region: other}
              c: {region: third}
            plugins:
              users:
                type: createusers
                usernames: [linus, tux]
                download_keys: true
                download_keys_dir: /k/100%
                expires: 3d
                scratch: []
                uids: 70000-70009
                shell: /bin/zsh
                accounts: [r]
                encrypt_for: passphrase
                public_keys: keys
              keys: {type: createusers, num_users: 5, key_type: rsa, adopt_homes: true, scratch: [/s]}
              mine: {command: /x/y, timeout: 90, settings: {name: "v w", percent: "5%", accent: "5%\u{301}"}}
            """)
        let converted = try settings.converted(to: .ini)
        #expect(converted.notCarried.isEmpty, "\(converted.notCarried)")
        try expectSame(settings, converted.text, .ini)
        let back = try Samples.ini(converted.text).converted(to: .yaml)
        #expect(back.notCarried.isEmpty, "\(back.notCarried)")
        try expectSame(settings, back.text, .yaml)
    }

    @Test func whatCannotBeWrittenIsNamed() throws {
        let settings = try Samples.yaml(
            """
            templates:
              a: {nodes: 2, socket_group: "a #b", nods: 3}
              "x]": {nodes: 2}
              broken: 3
            clusters:
              lab: {provider: inventory}
            plugins:
              users: {type: createusers, num_users: 1, encrypt_for: {user001: ssh-rsa AAAA}}
              mine: {command: /x, settings: {deep: {k: v}, n: 30, Upper: "x", line: "a\\nb", command: "x", timeout: "1"}}
              other: {type: sge}
            surplus: 1
            """)
        let converted = try settings.converted(to: .ini)
        let expected = [
            "unknown key \"surplus\"", "templates.a.socket_group: cannot be written there",
            "templates.a.nods: not known",
            "templates.x]: a name that", "templates.broken: a section with keys", "clusters.lab: machines",
            "plugins.users.encrypt_for: cannot", "plugins.mine.settings.deep: cannot",
            "plugins.mine.settings.n: is text",
            "plugins.mine.settings.Upper: cannot be a key", "plugins.mine.settings.line: cannot",
            "plugins.mine.settings.command: cannot be a key", "plugins.mine.settings.timeout: cannot be a key",
            "plugins.other: neither",
        ]
        for text in expected { #expect(converted.notCarried.contains { $0.contains(text) }, "\(text)") }
        let again = try Samples.ini(converted.text)
        #expect(again.templateNames == ["a"] && again.pluginNames == ["users", "mine"])
        #expect(try again.template("a").value.template.nodes == 2)
    }

    @Test func whatIsWrongIsNamedAndTheRestIsCarried() throws {
        let settings = try Samples.ini(
            "[cluster a]\ncluster_size = x\nplugins = p\n[cluster b]\ncluster_size = 2\n[cluster c]\n[cluster c]\n"
                + "[plugin p]\nsetup_class = starcluster.plugins.users.CreateUsers\nusernames = 5%\nnum_user = 2")
        let converted = try settings.converted(to: .yaml)
        for text in [
            "Expected integer value for setting cluster_size", "given twice", "a bare %", "num_user: not known",
        ] {
            #expect(converted.notCarried.contains { $0.contains(text) }, "\(text)")
        }
        #expect(try Samples.yaml(converted.text).templateNames == ["a", "b"])
        #expect(!converted.text.contains("num_user"))
    }

    @Test func settingsOfThatFormAlreadyAreRefused() throws {
        #expect(Samples.complaint { try Samples.ini("[global]").converted(to: .ini) } == "/c/config is INI already")
        #expect(Samples.complaint { try Samples.yaml("").converted(to: .yaml) } == "/c/clusters.yaml is YAML already")
    }

    @Test(arguments: [
        "", "true", "no", "~", "30", "a: b", "- a", "#a", "a #b", "\"", "\\", "a\nb", "é", "\u{7f}\u{2028}", "[a]",
        "{a}", "*a",
        "&a", "!a", "%a", "@a", "|", ">", "'", "~/a", "/a", " a ", "a,b", "1.5", ".inf", "0x1f", "null", "😀",
    ])
    func textComesBackFromYAMLAsItWas(_ text: String) throws {
        let value = ConfigNode(line: 1, content: .text(text))
        let written = YAMLText.write([
            ConfigNode.Entry(key: "k", line: 1, value: value),
            ConfigNode.Entry(
                key: text.isEmpty ? "e" : text, line: 1, value: ConfigNode(line: 1, content: .list([value, value]))),
        ])
        guard case .section(let entries) = try ConfigNode.parse(written, file: "f").content else {
            Issue.record("\(written)")
            return
        }
        #expect(entries.count == 2 && entries[1].key == (text.isEmpty ? "e" : text))
        #expect(entries[0].value.json == .string(text) && entries[1].value.json == [.string(text), .string(text)])
    }

    @Test func longListsStandOnLinesOfTheirOwn() throws {
        let names = (0..<50).map { ConfigNode(line: 1, content: .text("name\($0)")) }
        let deep = ConfigNode(
            line: 1,
            content: .list([
                ConfigNode(line: 1, content: .section([ConfigNode.Entry(key: "a", line: 1, value: names[0])])),
                ConfigNode(line: 1, content: .list(names)),
            ]))
        let entries = [
            ConfigNode.Entry(key: "k", line: 1, value: ConfigNode(line: 1, content: .list(names))),
            ConfigNode.Entry(key: "d", line: 1, value: deep),
        ]
        let written = YAMLText.write(entries)
        #expect(written.hasPrefix("k:\n  - name0\n  - name1\n"))
        #expect(try ConfigNode.parse(written, file: "f").json == ConfigNode(line: 1, content: .section(entries)).json)
    }
}
