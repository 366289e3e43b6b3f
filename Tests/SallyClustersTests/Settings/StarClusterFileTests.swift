// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import StrictJSON
import Testing

@testable import SallyClusters

@Suite struct StarClusterFileTests {
    private typealias Samples = SettingsSamples

    @Test func theDocumentedFileIsRead() throws {
        let settings = try Samples.ini(Samples.documented)
        #expect(settings.templateNames == ["smallcluster", "biggercluster"])
        #expect(settings.pluginNames == ["createusers", "named", "sge"])
        #expect(try settings.defaultTemplate() == "smallcluster")
        let small = try settings.template(nil).value
        #expect(small.name == "smallcluster" && small.template.nodes == 2 && small.region == "eu-west-1")
        #expect(small.provider == .podman && small.providerOrigin == .assumed)
        #expect(small.clusterShell == .zsh && small.clusterUser?.rawValue == "sgeadmin")
        #expect(small.plugins == ["createusers"])
        let bigger = try settings.template("biggercluster").value
        #expect(bigger.template.nodes == 10 && bigger.plugins == ["createusers"] && bigger.clusterShell == .zsh)
    }

    @Test func theDocumentedPluginsAreRead() throws {
        let settings = try Samples.ini(Samples.documented)
        let users = try #require(try Samples.users(settings.plugin("createusers").value))
        #expect(
            users.users.count == 30 && users.users[6].rawValue == "user007" && users.users[29].rawValue == "user030")
        #expect(users.downloadKeys && users.downloadKeysDirectory == "/h/.starcluster/user_keys")
        #expect(users.keyType == .rsa3072 && users.adoptHomes && users.scratch == .documented)
        #expect(users.uids.first.rawValue == 30000 && users.uids.last.rawValue == 39999)
        #expect(users.shell == nil && users.accounts.isEmpty && users.expires == nil && users.encryptFor == nil)
        let named = try #require(try Samples.users(settings.plugin("named").value))
        #expect(named.users.map(\.rawValue) == ["linus", "tux", "larry"])
        #expect(!named.downloadKeys && named.downloadKeysDirectory == "/h/keys")
    }

    @Test func settingsWithoutMeaningAreNamedInOneWarningWithoutTheirValues() throws {
        let warnings = try Samples.ini(Samples.documented).template(nil).warnings
        #expect(
            warnings == [
                "settings without meaning here: [cluster smallcluster] keyname, node_image_id, node_instance_type,"
                    + " volumes; [global] enable_experimental; [aws info] aws_access_key_id, aws_secret_access_key,"
                    + " aws_user_id; [key mykey]; [volume data]; [permission http]"
            ])
    }

    @Test func whatIsMisspeltIsNamedWithWhatWasMeant() throws {
        let text =
            "[global]\ndefault_templat = x\n[aws info]\naws_secret_hush = 1\n[cluster x]\ncluster_size = 2\n"
            + "plugin = createusers\nzzzzzz = 1\n[clutser y]"
        let warning = try Samples.ini(text).template("x").warnings.joined()
        #expect(warning.contains("plugin (did you mean plugins?), zzzzzz (unknown)"))
        #expect(warning.contains("[global] default_templat (did you mean default_template?)"))
        #expect(warning.contains("[aws info] 1 unknown") && !warning.contains("hush"))
        #expect(warning.contains("[clutser y]"))
    }

    @Test func aBrokenSectionBreaksOnlyWhatUsesIt() throws {
        let good =
            "[cluster good]\ncluster_size = 2\nplugins = users\n[plugin users]\n"
            + "setup_class = starcluster.plugins.users.CreateUsers\nnum_users = 2\n"
        let bad =
            "[cluster bad]\ncluster_size = many\n[cluster twice]\n[cluster twice]\n[plugin bad]\nnothing\n"
            + "[cluster circle]\nextends = circle\n[key k]\n50%\nkey_location = %\n[plugin none]\n[volume v"
        let settings = try Samples.ini("[aws info]\naws_proxy = 5%\n" + good + bad)
        #expect(try settings.template("good").value.plugins == ["users"])
        #expect(try Samples.users(settings.plugin("users").value)?.users.count == 2)
        for name in ["bad", "twice", "circle"] {
            #expect(Samples.complaint { try settings.template(name) } != "", "\(name)")
        }
        #expect(Samples.complaint { try settings.plugin("bad") }.contains("/c/config:14: [plugin bad]: neither"))
        let missing = "missing required option setup_class in section \"plugin none\""
        #expect(Samples.complaint { try settings.plugin("none") }.hasSuffix(missing))
    }

    @Test(arguments: [
        ("[cluster x]\nkeyname = k", "/c/config:1: missing required option cluster_size in section \"cluster x\""),
        (
            "[cluster x]\ncluster_size = many",
            "/c/config:2: Expected integer value for setting cluster_size in section [cluster x]"
        ),
        (
            "[cluster x]\ncluster_size = 2\ncluster_shell = fish",
            "/c/config:3: \"cluster_shell\" setting in section \"cluster x\" must be one of: bash, zsh, csh, ksh, tcsh"
        ),
        (
            "[cluster x]\ncluster_size = 2\nextends = y",
            "/c/config:3: cluster x can't extend non-existent section cluster y"
        ),
        (
            "[cluster x]\nextends = y\n[cluster y]\nextends = x",
            "/c/config:4: Cyclical dependency between sections cluster x, cluster y. Check your EXTENDS settings."
        ),
        (
            "[cluster x]\nextends = x",
            "/c/config:2: Cyclical dependency between sections cluster x. Check your EXTENDS settings."
        ),
        (
            "[cluster x]\ncluster_size = 2\nplugins = a, b\n[plugin b]",
            "/c/config:3: [cluster x] plugins[0]: plugin 'a' not defined in config"
        ),
        ("[cluster y]\n", "cluster template x does not exist"),
        (
            "[cluster x]\ncluster_size = 2\ncluster_size = 3",
            "/c/config:3: [cluster x]: cluster_size is given twice, first in /c/config:2"
        ),
        (
            "[cluster x]\ncluster_size = 2\nkeyname = 2\nkeyname = 3",
            "/c/config:4: [cluster x]: keyname is given twice, first in /c/config:3"
        ),
    ])
    func whatIsWrongIsSaidInStarClustersWords(_ text: String, _ expected: String) throws {
        let settings = try Samples.ini(text)
        #expect(Samples.complaint { try settings.template("x") } == expected)
    }

    @Test(arguments: [
        ("-1", "2 to 65"), ("0", "2 to 65"), ("1", "2 to 65"), ("66", "2 to 65"), ("99999999999999999999", "integer"),
    ])
    func aClusterHasAControllerAndOneToSixtyFourNodes(_ size: String, _ expected: String) throws {
        let settings = try Samples.ini("[cluster x]\ncluster_size = \(size)\n")
        #expect(Samples.complaint { try settings.template("x") }.contains(expected))
        #expect(try Samples.ini("[cluster x]\ncluster_size = 65").template("x").value.template.nodes == 64)
    }

    @Test(arguments: [
        ("cluster_user = root", "not a system account"), ("provider = ec2", "not one of podman, inventory"),
        ("region = ../x", "no region"), ("gpu_nodes = 1", "give both or none"),
    ])
    func settingsAreChecked(_ line: String, _ expected: String) throws {
        let settings = try Samples.ini("[cluster x]\ncluster_size = 2\n\(line)")
        #expect(Samples.complaint { try settings.template("x") }.contains(expected))
    }

    @Test func allProblemsOfATemplateComeAtOnce() throws {
        let settings = try Samples.ini(
            "[cluster x]\ncluster_size = a\ncluster_shell = b\nplugins = c\nprovider = d\nmemory_per_node = e")
        let lines = Samples.complaint { try settings.template("x") }.split(separator: "\n")
        #expect(lines.count == 5, "\(lines)")
    }

    @Test func theProviderStandsInTheTemplateOrInGlobal() throws {
        let text =
            "[global]\nprovider = inventory\n[cluster x]\ncluster_size = 2\n[cluster y]\nextends = x\nprovider = podman"
        let settings = try Samples.ini(text)
        #expect(try settings.template("x").value.provider == .inventory)
        #expect(try settings.template("x").value.providerOrigin == .written)
        #expect(try settings.template("y").value.provider == .podman)
        let wrong = try Samples.ini("[global]\nprovider = ec2\n[cluster x]\ncluster_size = 2")
        #expect(
            Samples.complaint { try wrong.template("x") }.hasPrefix("/c/config:2: [global] provider: \"ec2\" is not"))
    }

    @Test func theRegionComesFromTheFileOrTheEnvironment() throws {
        let plain = "[cluster x]\ncluster_size = 2\n"
        #expect(try Samples.ini(plain).template("x").value.region == "us-east-1")
        let given = plain + "[aws info]\naws_region_name = eu-west-1\n"
        #expect(try Samples.ini(given).template("x").value.region == "eu-west-1")
        let other = try Samples.ini(given, ["AWS_REGION_NAME": "sa-east-1"]).template("x")
        #expect(other.value.region == "sa-east-1")
        #expect(other.warnings.contains("Setting 'AWS_REGION_NAME' from environment..."))
        let own = plain + "region = here\n[aws info]\naws_region_name = eu-west-1"
        #expect(try Samples.ini(own).template("x").value.region == "here")
        #expect(Samples.complaint { try Samples.ini(plain, ["AWS_REGION_NAME": "a/b"]).template("x") } != "")
    }

    @Test func whatATemplateSaysItselfIsReadNowhereElse() throws {
        let broken = "[aws info]\n[aws info]\n[global]\nprovider = a\nprovider = b\n[cluster x]\ncluster_size = 2\n"
        #expect(Samples.complaint { try Samples.ini(broken).template("x") }.contains("provider is given twice"))
        let own = try Samples.ini(broken + "provider = podman\n")
        #expect(Samples.complaint { try own.template("x") }.contains("[aws info]: the section is given twice"))
        #expect(try Samples.ini(broken + "provider = podman\nregion = here\n").template("x").value.region == "here")
    }

    @Test(arguments: [
        "aws_region_name = %(aws_secret_access_key)s\naws_secret_access_key = hush/HUSH", "aws_region_name = hush/HUSH",
        "aws_region_name = a\naws_secret_access_key\n  hush/HUSH", "aws_region_name = a\nhush/HUSH",
        "aws_region_name = a\nhush/HUSH = = ",
        "aws_region_name = %(aws_secret_access_key)\naws_secret_access_key = hush/HUSH",
        "aws_secret_access_key = hush/HUSH\naws_secret_access_key = hush/HUSH\n[aws info]\naws_secret_access_key = hush/HUSH",
    ])
    func secretsAreInNoMessage(_ lines: String) throws {
        let settings = try Samples.ini("[cluster x]\ncluster_size = 2\n[aws info]\n\(lines)\n")
        var text = "\(settings) \(settings.warnings)"
        dump(settings, to: &text)
        do {
            text += try settings.template("x").warnings.joined()
        } catch let error as SallyError {
            text += "\(error) \(error.hint ?? "") \(error.cause ?? "")"
        }
        let converted = try settings.converted(to: .yaml)
        text += converted.text + converted.notCarried.joined()
        #expect(!text.lowercased().contains("hush"), "\(text)")
    }

    @Test func noDefaultTemplateIsSaidInStarClustersWords() throws {
        let settings = try Samples.ini("[cluster a]\n[cluster b]")
        #expect(
            Samples.complaint { try settings.defaultTemplate() } == """
                No default cluster template specified.

                To set the default cluster template, set DEFAULT_TEMPLATE in the [global] section of the config to the \
                name of one of your cluster templates

                Current Templates:

                a, b
                """)
        let none = try Samples.ini("[plugin a]")
        #expect(Samples.complaint { try none.template(nil) }.hasSuffix("cluster templates"))
    }

    @Test(arguments: ["", "# nothing\n", "[nothing]\nk = v", "k = v"])
    func aFileWithoutSectionsIsRefused(_ text: String) {
        #expect(
            Samples.complaint { try Samples.ini(text) } == "No valid sections defined in config file /c/config")
    }

    @Test func pluginsThatCannotRunAreNamed() throws {
        let settings = try Samples.ini(Samples.documented + "\n[plugin own]\nsetup_class = mine.Plugin\nx = %")
        #expect(Samples.complaint { try settings.plugin("sge") }.contains("\"sge\" is StarCluster's"))
        #expect(
            Samples.complaint { try settings.plugin("own") }.contains("\"own\" is the Python class \"mine.Plugin\""))
        let error = #expect(throws: SallyError.self) { try settings.plugin("nope") }
        #expect(error?.message == "Plugin \"nope\" not found in config" && error?.code == .notFound)
        #expect(error?.hint == "there are: createusers, named, sge, own")
    }

    @Test func executablesArePlugins() throws {
        let settings = try Samples.ini("[plugin p]\ncommand = ~/our-plugin\nName = x y\nn = 3")
        let expected = CommandPluginSettings(path: "/h/our-plugin", settings: .init([("name", "x y"), ("n", "3")]))
        #expect(try settings.plugin("p").value == .command(expected))
        let timed = try Samples.ini("[plugin p]\ncommand = /x\ntimeout = 9\nn = 3").plugin("p").value
        #expect(timed == .command(CommandPluginSettings(path: "/x", timeout: 9, settings: .init([("n", "3")]))))
        let endless = try Samples.ini("[plugin p]\ncommand = /x\ntimeout = never")
        #expect(Samples.complaint { try endless.plugin("p") }.contains("[plugin p] timeout: a whole number is wanted"))
        let both = try Samples.ini("[plugin p]\ncommand = /x\nsetup_class = y")
        #expect(Samples.complaint { try both.plugin("p") }.contains("give one of the two"))
    }
}
