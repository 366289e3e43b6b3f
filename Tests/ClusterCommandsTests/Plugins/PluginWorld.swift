// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Synchronization

@testable import ClusterCommands

/// A folder with programs that are plugins, and a cluster to call them for.
struct PluginWorld {
    let root: String
    private let heard = Heard()

    static func with(_ body: (PluginWorld) async throws -> Void) async throws {
        try await withScratchFolder { root in
            let world = PluginWorld(root: root)
            // Stands for podman: writes down what was to be run where, with what came on standard input.
            try world.program(
                "podman",
                """
                printf '%s\\n' "$*" >>'\(root)/podman.calls'
                cat >>'\(root)/podman.input'
                [ ! -e "\(root)/broken.$3" ]
                """)
            try await body(world)
        }
    }

    /// What was written on standard output and standard error, in order.
    private final class Heard: Sendable {
        let text = Mutex((output: "", errors: ""))
    }

    var output: String { heard.text.withLock { $0.output } }
    var errors: [String] { heard.text.withLock { $0.errors }.split(separator: "\n").map(String.init) }

    func surroundings(isTerminal: Bool = false, podman: PodmanEnvironment? = nil) -> Surroundings {
        let environment = [
            "SALLYPORT_STATE": "\(root)/state", "SALLYPORT_IMAGES": root, "SECRET": "s3cret", "HOME": root,
        ]
        let heard = heard
        return Surroundings(
            environment: environment, resources: Resources(environment: environment, executable: "/x/sally-cluster"),
            isRoot: true, isTerminal: isTerminal, podman: podman,
            output: { text, descriptor in
                heard.text.withLock { if descriptor == 1 { $0.output += text } else { $0.errors += text } }
            })
    }

    var store: ClusterStore { ClusterStore(root: "\(root)/state") }
    var memory: PluginMemory { PluginMemory(of: cluster(), in: store) }

    /// Of the cluster as `LifeAndPluginsTests` has it on the disk.
    var localMemory: PluginMemory {
        var local = cluster()
        local.provider = .podman
        return PluginMemory(of: local, in: store)
    }

    func announcer(isTerminal: Bool = false) -> Announcer {
        Announcer(surroundings(isTerminal: isTerminal), isSilent: false)
    }

    @discardableResult
    func program(_ name: String, _ script: String) throws -> String {
        try writeFile("\(root)/\(name)", "#!/bin/sh\n\(script)\n", mode: 0o755)
        return "\(root)/\(name)"
    }

    func command(_ name: String, timeout: Int = 240, settings: JSONObject = JSONObject()) -> CommandPluginSettings {
        CommandPluginSettings(path: "\(root)/\(name)", timeout: timeout, settings: settings)
    }

    /// Settings of createusers, as a file has them.
    func createUsers(_ text: String) throws -> CreateUsersSettings {
        let file = "\(root)/clusters.yaml"
        try writeFile(file, "plugins:\n  users: {type: createusers, \(text)}\n")
        let read = try surroundings().settings(file).plugin("users").value
        guard case .createUsers(let settings) = read else { throw SallyError(.internal, "\(read)") }
        return settings
    }

    func plugin(_ name: String, timeout: Int = 240) -> CommandPlugin {
        CommandPlugin(
            name: name, settings: command(name, timeout: timeout), dryRun: false, surroundings: surroundings(),
            announcer: announcer())
    }

    static func machine(_ name: String, _ address: String, _ role: ClusterMachine.Role = .node) -> ClusterMachine {
        ClusterMachine(
            name: NodeName(unchecked: name), role: role, id: "c-\(name)", address: address, state: .running)
    }

    static let node2 = machine("node002", "10.0.0.12")

    /// Of containers, behind a podman that is none; one of an inventory, because no folder of it is needed.
    func cluster(plugins: [String] = []) -> ClusterMachines {
        ClusterMachines(
            name: ClusterName(unchecked: "lab"), provider: .inventory, region: "r",
            controller: PluginWorld.machine("master", "10.0.0.10", .controller),
            nodes: [PluginWorld.machine("node001", "10.0.0.11")], homeServer: NodeName(unchecked: "master"),
            networks: ["10.0.0.0/24"], accounting: .notEnforced, plugins: plugins,
            access: .podman(
                PodmanEnvironment(program: "\(root)/podman", variables: ["PATH": "/usr/bin:/bin", "OURS": "yes"])))
    }
}
