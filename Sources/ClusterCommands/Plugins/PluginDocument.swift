// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTransport
import StrictJSON

/// What is asked of a program, in StarCluster's names.
enum PluginEvent: Sendable, Equatable {
    case run
    case addNode(ClusterMachine)
    case removeNode(ClusterMachine)
    case shutdown

    var name: String {
        switch self {
        case .run: "run"
        case .addNode: "on_add_node"
        case .removeNode: "on_remove_node"
        case .shutdown: "on_shutdown"
        }
    }

    var node: ClusterMachine? {
        switch self {
        case .run, .shutdown: nil
        case .addNode(let node), .removeNode(let node): node
        }
    }
}

/// The JSON document that a program gets on standard input: docs/cluster-plugins.md. Pure. It holds no secret but what
/// an administrator wrote into the plugin's settings.
struct PluginDocument: Sendable {
    static let version = 1

    let event: PluginEvent
    let plugin: String
    let cluster: ClusterMachines
    let settings: JSONObject

    var json: JSONValue {
        [
            "version": .integer(PluginDocument.version), "event": .string(event.name), "plugin": .string(plugin),
            "cluster": [
                "name": .string(cluster.name.rawValue), "provider": .string(cluster.provider.rawValue),
                "region": .string(cluster.region), "controller": .string(cluster.controller.name.rawValue),
                "home_server": .string(cluster.homeServer.rawValue), "access": access,
                "machines": .array(cluster.machines.map(machine)),
            ],
            "node": event.node.map(machine) ?? .null, "settings": .object(settings),
        ]
    }

    private func machine(_ machine: ClusterMachine) -> JSONValue {
        [
            "alias": .string(machine.name.rawValue), "role": .string(machine.role.rawValue),
            "id": .string(machine.id), "address": .string(machine.address), "port": .integer(Int(machine.port)),
            "state": .string(machine.state.word),
            "command": .array(cluster.command(on: machine).map(JSONValue.string)),
        ]
    }

    private var access: JSONValue {
        switch cluster.access {
        case .podman(let podman): return ["method": "podman", "command": [.string(podman.program), "exec"]]
        case .openSSH(let settings, _):
            let (user, sudo): (String, Bool) =
                switch settings.login {
                case .root: ("root", false)
                case .sudo(let user): (user, true)
                }
            return [
                "method": "ssh", "user": .string(user), "sudo": .bool(sudo),
                "identity_file": .string(settings.identityFile), "known_hosts": .string(settings.knownHostsFile),
            ]
        }
    }
}
