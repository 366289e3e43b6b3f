// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyConfig
import SallyModel
import SallyTransport
import StrictJSON

/// `list [NAME...]`: the clusters and their machines.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List clusters and their machines.", aliases: ["listclusters", "lc"])

    @Argument(help: "Only these clusters.")
    var names: [String] = []

    @Flag(name: [.customShort("s"), .customLong("show-ssh-status")], help: "Ask every machine whether it answers.")
    var showStatus = false

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws {
        let surroundings = try Surroundings.own()
        // Which keys can be read matters to who signs in, not to a list.
        let finder = try surroundings.finder(file.config, files: .skip)
        let all = try await finder.all()
        for name in names where !all.contains(where: { $0.name.rawValue == name }) { throw finder.unknown(name) }
        let chosen = names.isEmpty ? all : all.filter { names.contains($0.name.rawValue) }
        var listings: [ClusterListing] = []
        for cluster in chosen {
            var listing = ClusterListing(cluster, now: surroundings.now())
            if json { listing.plugins = ListCommand.remembered(cluster, surroundings) }
            if showStatus { listing.answering = await ListCommand.answering(cluster) }
            listings.append(listing)
        }
        guard !json else {
            surroundings.print(["schema": "sally.cluster.list/1", "clusters": .array(listings.map(\.json))])
            return
        }
        guard !listings.isEmpty else {
            surroundings.progress.say("No clusters found...")
            return
        }
        for line in listings.flatMap(\.lines) { surroundings.print(line) }
    }

    /// The plugins that ran on a cluster, nil where that cannot be read, which is said.
    private static func remembered(_ cluster: ClusterFinder.Listed, _ surroundings: Surroundings) -> [RememberedPlugin]?
    {
        guard let machines = cluster.machines else { return [] }
        do { return try PluginMemory(of: machines, in: surroundings.store()).plugins() } catch {
            surroundings.tell("*** WARNING - \(error)")
            return nil
        }
    }

    /// The machines of a cluster on which a program could be run, all asked at once.
    private static func answering(_ cluster: ClusterFinder.Listed) async -> Set<NodeName> {
        guard let machines = cluster.machines else { return [] }
        let transport = machines.transport()
        return await withTaskGroup(of: NodeName?.self) { group in
            for machine in machines.machines {
                group.addTask {
                    let call = try? await transport.run(.script("true", deadline: .seconds(30)), on: machine.name)
                    return call?.succeeded == true ? machine.name : nil  // one that fails does not answer
                }
            }
            return await group.reduce(into: []) { found, name in if let name { found.insert(name) } }
        }
    }
}
