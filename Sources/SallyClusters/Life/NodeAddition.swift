// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What adding nodes to a local cluster makes of its record. Pure: everything that can be wrong with the request is found
/// here, before anything is made.
struct NodeAddition: Equatable {
    /// The cluster with all nodes asked for, which are not ready yet.
    let record: ClusterRecord
    /// Those that are new.
    let made: [ClusterRecord.Container]
    /// All that are asked for: new ones, and those that an earlier command did not bring to its end.
    let names: [NodeName]

    /// - Throws: `SallyError`: `.invalidRequest` for a name that no node can have, `.conflict` for one that is taken,
    ///   `.limitExceeded` for too many.
    init(_ request: NodeRequest, to before: ClusterRecord) throws {
        let known = before.computeNodes.map(\.hostname)
        let unfinished = request.aliases.filter { alias in
            before.computeNodes.contains { $0.hostname == alias && !$0.isReady }
        }
        let total = known.count + request.count - unfinished.count
        guard total <= ClusterTemplate.mostNodes else {
            throw SallyError(
                .limitExceeded,
                "cluster \(before.name) has \(known.count) nodes and can have \(ClusterTemplate.mostNodes), not \(total)",
                hint: "start another cluster, or remove nodes")
        }
        for alias in request.aliases where !unfinished.contains(alias) { try NodeAddition.check(alias, before) }
        let names =
            request.aliases.isEmpty
            ? Array(NodeAddition.free(besides: known).prefix(request.count)) : request.aliases
        var record = before
        var made: [ClusterRecord.Container] = []
        for name in names where !unfinished.contains(name) {
            let container = ClusterRecord.Container(
                name: "sallyport-\(before.name)-\(name)", role: .node, hostname: name,
                address: try NodeAddition.freeAddress(in: record), isReady: false)
            record.containers.append(container)
            made.append(container)
        }
        record.containers =
            record.containers.filter { $0.role == .controller }
            + record.computeNodes.sorted { $0.hostname < $1.hostname }
        self.record = record
        self.made = made
        self.names = names
    }

    /// The names `node001`, `node002` and so on that nobody has.
    private static func free(besides taken: [NodeName]) -> some Sequence<NodeName> {
        (1...).lazy.map(ClusterTemplate.nodeName(number:)).filter { !taken.contains($0) }
    }

    /// slurm.conf(5) takes some names for more than a node; a host's name has no case (RFC 4343).
    private static let special: Set<String> = ["all", "default", "localhost", "none"]

    private static func check(_ alias: NodeName, _ record: ClusterRecord) throws {
        let text = alias.rawValue
        let isHost = text.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d
        }
        guard isHost, let first = text.utf8.first, (0x61...0x7a).contains(first), text.utf8.last != 0x2d,
            text.utf8.count <= 40, !special.contains(text)
        else {
            throw SallyError(
                .invalidRequest, "\(quoted(text)) cannot be the name of a node of a local cluster",
                hint:
                    "1-40 characters of a-z 0-9 -, a letter first, no - last, and none of all, default, localhost, none"
            )
        }
        guard let other = record.containers.first(where: { $0.hostname == alias }) else { return }
        throw SallyError(
            .conflict,
            "cluster \(record.name) has a \(other.role == .controller ? "controller" : "node") \(alias) already",
            hint: "leave -a out for the next free name")
    }

    /// The lowest address that no machine of the cluster has, where `ClusterLayout` begins.
    private static func freeAddress(in record: ClusterRecord) throws -> String {
        let taken = Set(record.containers.map(\.address))
        let numbers = record.subnet.hostNumbers.drop { $0 < ClusterLayout.firstHost }
        guard let free = numbers.lazy.map(record.subnet.host).first(where: { !taken.contains($0) }) else {
            throw SallyError(
                .limitExceeded, "no free address is left in \(record.subnet), the network of cluster \(record.name)",
                hint: "remove nodes, or start another cluster")
        }
        return free
    }
}
