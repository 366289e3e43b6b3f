// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import StrictJSON
import Testing

@testable import SallyClusters

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct SettingsLocationTests {
    private func find(
        _ option: String? = nil, _ environment: [String: String], isRoot: Bool = false
    ) throws -> SettingsLocation {
        try SettingsLocation.find(option: option, environment: environment, isRoot: isRoot, workingFolder: "/w")
    }

    @Test func theOptionComesFirstThenTheVariables() throws {
        let all = ["HOME": "/h", "STARCLUSTER_CONFIG": "~/s"]
        #expect(try find("x/y", all) == SettingsLocation(path: "/w/x/y", origin: .option))
        #expect(try find(nil, all) == SettingsLocation(path: "/h/s", origin: .variable("STARCLUSTER_CONFIG")))
        #expect(
            try find(nil, ["SALLYPORT_CLUSTERS": "/n"])
                == SettingsLocation(path: "/n", origin: .variable("SALLYPORT_CLUSTERS")))
        #expect(try find(nil, ["SALLYPORT_CLUSTERS": "/n", "STARCLUSTER_CONFIG": "/n"]).path == "/n")
        #expect(throws: SallyError.self) { try find(nil, ["SALLYPORT_CLUSTERS": "/n", "STARCLUSTER_CONFIG": "/s"]) }
        #expect(throws: SallyError.self) { try find(nil, [:]) }
        #expect(throws: SallyError.self) { try find("", all) }
        #expect(throws: SallyError.self) { try find("~other", all) }
    }

    @Test(
        arguments: [("https://example.org/c", [:]), (nil, ["STARCLUSTER_CONFIG": "http://example.org/c"])]
            as [(
                String?, [String: String]
            )])
    func addressesAreNotFetched(_ option: String?, _ environment: [String: String]) {
        let error = #expect(throws: SallyError.self) { try find(option, environment) }
        #expect(error?.code == .unsupported && error?.hint?.contains("save it") == true)
    }

    @Test func theUsualPlacesAreLookedAtInOrder() async throws {
        try await withScratchFolder { folder in
            let environment = ["HOME": folder]
            #expect(
                try find(nil, environment)
                    == SettingsLocation(path: "\(folder)/.starcluster/config", origin: .missing))
            for path in [".config", ".config/sallyport", ".starcluster", "xdg", "xdg/sallyport"] {
                #expect(mkdir("\(folder)/\(path)", 0o700) == 0)
            }
            let native = "\(folder)/.config/sallyport/clusters.yaml"
            try writeFile(native, "templates: {x: {nodes: 5}}")
            let found = try find(nil, environment)
            #expect(found == SettingsLocation(path: native, origin: .place))
            #expect(try found.load(environment: environment).template("x").value.template.nodes == 5)
            try writeFile("\(folder)/xdg/sallyport/clusters.yaml", "")
            #expect(
                try find(nil, ["HOME": folder, "XDG_CONFIG_HOME": "\(folder)/xdg"]).path
                    == "\(folder)/xdg/sallyport/clusters.yaml")
            try writeFile("\(folder)/.starcluster/config", "[cluster y]\ncluster_size = 2")
            let old = try find(nil, environment)
            #expect(
                old == SettingsLocation(path: "\(folder)/.starcluster/config", origin: .place, shadowed: native))
            #expect(try old.load(environment: environment).templateNames == ["y"])
        }
    }

    @Test func machinesOfTheNativeFileAreThereBesideAFileOfStarClusters() async throws {
        try await withScratchFolder { folder in
            let native = "\(folder)/clusters.yaml"
            try writeFile(native, "clusters: {lab: {provider: inventory}, lab2: 3}")
            try writeFile("\(folder)/config", "[cluster y]\ncluster_size = 2")
            var location = SettingsLocation(path: native, origin: .place)
            let own = try location.machines(of: location.load(environment: [:]), files: .skip)
            #expect(own.file == native && own.entries.map(\.name.rawValue) == ["lab", "lab2"])
            location = SettingsLocation(path: "\(folder)/config", origin: .place)
            #expect(try location.machines(of: location.load(environment: [:]), files: .skip).entries.isEmpty)
            location.shadowed = native
            let other = try location.machines(of: location.load(environment: [:]), files: .skip)
            #expect(other.file == native && other.entries.count == 2)
        }
    }

    @Test func whereNothingIsThereIsNothingToUse() throws {
        let settings = try SettingsLocation(path: "/h/.starcluster/config", origin: .missing).load(environment: [:])
        #expect(settings.templateNames.isEmpty && settings.pluginNames.isEmpty && settings.inventory == nil)
        let missing = "config file /h/.starcluster/config does not exist"
        #expect(SettingsSamples.complaint { try settings.plugin("p") } == missing)
        #expect(SettingsSamples.complaint { try settings.template("t") } == "cluster template t does not exist")
        #expect(SettingsSamples.complaint { try settings.converted(to: .yaml) } == missing)
        #expect(throws: SallyError.self) {
            try SettingsLocation(path: "/nonexistent/c", origin: .option).load(environment: [:])
        }
    }

    @Test func aFileSaysWhatFormItHas() async throws {
        try await withScratchFolder { folder in
            let ini = "# note\n\n[cluster a]\ncluster_size = 2\n"
            let yaml = "# note\ntemplates:\n  a: {nodes: 1}\n"
            for (name, text, form) in [
                ("a", ini, ClusterSettings.Form.ini), ("b", yaml, .yaml), ("c.yaml", yaml, .yaml), ("d.ini", ini, .ini),
                ("e", "k = v\n" + ini, .ini),
            ] {
                try writeFile("\(folder)/\(name)", text)
                let settings = try ClusterSettings.load("\(folder)/\(name)", environment: [:])
                #expect(settings.form == form, "\(name)")
                #expect(try settings.template("a").value.template.nodes == 1)
            }
            try writeFile("\(folder)/x.ini", "")
            let empty = "No valid sections defined in config file \(folder)/x.ini"
            #expect(
                SettingsSamples.complaint { try ClusterSettings.load("\(folder)/x.ini", environment: [:]) } == empty)
        }
    }

    @Test func pathsAreRelativeToTheFileTheyStandIn() async throws {
        try await withScratchFolder { folder in
            #expect(mkdir("\(folder)/sub", 0o700) == 0)
            try writeFile("\(folder)/c.ini", "[global]\ninclude = sub/p\n")
            try writeFile(
                "\(folder)/sub/p",
                "[plugin p]\nsetup_class = starcluster.plugins.users.CreateUsers\nnum_users = x\ndownload_keys_dir = k\n"
                    + "[plugin q]\ncommand = q\n[plugin r]\nsetup_class = starcluster.plugins.users.CreateUsers\n"
                    + "num_users = 1\ndownload_keys_dir = k\npublic_keys = keys")
            let settings = try ClusterSettings.load("\(folder)/c.ini", environment: ["HOME": "/h"])
            #expect(try settings.plugin("q").value == .command(.init(path: "\(folder)/sub/q", settings: .init())))
            let users = try SettingsSamples.users(settings.plugin("r").value)
            #expect(users?.downloadKeysDirectory == "\(folder)/sub/k" && users?.publicKeys == "\(folder)/sub/keys")
            let expected = "\(folder)/sub/p:3: [plugin p]: num_users must be an integer"
            #expect(SettingsSamples.complaint { try settings.plugin("p") } == expected)
        }
    }
}
