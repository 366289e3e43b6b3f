// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

/// Commands that end machines or begin them again, on a cluster of one container that a podman of the tests' own has.
extension InterruptionTestsSerial {
    @Suite struct LifeAndPluginsTests {
        private func withCluster(
            isRunning: Bool = true, _ body: (PluginWorld, Surroundings) async throws -> Void
        ) async throws {
            try await PluginWorld.with { world in
                let folder = "\(world.root)/state/lab"
                for path in ["\(world.root)/state", folder] {
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                }
                try writeFile("\(folder)/cluster.json", LifeAndPluginsTests.record(folder))
                if isRunning { try writeFile("\(world.root)/running", "") }
                try world.program(
                    "podman",
                    """
                    case "$*" in
                    'ps '*) [ ! -e '\(world.root)/removed' ] && echo c-master ;;
                    'container inspect'*Labels*)
                        [ -e '\(world.root)/running' ] && s=running || s=exited
                        echo "c-master|$s|\(folder)" ;;
                    'container inspect'*) [ -e '\(world.root)/running' ] && echo 'c-master|running|5' || echo 'c-master|exited|5' ;;
                    'stop '*) rm '\(world.root)/running' ;;
                    'rm '*) rm -f '\(world.root)/running'; touch '\(world.root)/removed'; echo removed >>'\(world.root)/told' ;;
                    esac
                    exit 0
                    """)
                try world.program(
                    "good", "grep -o 'on_[a-z]*\\|\"run\"' >>'\(world.root)/told'; echo good >>'\(world.root)/told'")
                try world.program("bad", "echo bad >>'\(world.root)/told'; echo no luck >&2; exit 9")
                let podman = PodmanEnvironment(program: "\(world.root)/podman", variables: ["PATH": "/usr/bin:/bin"])
                let surroundings = world.surroundings(podman: podman)
                for name in ["good", "bad"] {
                    try await world.localMemory.remember(
                        RememberedPlugin(name: name, settings: .command(world.command(name)), ranAt: Timestamp(1)))
                }
                try await body(world, surroundings)
            }
        }

        private static func record(_ folder: String) -> String {
            """
            {"version": 1, "name": "lab", "template": "t", "status": "running", "release": "debian12",
             "containers": [{"name": "c-master", "role": "controller", "hostname": "master", "address": "10.0.0.10"}],
             "network": {"name": "n", "subnet": "10.0.0.0/24"}, "socket": "\(folder)/s", "socket_group": 0,
             "token_key": {"algorithm": "HS256", "path": "\(folder)/k", "kid": null}, "service_account": "sallyport",
             "accounts": [], "partitions": [], "gpu_accounts": [], "home": "\(folder)/home"}
            """
        }

        private func told(_ world: PluginWorld) throws -> [String] {
            guard exists("\(world.root)/told") else { return [] }
            return try String(contentsOfFile: "\(world.root)/told", encoding: .utf8).split(separator: "\n").map(
                String.init)
        }

        private func failure(_ body: () async throws -> Void) async -> String? {
            do {
                try await body()
                return nil
            } catch { return (error as? SallyError)?.message ?? "\(error)" }
        }

        /// What a plugin makes of it keeps no cluster alive; and what ran there is forgotten with it.
        @Test func terminateTellsThePluginsAndTerminates() async throws {
            try await withCluster { world, surroundings in
                let command = try TerminateCommand.parse(["lab", "--yes"])
                let said = await failure { try await command.run(surroundings) }
                #expect(said == "cluster lab is gone, but of its plugins \"bad\" failed")
                #expect(try told(world) == ["bad", "on_shutdown", "good", "removed"])
                #expect(world.output == "cluster lab is gone\n")
                #expect(!exists("\(world.root)/state/lab"))
            }
        }

        @Test func aMemoryThatCannotBeReadKeepsNoClusterAlive() async throws {
            try await withCluster { world, surroundings in
                try writeFile("\(world.root)/state/lab/plugins.json", "{")
                let command = try TerminateCommand.parse(["lab", "--yes", "--json"])
                let said = await failure { try await command.run(surroundings) }
                #expect(said == "cluster lab is gone, but of its plugins \"plugins.json\" failed")
                #expect(try told(world) == ["removed"])
                let json = try JSONValue(parsing: world.output)
                #expect(json["plugins"]?.array?.first?["complete"]?.bool == false)
            }
        }

        @Test func stopTellsThePluginsFirst() async throws {
            try await withCluster { world, surroundings in
                let command = try StopCommand.parse(["lab"])
                let said = await failure { try await command.run(surroundings) }
                #expect(said == "cluster lab is stopped, but of its plugins \"bad\" failed")
                #expect(try told(world) == ["bad", "on_shutdown", "good"])
                #expect(!exists("\(world.root)/running"))
            }
        }

        /// Nobody could do anything for machines that do not run.
        @Test func pluginsOfAClusterThatIsStoppedAreNotTold() async throws {
            try await withCluster(isRunning: false) { world, surroundings in
                try await StopCommand.parse(["lab"]).run(surroundings)
                #expect(world.output == "cluster lab was not running\n")
                try await TerminateCommand.parse(["lab", "--yes"]).run(surroundings)
                #expect(try told(world) == ["removed"])
            }
        }

        /// One that fails keeps no other from its work; those that did theirs are remembered.
        @Test func allPluginsOfATemplateRun() async throws {
            try await withCluster { world, surroundings in
                for name in ["good", "bad"] { _ = try await world.localMemory.forget(name) }
                let file = "\(world.root)/clusters.yaml"
                try writeFile(
                    file,
                    """
                    templates: {small: {plugins: [bad, good]}}
                    plugins: {bad: {command: bad}, good: {command: good}}
                    """)
                let command = try StartCommand.parse(["-x", "small", "lab", "-c", file])
                let said = await failure { try await command.run(surroundings) }
                #expect(said == "of the plugins of lab \"bad\" failed")
                #expect(world.errors.contains("!!! ERROR - Error occured while running plugin 'bad':"))
                #expect(try told(world) == ["bad", "\"run\"", "good"])
                #expect(try world.localMemory.plugins().map(\.name) == ["good"])
            }
        }

        @Test func aClusterThatRunsAgainTellsThePlugins() async throws {
            try await withCluster { world, surroundings in
                let hooks = PluginHooks(surroundings, world.announcer(), file: nil)
                let report = try await hooks.resumed(ClusterName("lab"))
                #expect(try told(world) == ["\"run\"", "good", "bad"])
                #expect(report.entries.map(\.plugin) == ["good", "bad"])
            }
        }
    }
}
