// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyModel
import SallyTransport

/// What the rest of a cluster forgets of machines that left it: their host keys, in ssh_known_hosts everywhere and in the
/// administrator's own file.
struct NodeDeparture: Sendable {
    private let cluster: ClusterMachines
    private let surroundings: Surroundings
    private let announcer: Announcer

    /// - Parameter cluster: without the machines that left.
    init(_ cluster: ClusterMachines, _ surroundings: Surroundings, _ announcer: Announcer) {
        self.cluster = cluster
        self.surroundings = surroundings
        self.announcer = announcer
    }

    /// - Returns: where they were reached, and with which keys.
    /// - Throws: `SallyError(.unavailable)` where a machine still knows them.
    @discardableResult
    func forget(_ gone: [NodeName]) async throws -> [String: Set<String>] {
        let removal = HostKeyRemoval(
            cluster: cluster.name, layout: cluster.layout, transport: cluster.transport(),
            by: "\(surroundings.userName) (sally cluster)",
            told: { announcer.say("waiting for \($0), who changes accounts on this cluster") })
        let report = try await removal.forget(gone)
        guard report.failed.isEmpty else {
            for (node, why) in report.failed.sorted(by: { $0.key < $1.key }) { announcer.warn("\(node): \(why)") }
            throw SallyError(
                .unavailable, "\(counted(report.failed.count, "machine")) still knows host keys of \(list(gone))",
                hint: "the same command again does the rest")
        }
        return report.keys
    }

    /// Of machines that the list of clusters has no more. Their addresses are those that the cluster knew them by; one that
    /// another machine has meanwhile is kept.
    ///
    /// - Throws: `SallyError(.notFound)` when nothing was known of any of them: they are likely misspelt.
    func forgetListed(_ gone: [NodeName]) async throws {
        let keys = try await forget(gone)
        guard case .openSSH(let settings, _) = cluster.access else { return }
        var hosts = keys.mapValues { Optional($0) }
        for name in gone { hosts.updateValue(nil, forKey: name.rawValue) }
        for machine in cluster.machines { hosts.removeValue(forKey: ListedAddress.text(machine)) }
        let lines = try KnownHostsFile(settings.knownHostsFile).forget(hosts)
        guard lines > 0 || !keys.isEmpty else {
            throw SallyError(
                .notFound, "nothing is known of \(list(gone)) on cluster \(cluster.name)",
                hint: "its host keys were forgotten before, or the name is another")
        }
    }

    private func list(_ names: [NodeName]) -> String { names.map(\.rawValue).joined(separator: ", ") }
}

/// A machine's place as known_hosts(5) has it.
enum ListedAddress {
    static func text(_ machine: ClusterMachine) -> String {
        machine.port == 22 ? machine.address : "[\(machine.address)]:\(machine.port)"
    }
}
