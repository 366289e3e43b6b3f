// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

@Suite struct PluginDocumentTests {
    @Test func aClusterOfContainersIsTold() async throws {
        try await PluginWorld.with { world in
            var cluster = world.cluster()
            cluster.access = .podman(PodmanEnvironment(variables: ["SECRET": "x"]))
            let document = PluginDocument(
                event: .addNode(PluginWorld.node2), plugin: "mine", cluster: cluster,
                settings: JSONObject([("n", 3), ("list", ["a", nil] as JSONValue)]))
            let expected = """
                {"version":1,"event":"on_add_node","plugin":"mine","cluster":{"name":"lab","provider":"inventory",\
                "region":"r","controller":"master","home_server":"master",\
                "access":{"method":"podman","command":["podman","exec"]},"machines":[\
                {"alias":"master","role":"controller","id":"c-master","address":"10.0.0.10","port":22,"state":"running",\
                "command":["podman","exec","--interactive","c-master"]},\
                {"alias":"node001","role":"node","id":"c-node001","address":"10.0.0.11","port":22,"state":"running",\
                "command":["podman","exec","--interactive","c-node001"]}]},\
                "node":{"alias":"node002","role":"node","id":"c-node002","address":"10.0.0.12","port":22,\
                "state":"running","command":["podman","exec","--interactive","c-node002"]},\
                "settings":{"n":3,"list":["a",null]}}
                """
            #expect(document.json.text() == expected)
        }
    }

    @Test func overSSHItSaysWhoSignsInAndHow() async throws {
        try await PluginWorld.with { world in
            var cluster = world.cluster()
            cluster.access = .openSSH(
                OpenSSHSettings(login: .sudo(user: "ann"), identityFile: "/k", knownHostsFile: "/h"),
                environment: ["SECRET": "x"])
            let json = PluginDocument(event: .run, plugin: "mine", cluster: cluster, settings: JSONObject()).json
            let access = #"{"method":"ssh","user":"ann","sudo":true,"identity_file":"/k","known_hosts":"/h"}"#
            #expect(json["cluster"]?["access"]?.text() == access)
            #expect(json["node"]?.isNull == true)
            #expect(json["event"]?.string == "run")
            let command = json["cluster"]?["machines"]?.array?.last?["command"]?.array?.compactMap(\.string)
            #expect(command?.suffix(4) == ["10.0.0.11", "sudo", "-n", "--"])
        }
    }

    @Test(arguments: [
        (PluginEvent.run, "run"), (.addNode(PluginWorld.node2), "on_add_node"),
        (.removeNode(PluginWorld.node2), "on_remove_node"), (.shutdown, "on_shutdown"),
    ])
    func eventsHaveStarClustersNames(_ event: PluginEvent, _ name: String) { #expect(event.name == name) }

    /// The document and the page have the same keys, and what the page says of events and statuses is so.
    @Test func thePageHasEveryKey() async throws {
        let page = try PluginExample.page()
        try await PluginWorld.with { world in
            let cluster = world.cluster()
            let json = PluginDocument(
                event: .addNode(PluginWorld.node2), plugin: "mine", cluster: cluster, settings: JSONObject()
            ).json
            for (key, value) in try #require(json.object) {
                #expect(page.contains("\"\(key)\": "), "\(key)")
                for (inner, value) in value.object ?? JSONObject() {
                    #expect(page.contains("\"\(inner)\": "), "\(inner)")
                    for (key, _) in value.array?.first?.object ?? JSONObject() {
                        #expect(page.contains("\"\(key)\": "), "\(key)")
                    }
                }
            }
        }
        for name in ["run", "on_add_node", "on_remove_node", "on_shutdown"] { #expect(page.contains("| `\(name)` |")) }
        #expect(page.contains("| \(CommandPlugin.statusOfPart) |"))
        for name in CleanEnvironment.kept where !name.contains("CONTAINERS") && !name.lowercased().hasSuffix("proxy") {
            #expect(page.contains("`\(name)`") || name == "SALLYPORT_PULL_SECONDS", "\(name)")
        }
    }
}

/// The script of docs/cluster-plugins.md.
enum PluginExample {
    static func page() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        return String(decoding: try Data(contentsOf: URL(filePath: "/\(root)/docs/cluster-plugins.md")), as: UTF8.self)
    }

    static func script() throws -> String {
        let section = try page().split(separator: "\n### An example\n").last ?? ""
        let lines = section.split(separator: "\n", omittingEmptySubsequences: false)
            .prefix { !$0.hasPrefix("## ") }
            .drop { !$0.hasPrefix("    #!") }
        return lines.map { $0.hasPrefix("    ") ? $0.dropFirst(4) : $0 }.joined(separator: "\n")
    }
}
