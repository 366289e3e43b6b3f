// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Which nodes somebody wants to have removed. Pure.
package enum NodesToRemove: Sendable, Equatable {
    case named([NodeName])
    /// So many, the last ones by number first.
    case last(Int)

    /// - Parameters:
    ///   - count: of `-n`.
    ///   - aliases: what `-a` was given, lists with commas.
    ///   - nodes: words after the cluster's name.
    /// - Throws: `SallyError(.invalidRequest)`.
    package init(count: Int?, aliases: [String], nodes: [String]) throws {
        let names = try NodeRequest.names(aliases + nodes, option: "removenode:")
        switch (count, names.isEmpty) {
        case (let count?, true):
            guard count >= 1 else {
                throw SallyError(.invalidRequest, "\(count) nodes are named", hint: "-n takes a number from 1 on")
            }
            self = .last(count)
        case (nil, false): self = .named(names)
        case (let count?, false):
            guard count == names.count else {
                throw SallyError(
                    .invalidRequest, "\(count) nodes are asked for with -n, and \(names.count) are named",
                    hint: "give one of the two")
            }
            self = .named(names)
        case (nil, true):
            throw SallyError(
                .invalidRequest, "no node is named", hint: "removenode CLUSTER NODE..., or -n NUM for the last ones")
        }
    }
}

/// What removing nodes from a local cluster makes of its record. Pure.
struct NodeRemoval: Equatable {
    /// The cluster without them.
    let record: ClusterRecord
    let leaving: [ClusterRecord.Container]

    var names: [NodeName] { leaving.map(\.hostname) }

    /// - Throws: `SallyError`: `.notFound` for a node that there is not, `.conflict` for the controller and for the last
    ///   node: Slurm runs with neither missing.
    init(_ request: NodesToRemove, from before: ClusterRecord) throws {
        let leaving: [ClusterRecord.Container]
        switch request {
        case .named(let names):
            leaving = try names.map { name in
                guard let container = before.containers.first(where: { $0.hostname == name }) else {
                    throw SallyError(
                        .notFound, "node '\(name)' does not exist",
                        hint:
                            "(nodes of \(before.name): \(before.computeNodes.map(\.hostname.rawValue).joined(separator: ", ")))"
                    )
                }
                guard container.role == .node else {
                    throw SallyError(
                        .conflict, "\(name) is the controller of cluster \(before.name) and cannot be removed",
                        hint: "`sally cluster terminate \(before.name)` removes the whole cluster")
                }
                return container
            }
        case .last(let count): leaving = NodeRemoval.last(count, of: before.computeNodes)
        }
        let rest = before.containers.filter { container in !leaving.contains { $0.hostname == container.hostname } }
        guard rest.contains(where: { $0.role == .node && $0.isReady }) else {
            throw SallyError(
                .conflict, "cluster \(before.name) would have no node left",
                hint: "`sally cluster terminate \(before.name)` removes the whole cluster")
        }
        var record = before
        record.containers = rest
        self.record = record
        self.leaving = leaving
    }

    /// By the number that their names end with; names without one are removed when they are named.
    private static func last(_ count: Int, of nodes: [ClusterRecord.Container]) -> [ClusterRecord.Container] {
        func number(_ container: ClusterRecord.Container) -> Int {
            Int(String(container.hostname.rawValue.reversed().prefix { $0.isASCII && $0.isNumber }.reversed())) ?? -1
        }
        return Array(nodes.sorted { number($0) > number($1) }.prefix(count))
    }
}
