// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import StrictJSON
import Testing

@testable import SallyClusters

@Suite struct NativeFileTests {
    private typealias Samples = SettingsSamples

    @Test func templatesAreReadWithWhatTheyExtend() throws {
        let settings = try Samples.yaml(
            """
            default_template: big
            templates:
              base: {nodes: 3, accounts: [a, b], release: debian13, plugins: [users], region: lab, cluster_user: admin1}
              middle: {extends: base, nodes: 4}
              big:
                extends: middle
                plugins: [mine, users]
                provider: podman
                cluster_shell: tcsh
            plugins:
              users: {type: createusers, num_users: 1}
              mine: {command: bin/mine, settings: {n: 30, text: "30", list: [a, true, ~], deep: {k: v}}}
            """)
        let big = try settings.template(nil)
        #expect(big.warnings.isEmpty)
        #expect(big.value.template.nodes == 4 && big.value.template.release == .debian13 && big.value.region == "lab")
        #expect(big.value.template.accounts.count == 2 && big.value.plugins == ["mine", "users"])
        #expect(big.value.provider == .podman && big.value.providerOrigin == .written)
        #expect(big.value.clusterShell == .tcsh && big.value.clusterUser?.rawValue == "admin1")
        #expect(try settings.template("base").value.template.nodes == 3)
        #expect(settings.templateNames == ["base", "middle", "big"] && settings.pluginNames == ["users", "mine"])
        let given: JSONValue = ["n": 30, "text": "30", "list": ["a", true, nil], "deep": ["k": "v"]]
        let expected = CommandPluginSettings(path: "/c/bin/mine", settings: try #require(given.object))
        #expect(try settings.plugin("mine").value == .command(expected))
    }

    @Test func anEmptyTemplateIsTheUsualOne() throws {
        let template = try Samples.yaml("templates: {x: ~}").template("x").value
        #expect(template.template == (try TemplateReader.parse("", file: "t")))
        #expect(template.region == "us-east-1" && template.clusterUser == nil && template.clusterShell == .bash)
        #expect(template.providerOrigin == .assumed && template.plugins.isEmpty)
    }

    @Test func aTemplateHasTheKeysOfTemplateFiles() throws {
        let keys =
            "release: debian13\nnodes: 3\ncpus_per_node: 8\nthreads_per_core: 2\nmemory_per_node: 1000\n"
            + "default_memory_per_cpu: 100\nmax_memory_per_cpu: 300\ngpu_nodes: 1\n"
            + "gpus_per_node: {v100: 1}\naccounts: [r, g]\ngpu_accounts: [g]\nsubnet_pool: 10.9.0.0/16\nsocket_group: hpc"
        let indented = keys.split(separator: "\n").map { "    \($0)\n" }.joined()
        let template = try Samples.yaml("templates:\n  x:\n\(indented)").template("x").value.template
        #expect(try template == TemplateReader.parse(keys, file: "t"))
    }

    @Test(arguments: [
        ("templates: {x: {nods: 3}}", "/c/clusters.yaml:1: templates.x: unknown key \"nods\"; did you mean \"nodes\"?"),
        (
            "templates: {x: {extends: y}}",
            "/c/clusters.yaml:1: templates.x can't extend non-existent section templates.y"
        ),
        (
            "templates: {x: {extends: y}, y: {extends: x}}",
            "/c/clusters.yaml:1: Cyclical dependency between sections templates.x, templates.y. Check your EXTENDS settings."
        ),
        (
            "templates: {x: {plugins: [p]}}",
            "/c/clusters.yaml:1: templates.x.plugins[0]: plugin 'p' not defined in config"
        ),
        (
            "templates: {x: {plugins: [p, p]}}\nplugins: {p: 3}",
            "/c/clusters.yaml:1: templates.x.plugins[1]: plugin 'p' is given more than once"
        ),
        ("templates: {x: 3}", "/c/clusters.yaml:1: templates.x: a section with keys is wanted"),
        ("templates: {y: 3}", "cluster template x does not exist"),
        ("plugins: {x: {}}", "cluster template x does not exist"),
    ])
    func whatIsWrongWithATemplateIsSaid(_ text: String, _ expected: String) throws {
        let settings = try Samples.yaml(text)
        #expect(Samples.complaint { try settings.template("x") } == expected)
    }

    @Test(arguments: [
        ("{}", "`type: createusers` or `command: PATH` is missing"), ("{type: sge}", "\"sge\" is not createusers"),
        ("{type: createusers, command: /x}", "give one of the two"),
        ("{type: sge, command: /x}", "give one of the two"),
        ("{command: [a]}", "a single value is wanted"), ("{command: /x, num_users: 3}", "unknown key \"num_users\""),
        ("{command: /x, timeout: 0}", "0 is not in 1 to 86400"),
        ("{command: /x, timeout: 86401}", "86401 is not in 1 to 86400"),
        ("{command: /x, timeout: 5m}", "a whole number is wanted"),
        ("{type: createusers, num_users: 1, timeout: 0, command: /x}", "give one of the two"),
        ("{command: /x, settings: 3}", "a section with keys is wanted"), ("{command: $NO/x}", "$NO is not set"),
        ("{type: [a]}", "a single value is wanted"), ("3", "a section with keys is wanted"),
    ])
    func whatIsWrongWithAPluginIsSaid(_ plugin: String, _ expected: String) throws {
        let settings = try Samples.yaml("plugins: {p: \(plugin), q: {type: createusers, num_users: 1}}")
        let found = Samples.complaint { try settings.plugin("p") }
        #expect(found.contains(expected) && !found.contains("\n"), "\(found)")
        // And nobody else is concerned.
        #expect(Samples.complaint { try settings.plugin("q") } == "")
    }

    @Test func theFileAsAWholeIsChecked() throws {
        #expect(Samples.complaint { try Samples.yaml("- a") }.contains("a section with keys"))
        #expect(Samples.complaint { try Samples.yaml("templates: [a]") }.contains("a name for each"))
        #expect(Samples.complaint { try Samples.yaml("plugins: {a: 1, a: 2}") }.contains("more than once"))
        #expect(try Samples.yaml("").templateNames.isEmpty)
        let misspelt = try Samples.yaml("plugin: {p: 3}")
        #expect(misspelt.warnings == ["/c/clusters.yaml:1: unknown key \"plugin\"; did you mean \"plugins\"?"])
        #expect(Samples.complaint { try misspelt.defaultTemplate() }.contains("has no default_template"))
        #expect(
            Samples.complaint { try Samples.yaml("default_template: [a]").defaultTemplate() }.contains("name is wanted")
        )
    }

    @Test func machinesAreHandedOn() throws {
        let clusters = try Samples.yaml("clusters: {lab: {provider: inventory}}").inventory
        #expect(clusters?.json == ["lab": ["provider": "inventory"]])
        #expect(try Samples.ini("[global]").inventory?.json == nil)
    }
}
