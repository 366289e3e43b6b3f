// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyConfig
import SallyModel
import StrictJSON

/// `addnode [-n NUM] [-a ALIAS] CLUSTER`: returns when Slurm may use the nodes, which is when all users are on them.
struct AddNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "addnode", abstract: "Add nodes to a cluster that runs, with all its users.",
        usage: "sally-cluster addnode [-n NUM] [-a ALIAS[,ALIAS...]] [--json] [-c FILE] CLUSTER",
        discussion: """
            One node, or NUM, or those named with -a; without names the next free ones are taken: node003. Slurm may use a \
            node when the plugins of the cluster have brought all users onto it. Where that fails it stays drained, and \
            `addnode -a` with its name goes on. For machines that exist already: list the machine in clusters.yaml first, \
            then `addnode -a NAME CLUSTER` brings it users and host keys; see docs/cluster-nodes.md.
            """,
        aliases: ["an"])

    @Option(name: [.customShort("n"), .customLong("num-nodes")], help: "How many nodes.")
    var count: Int?

    @Option(name: [.customShort("a"), .customLong("alias")], help: "What they are called, with commas between.")
    var aliases: [String] = []

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    @Argument(help: "The cluster.")
    var cluster: String

    func run() async throws {
        let request = try NodeRequest(count: count, aliases: aliases)
        let surroundings = try Surroundings.own()
        let announcer = Announcer(surroundings, isSilent: json)
        let finder = try surroundings.finder(file.config)
        let machines = try await finder.find(cluster)
        let hooks = PluginHooks(surroundings, announcer, file: file.config)
        switch machines.provider {
        case .podman:
            let clusters = try surroundings.clusters()
            let plugins = Kept<PluginHookReport>()
            let added = try await Interruption.cancelling {
                try await clusters.addNodes(request, to: machines.name) { record, names in
                    let found = try await finder.machines(of: record)
                    let report = try await hooks.nodesAdded(names, to: found)
                    plugins.keep(report)
                    try await NodeUsers(of: found).requireAll(on: names)
                    try report.requireComplete("the machine is up")
                }
            }
            let found = try await finder.machines(of: added.record)
            show(added.nodes, of: found, plugins.value, surroundings)
        case .inventory:
            let names = try ListedNodes(machines, file: try surroundings.inventory(file.config, files: .skip).file)
                .toAdd(request)
            for node in await machines.usedBySlurm(names) {
                announcer.warn("Slurm may use \(node) already: drain it until its users are there")
            }
            let report = try await Interruption.cancelling {
                let report = try await hooks.nodesAdded(names, to: machines)
                try await NodeUsers(of: machines).requireAll(on: names)
                return report
            }
            try report.requireComplete("\(names.map(\.rawValue).joined(separator: ", ")): not everything is there")
            show(names, of: machines, report, surroundings)
        }
    }

    private func show(
        _ names: [NodeName], of cluster: ClusterMachines, _ report: PluginHookReport?, _ surroundings: Surroundings
    ) {
        guard !json else {
            let nodes = cluster.nodes.filter { names.contains($0.name) }
            surroundings.print([
                "schema": "sally.cluster.addnode/1", "cluster": .string(cluster.name.rawValue),
                "nodes": .array(nodes.map(\.json)), "plugins": report?.json ?? .array([]),
            ])
            return
        }
        for name in names { surroundings.print("\(name) is a node of cluster \(cluster.name)") }
    }
}
