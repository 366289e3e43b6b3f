// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

#if canImport(Glibc)
import Glibc
#endif

@Suite struct CommandPluginTests {
    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func itGetsTheClusterAndACleanEnvironment() async throws {
        try await PluginWorld.with { world in
            try world.program("mine", "cat >'\(world.root)/input'; env >'\(world.root)/env'; pwd; echo \"args: $#\"")
            let made = try #require(try await world.plugin("mine").run(on: world.cluster()))
            #expect(made.error == nil && made.madeSomething)
            let document = PluginDocument(event: .run, plugin: "mine", cluster: world.cluster(), settings: JSONObject())
            #expect(try text("\(world.root)/input") == document.json.text() + "\n")
            let variables = try text("\(world.root)/env").split(separator: "\n")
            #expect(variables.contains("OURS=yes"))
            #expect(!variables.contains { $0.contains("s3cret") || $0.hasPrefix("SALLY") })
            #expect(world.errors == ["Running plugin mine", "/", "args: 0"])
        }
    }

    @Test func whatItWritesIsProgressOnATerminal() async throws {
        try await PluginWorld.with { world in
            try world.program("mine", "printf 'a\\tb\\033[2J\\n'; echo c")
            let plugin = CommandPlugin(
                name: "mine", settings: world.command("mine"), dryRun: false, surroundings: world.surroundings(),
                announcer: world.announcer(isTerminal: true))
            let made = try #require(try await plugin.run(on: world.cluster()))
            #expect(world.errors == [">>> Running plugin mine", ">>> a b?[2J", ">>> c"])
            let call = made.json["calls"]?.array?.first
            #expect(call?["output"]?.array?.map { $0["text"]?.string } == ["a\tb\u{1b}[2J", "c"])
            #expect(call?["status"]?.integer() == 0 && made.json["complete"]?.bool == true)
        }
    }

    private static let ends: [(String, String?, Bool)] = [
        ("exit 0", nil, true),
        ("echo out; echo err >&2; echo last; exit 3", "plugin \"mine\" ended with status 3: err", false),
        ("echo out; echo last; exit 1", "plugin \"mine\" ended with status 1: last", false),
        ("exit 64", "plugin \"mine\" ended with status 64", false),
        ("kill -KILL $$", "plugin \"mine\" ended with status 137", false),
        (
            "echo 'node002 is down' >&2; exit 75",
            "plugin \"mine\" did a part of its work (status 75): node002 is down", true
        ),
        ("printf 'a\\033b\\n' >&2; exit 1", "plugin \"mine\" ended with status 1: a?b", false),
    ]

    @Test(arguments: ends) func itsStatusAndLastLineAreSaid(
        _ script: String, _ message: String?, _ madeSomething: Bool
    ) async throws {
        try await PluginWorld.with { world in
            try world.program("mine", script)
            let made = try #require(try await world.plugin("mine").run(on: world.cluster()))
            #expect(made.error?.message == message)
            #expect(made.madeSomething == madeSomething)
            #expect(made.json["complete"]?.bool == (message == nil))
            #expect(made.json["calls"]?.array?.first?["error"]?.string == message)
        }
    }

    @Test func itsTimeIsLimited() async throws {
        try await PluginWorld.with { world in
            try world.program("mine", "echo $$; exec sleep 600")
            for seconds in [2, 10, 60, 240] {
                let made = try #require(try await world.plugin("mine", timeout: seconds).run(on: world.cluster()))
                #expect(made.error?.code == .timeout && !made.madeSomething)
                #expect(made.error?.message == "plugin \"mine\" did not end within \(seconds) s, and was ended")
                guard let process = world.errors.compactMap({ pid_t($0) }).first else { continue }
                try await eventually("it is gone") { kill(process, 0) != 0 }
                return
            }
            Issue.record("the plugin never began")
        }
    }

    @Test func whatCannotBeStartedIsNamed() async throws {
        try await PluginWorld.with { world in
            try writeFile("\(world.root)/mine", "#!/nowhere/interpreter\n", mode: 0o755)
            let made = try #require(try await world.plugin("mine").run(on: world.cluster()))
            #expect(made.error?.message == "plugin \"mine\": \"\(world.root)/mine\" cannot be started")
            #expect(!made.madeSomething)
        }
    }

    @Test func aProgramThatOthersCouldChangeIsNotStarted() async throws {
        try await PluginWorld.with { world in
            try writeFile("\(world.root)/mine", "#!/bin/sh\ntouch '\(world.root)/ran'\n", mode: 0o777)
            await #expect(throws: SallyError.self) { try await world.plugin("mine").run(on: world.cluster()) }
            #expect(!exists("\(world.root)/ran"))
        }
    }

    @Test func onlyTheLastLinesAreKept() async throws {
        try await PluginWorld.with { world in
            try world.program("mine", "i=0; while [ $i -lt 1500 ]; do echo line $i; i=$((i+1)); done")
            let made = try #require(try await world.plugin("mine").run(on: world.cluster()))
            let call = made.json["calls"]?.array?.first
            #expect(call?["output"]?.array?.count == 1000)
            #expect(call?["output"]?.array?.last?["text"]?.string == "line 1499")
            #expect(call?["lines_dropped"]?.integer() == 500)
            try world.program("wide", "i=0; while [ $i -lt 100 ]; do printf '%04096d\\n' $i; i=$((i+1)); done")
            let wide = try #require(try await world.plugin("wide").run(on: world.cluster()))
            #expect(wide.json["calls"]?.array?.first?["output"]?.array?.count == 64)
        }
    }

    /// Each node has a call of its own, and one that fails keeps no other from it.
    @Test func everyNodeIsTold() async throws {
        try await PluginWorld.with { world in
            try world.program(
                "mine",
                "grep -o '\"event\":\"[a-z_]*\"\\|\"node\":{\"alias\":\"[a-z0-9]*' >>'\(world.root)/seen'; exit 9")
            let plugin = world.plugin("mine")
            let nodes = [PluginWorld.machine("node008", "10.0.0.18"), PluginWorld.machine("node009", "10.0.0.19")]
            let added = try #require(try await plugin.onAddNode(nodes, to: world.cluster()))
            #expect(added.error?.message == "plugin \"mine\" ended with status 9")
            #expect(added.json["calls"]?.array?.map { $0["node"]?.string } == ["node008", "node009"])
            _ = try await plugin.onRemoveNode([nodes[0]], from: world.cluster())
            _ = try await plugin.onShutdown(world.cluster())
            _ = try await plugin.onResume(world.cluster())
            let seen = try text("\(world.root)/seen").split(separator: "\n").map {
                $0.split(whereSeparator: { "\":{".contains($0) }).last.map(String.init)
            }
            let expected = [
                "on_add_node", "node008", "on_add_node", "node009", "on_remove_node", "node008", "on_shutdown", "run",
            ]
            #expect(seen == expected)
            #expect(try await plugin.onAddNode([], to: world.cluster()) == nil)
        }
    }

    /// The page's own script, with a podman that writes down what it was to do.
    @Test(.enabled(if: exists("/usr/bin/python3"), "the example is written in Python"))
    func theExampleOfThePageWorks() async throws {
        try await PluginWorld.with { world in
            try writeFile("\(world.root)/motd", try PluginExample.script(), mode: 0o755)
            let plugin = CommandPlugin(
                name: "motd", settings: world.command("motd", settings: JSONObject([("text", "hello")])), dryRun: false,
                surroundings: world.surroundings(), announcer: world.announcer())
            let made = try #require(try await plugin.run(on: world.cluster()))
            #expect(made.error == nil, "\(world.errors)")
            #expect(world.errors == ["Running plugin motd", "master: written", "node001: written"])
            let calls = ["c-master", "c-node001"].map { "exec --interactive \($0) sh -c cat > /etc/motd" }
            #expect(try text("\(world.root)/podman.calls") == calls.joined(separator: "\n") + "\n")
            #expect(try text("\(world.root)/podman.input") == "hello\nhello\n")

            let added = try await plugin.onAddNode([PluginWorld.node2], to: world.cluster())
            #expect(added?.error == nil)
            #expect(world.errors.last == "node002: written")
            let removed = try await plugin.onRemoveNode([PluginWorld.node2], from: world.cluster())
            #expect(removed?.error == nil)

            try writeFile("\(world.root)/broken.c-node001", "")
            let part = try #require(try await plugin.run(on: world.cluster()))
            #expect(part.madeSomething)
            #expect(
                part.error?.message == "plugin \"motd\" did a part of its work (status 75): not written on node001")
            try writeFile("\(world.root)/broken.c-master", "")
            let none = try #require(try await plugin.run(on: world.cluster()))
            #expect(
                !none.madeSomething && none.error?.message.contains("status 1: not written on master, node001") == true)
        }
    }
}
