// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

/// Against programs alone: the podman of these tests has no users, and says so by failing.
@Suite struct PluginHooksTests {
    private func remember(_ names: [String], _ world: PluginWorld) async throws {
        for name in names {
            try await world.memory.remember(
                RememberedPlugin(name: name, settings: .command(world.command(name)), ranAt: Timestamp(1)))
        }
    }

    private func hooks(_ world: PluginWorld, file: String? = nil) -> PluginHooks {
        PluginHooks(world.surroundings(), world.announcer(), file: file)
    }

    /// `a`, `b` and `c`, of which `b` fails; each writes down that it was called.
    private func withThree(_ body: (PluginWorld) async throws -> Void) async throws {
        try await PluginWorld.with { world in
            for name in ["a", "b", "c"] {
                let end = name == "b" ? "echo no luck >&2; exit 5" : "exit 0"
                try world.program(name, "echo \(name) >>'\(world.root)/called'; \(end)")
            }
            try await remember(["a", "b", "c"], world)
            try await body(world)
        }
    }

    private func called(_ world: PluginWorld) throws -> [String] {
        guard exists("\(world.root)/called") else { return [] }
        return try String(contentsOfFile: "\(world.root)/called", encoding: .utf8).split(separator: "\n").map(
            String.init)
    }

    @Test func oneThatFailsKeepsNoOtherFromItsWork() async throws {
        try await withThree { world in
            let report = try await hooks(world).shutdown(world.cluster())
            #expect(try called(world) == ["c", "b", "a"])
            #expect(report.entries.map(\.plugin) == ["c", "b", "a"])
            #expect(
                report.entries.map { $0.error?.message } == [nil, "plugin \"b\" ended with status 5: no luck", nil])
            // In StarCluster's words.
            #expect(world.errors.contains("!!! ERROR - Error occured while running plugin 'b':"))
            #expect(world.errors.contains("!!! ERROR - plugin \"b\" ended with status 5: no luck"))
            let error = #expect(throws: SallyError.self) { try report.requireComplete("cluster lab is gone") }
            #expect(error?.message == "cluster lab is gone, but of its plugins \"b\" failed")
            #expect(report.json.array?.map { $0["complete"]?.bool } == [true, false, true])
        }
    }

    @Test func addingGoesForwardsAndRemovingBackwards() async throws {
        try await withThree { world in
            let added = try await hooks(world).nodesAdded([NodeName(unchecked: "node001")], to: world.cluster())
            #expect(try called(world) == ["a", "b", "c"])
            // Users are looked after though no createusers ran from here; that the machines do not answer stops nobody.
            #expect(added.entries.map(\.plugin) == ["createusers", "a", "b", "c"])
            #expect(added.entries.first?.error?.code == .unavailable)
            let removed = try await hooks(world).nodesRemoved([PluginWorld.node2], from: world.cluster())
            #expect(try called(world) == ["a", "b", "c", "c", "b", "a"])
            #expect(removed.entries.map(\.plugin) == ["c", "b", "a", "createusers"])
        }
    }

    @Test func whatWasToldOfTheEndIsToldOfTheBeginning() async throws {
        try await withThree { world in
            let report = try await hooks(world).resumed(world.cluster())
            #expect(try called(world) == ["a", "b", "c"])
            #expect(report.entries.map(\.plugin) == ["a", "b", "c"])
            let events = report.entries.first?.output["calls"]?.array?.map { $0["event"]?.string }
            #expect(events == ["run"])
        }
    }

    /// Another administrator, who has the list of clusters and ran nothing.
    @Test func pluginsOfTheListCountAsHavingRun() async throws {
        try await withThree { world in
            _ = try await world.memory.forget("c")
            try world.program("d", "echo d >>'\(world.root)/called'")
            let file = "\(world.root)/clusters.yaml"
            try writeFile(
                file,
                """
                plugins:
                  a: {command: \(world.root)/never}
                  d: {command: d}
                """)
            let cluster = world.cluster(plugins: ["a", "d", "lost"])
            let report = try await hooks(world, file: file).shutdown(cluster)
            // What ran counts with the settings that it ran with.
            #expect(try called(world) == ["d", "b", "a"])
            #expect(report.entries.map(\.plugin) == ["lost", "d", "b", "a"])
            let lost = report.entries.first { $0.plugin == "lost" }
            #expect(lost?.error?.message == "Plugin \"lost\" not found in config")
        }
    }

    @Test func aFileThatCannotBeReadIsReportedAndTheRestGoesOn() async throws {
        try await PluginWorld.with { world in
            try await remember(["a"], world)
            try writeFile(world.memory.path, "{")
            try world.program("d", "echo d >>'\(world.root)/called'")
            let file = "\(world.root)/clusters.yaml"
            try writeFile(file, "plugins: {d: {command: d}}")
            let report = try await hooks(world, file: file).shutdown(world.cluster(plugins: ["d"]))
            #expect(report.entries.map(\.plugin) == ["plugins.json", "d"])
            #expect(report.entries.first?.error?.code == .misconfigured)
            #expect(try called(world) == ["d"])
        }
    }

    /// Nobody is told of a plugin that failed, be it the last one.
    @Test(arguments: [["a", "b"], ["b"]]) func cancellationEndsAllOfIt(_ names: [String]) async throws {
        try await PluginWorld.with { world in
            for name in names {
                try world.program(name, "echo \(name) >>'\(world.root)/called'; exec sleep 600")
            }
            try await remember(names, world)
            let hooks = hooks(world)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) { try await hooks.resumed(world.cluster()) }
                }
                try? await eventually("the first runs") { try called(world) == [names[0]] }  // looked at below
                group.cancelAll()
            }
            #expect(try called(world) == [names[0]])
        }
    }

    private static func users(_ names: [String]) throws -> PluginSettings {
        let file = "/c/clusters.yaml"
        let text = "plugins:\n  u: {type: createusers, usernames: [\(names.joined(separator: ", "))]}"
        return try ClusterSettings.parse(text, form: .yaml, file: file, environment: ["HOME": "/h"]).plugin("u").value
    }

    /// Whoever no plugin lists, having been made with another list, is the first one's.
    @Test func everyUserIsLookedAfterOnce() async throws {
        try await PluginWorld.with { world in
            let known = [
                ReadPlugin(name: "p", settings: .command(world.command("p"))),
                ReadPlugin(name: "one", settings: try PluginHooksTests.users(["ann", "bob"])),
                ReadPlugin(name: "two", settings: try PluginHooksTests.users(["cid", "ann"])),
            ]
            let made = PluginHooks.made(known, world.surroundings(), world.announcer())
            #expect(made.map(\.name) == ["p", "one", "two"])
            let shares = made.compactMap { $0 as? CreateUsersPlugin }
            let everybody = ["ann", "bob", "cid", "old"].map { UserName(unchecked: $0) }
            let has = shares.map { plugin in
                everybody.filter { plugin.share.has($0, listed: Set(plugin.settings?.users ?? [])) }.map(\.rawValue)
            }
            #expect(has == [["ann", "bob", "old"], ["ann", "cid"]])

            let none = PluginHooks.made([known[0]], world.surroundings(), world.announcer())
            #expect(none.map(\.name) == ["createusers", "p"])
            let all = try #require(none.first as? CreateUsersPlugin)
            #expect(all.settings == nil && everybody.allSatisfy { all.share.has($0, listed: []) })
        }
    }
}
