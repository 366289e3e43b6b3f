// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyAccounts
import SallyClusters
import SallyConfig
import SallyModel
import StrictJSON

/// `removenode CLUSTER NODE...`: nodes go, with what is on their own disks, after the cluster's name was typed.
struct RemoveNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "removenode", abstract: "Remove nodes from a cluster that runs.",
        usage:
            "sally-cluster removenode [-n NUM] [-a ALIAS[,ALIAS...]] [--force] [--yes] [--json] [-c FILE] CLUSTER [NODE...]",
        discussion: """
            The nodes that are named, or the last NUM. A node is drained first; while jobs run on it, it is not removed \
            unless --force is given, and the same command again goes on when they have ended. Then Slurm, /etc/hosts and \
            all known hosts forget it, and its container is removed; homes stay. For machines that exist already: take the \
            machine out of clusters.yaml first, then the host keys are forgotten; nothing on the machine itself changes.
            """,
        aliases: ["rn"])

    @Option(name: [.customShort("n"), .customLong("num-nodes")], help: "How many, the last ones first.")
    var count: Int?

    @Option(name: [.customShort("a"), .customLong("alias")], help: "A node; more with commas between.")
    var aliases: [String] = []

    @Flag(
        name: [.customShort("f"), .customLong("force")],
        help: "Put jobs that run there back into the queue, or cancel them where they cannot run elsewhere.")
    var force = false

    @Flag(name: [.customLong("yes"), .customShort("y")], help: "Do not ask.")
    var yes = false

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    @Argument(help: "The cluster, and nodes of it.")
    var words: [String] = []

    func run() async throws {
        guard let name = words.first else {
            throw SallyError(.invalidRequest, "please specify a cluster", hint: "removenode CLUSTER NODE...")
        }
        let request = try NodesToRemove(count: count, aliases: aliases, nodes: Array(words.dropFirst()))
        let surroundings = try Surroundings.own()
        let announcer = Announcer(surroundings, isSilent: json)
        let finder = try surroundings.finder(file.config)
        let machines = try await finder.find(name)
        let hooks = PluginHooks(surroundings, announcer, file: file.config)
        switch machines.provider {
        case .podman: try await removeContainers(request, machines, finder, hooks, surroundings, announcer)
        case .inventory:
            let inventory = try surroundings.inventory(file.config, files: .skip)
            let names = try ListedNodes(machines, file: inventory.file).toRemove(request)
            let departure = NodeDeparture(machines, surroundings, announcer)
            let report = try await Interruption.cancelling {
                try await departure.forgetListed(names)
                return try await hooks.nodesRemoved(names.map(ClusterMachine.init(gone:)), from: machines)
            }
            show(names, of: machines.name, SlurmJobs(), report, surroundings)
            try report.requireComplete("\(names.map(\.rawValue).joined(separator: ", ")): host keys are forgotten")
        }
    }

    private struct SlurmJobs {
        var requeued: [String] = []
        var cancelled: [String] = []
    }

    private func removeContainers(
        _ request: NodesToRemove, _ machines: ClusterMachines, _ finder: ClusterFinder, _ hooks: PluginHooks,
        _ surroundings: Surroundings, _ announcer: Announcer
    ) async throws {
        let clusters = try surroundings.clusters()
        let names = try clusters.nodes(toRemove: request, from: machines.name)
        let list = names.map(\.rawValue).joined(separator: ", ")
        if !yes {
            surroundings.tell(
                "this removes \(list) from cluster \(machines.name), with what is on \(names.count == 1 ? "its" : "their") "
                    + "own disks; type the cluster's name to go on:")
            guard readLine() == machines.name.rawValue else {
                throw SallyError(
                    .conflict, "\(list) \(names.count == 1 ? "was" : "were") not removed",
                    hint: "type the cluster's name, or give --yes")
            }
        }
        let gone = machines.nodes.filter { names.contains($0.name) }
        let plugins = Kept<PluginHookReport>()
        let removed = try await Interruption.cancelling {
            // What was shown is what is removed, whatever others did meanwhile.
            try await clusters.removeNodes(
                .named(names), from: machines.name, jobs: force ? .end : .keep
            ) { record, names in
                let rest = try await finder.machines(of: record)
                try await NodeDeparture(rest, surroundings, announcer).forget(names)
                plugins.keep(try await hooks.nodesRemoved(gone, from: rest))
            }
        }
        show(
            removed.nodes, of: machines.name,
            SlurmJobs(requeued: removed.requeued, cancelled: removed.cancelled), plugins.value, surroundings)
        try plugins.value?.requireComplete("\(list) \(names.count == 1 ? "is" : "are") gone")
    }

    private func show(
        _ names: [NodeName], of cluster: ClusterName, _ jobs: SlurmJobs, _ report: PluginHookReport?,
        _ surroundings: Surroundings
    ) {
        guard !json else {
            surroundings.print([
                "schema": "sally.cluster.removenode/1", "cluster": .string(cluster.rawValue),
                "nodes": .array(names.map { .string($0.rawValue) }),
                "requeued": .array(jobs.requeued.map { .string($0) }),
                "cancelled": .array(jobs.cancelled.map { .string($0) }), "plugins": report?.json ?? .array([]),
            ])
            return
        }
        if !jobs.requeued.isEmpty { surroundings.print("requeued: \(jobs.requeued.joined(separator: ", "))") }
        if !jobs.cancelled.isEmpty { surroundings.print("cancelled: \(jobs.cancelled.joined(separator: ", "))") }
        for name in names { surroundings.print("\(name) is gone from cluster \(cluster)") }
    }
}
