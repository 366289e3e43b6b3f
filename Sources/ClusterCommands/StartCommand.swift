// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// `start NAME`: returns when a job has run on every node.
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a cluster and wait until a job has run on it.",
        discussion: "Without --template the template of the cluster's own name is taken: `start demo`.")

    @Argument(help: "The cluster's name.")
    var name: String

    @Option(name: [.customLong("template"), .customShort("t")], help: "The template.")
    var template: String?

    @Option(
        name: .customLong("socket-group"),
        help: "The host's group, by name or gid, that may connect to slurmrestd, in place of the template's.")
    var socketGroup: String?

    @Flag(name: .customLong("json"), help: "Print the cluster as JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws {
        let surroundings = try Surroundings.own()
        let cluster = try ClusterName(name)
        try surroundings.refuseListed(cluster, file.config, verb: "started")
        let clusters = try surroundings.clusters()
        let started = try await Interruption.cancelling {
            try await clusters.start(cluster) {
                let name = template ?? cluster.rawValue
                var chosen = try surroundings.resources.template(name)
                if let socketGroup { chosen.socketGroup = socketGroup }
                return (name, chosen)
            }
        }
        let outcome =
            switch started {
            case .started: "started"
            case .wasRunning: "already-running"
            case .resumed: "resumed"
            }
        guard !json else {
            surroundings.print(
                [
                    "schema": "sally.cluster.start/1", "outcome": .string(outcome), "cluster": started.record.json,
                ] as JSONValue)
            return
        }
        let record = started.record
        switch started {
        case .started: surroundings.print("cluster \(cluster) is ready")
        case .wasRunning: surroundings.print("cluster \(cluster) is already running")
        case .resumed: surroundings.print("cluster \(cluster) is running again")
        }
        surroundings.print("  slurmrestd  \(record.socket) (\(record.release.apiVersion))")
        surroundings.print("  signing key \(record.tokenKey.path) (\(record.tokenKey.algorithm.rawValue))")
        for container in record.containers {
            surroundings.print("  \(container.hostname)  \(container.name)  \(container.address)")
        }
    }
}
