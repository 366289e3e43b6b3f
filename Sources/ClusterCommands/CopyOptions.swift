// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClusters
import SallyModel
import StrictJSON

/// What `put` and `get` have in common.
struct CopyOptions: ParsableArguments {
    @Option(name: [.customShort("u"), .customLong("user")], help: "Read and write as this user on the node.")
    var user = "root"

    @Option(name: [.customShort("n"), .customLong("node")], help: "The node, in place of the controller.")
    var node: String?

    @OptionGroup var file: ClusterFileOption

    @Flag(name: .customLong("json"), help: "Print what was copied as JSON.")
    var json = false

    @Argument(help: "The cluster, what to copy, and where to.")
    var words: [String] = []

    enum Direction: String { case put, get }

    func run(_ direction: Direction) async throws {
        guard let name = words.first else { throw SallyError(.invalidRequest, "please specify a cluster") }
        guard words.count >= 3, let destination = words.last else {
            throw SallyError(
                .invalidRequest, "please specify what to copy and where to",
                hint: "sally-cluster \(direction.rawValue) CLUSTER PATH... DESTINATION")
        }
        let paths = Array(words[1..<(words.count - 1)])
        let surroundings = try Surroundings.own()
        let user = try LoginName(user)
        let cluster = try await surroundings.finder(file.config).find(name)
        let machine = try node.map(cluster.machine(named:)) ?? cluster.controller
        let meter = CopyMeter(surroundings)
        let copied = try await Interruption.cancelling {
            let copy = FileCopy(
                cluster, machine: machine, user: user, environment: surroundings.environment, told: meter.show)
            switch direction {
            case .put: return try await copy.put(paths, to: destination)
            case .get: return try await copy.get(paths, to: destination)
            }
        }
        guard json else { return }
        let entries = copied.map { file -> JSONValue in
            ["from": .string(file.from), "to": .string(file.to), "bytes": .integer(Int(file.bytes))]
        }
        surroundings.print([
            "schema": .string("sally.cluster.\(direction.rawValue)/1"), "cluster": .string(cluster.name.rawValue),
            "node": .string(machine.name.rawValue), "user": .string(user.rawValue), "copied": .array(entries),
        ])
    }
}
