// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTransport
import StrictJSON

/// One cluster in the layout of StarCluster's `listclusters`, and as JSON. Pure.
///
/// What is not true of a provider reads N/A. The heading keeps StarCluster's words, by which scripts find a cluster's
/// name; there is no security group. Only what StarCluster did not know is added: a node that Slurm does not use.
struct ClusterListing {
    private let cluster: ClusterFinder.Listed
    private let now: Timestamp
    /// The machines that answered, where they were asked.
    var answering: Set<NodeName>?
    /// The plugins that ran on it, nil where nobody could say.
    var plugins: [RememberedPlugin]? = []

    init(_ cluster: ClusterFinder.Listed, now: Timestamp) {
        self.cluster = cluster
        self.now = now
    }

    /// When the controller was started, of which the rest of the cluster is made.
    private var launched: Timestamp? { cluster.machines?.controller.startedAt }

    var lines: [String] {
        let title = "\(cluster.name) (security group: @sc-\(cluster.name))"
        let dashes = String(repeating: "-", count: title.utf8.count)
        var result = [
            dashes, title, dashes,
            "Launch time: \(launched.map(ClusterListing.moment) ?? "N/A")",
            "Uptime: \(launched.map { ClusterListing.uptime(now - $0) } ?? "N/A")",
            "Zone: \(zone ?? "N/A")", "Keypair: \(keypair ?? "N/A")", "EBS volumes: N/A",
        ]
        guard let machines = cluster.machines?.machines else {
            let why = cluster.problem.map { $0.split(separator: "\n").map { "    \($0)" } } ?? []
            return result + ["Cluster nodes: N/A"] + (why.isEmpty ? ["    \(cluster.condition.rawValue)"] : why) + [""]
        }
        result.append("Cluster nodes:")
        for machine in machines {
            let name = machine.name.rawValue
            var line = "    " + String(repeating: " ", count: max(0, 7 - name.utf8.count)) + name
            line += " \(machine.state.word) \(machine.id) \(ClusterListing.place(machine))"
            if let answering { line += " (SSH: \(answering.contains(machine.name) ? "Up" : "Down"))" }
            if unready.contains(machine.name) { line += " (not ready)" }
            result.append(line)
        }
        return result + ["Total nodes: \(machines.count)", ""]
    }

    /// Nodes that are being added or removed, or were when somebody was interrupted.
    private var unready: Set<NodeName> {
        Set((cluster.record?.containers ?? []).filter { !$0.isReady }.map(\.hostname))
    }

    var json: JSONValue {
        let machines = (cluster.machines?.machines ?? []).map { machine -> JSONValue in
            guard let answering, case .object(var object) = machine.json else { return machine.json }
            object["answers"] = .bool(answering.contains(machine.name))
            return .object(object)
        }
        return [
            "name": .string(cluster.name.rawValue), "condition": .string(cluster.condition.rawValue),
            "cluster": cluster.record?.json ?? .null,
            "provider": .string(cluster.provider.rawValue),
            "region": cluster.machines.map { .string($0.region) } ?? .null,
            "launched_at": launched.map { .string("\($0)") } ?? .null,
            "uptime_seconds": launched.map { .integer(Int((now - $0).components.seconds)) } ?? .null,
            "plugins_remembered": plugins.map { .array($0.map(\.summary)) } ?? .null,
            "machines": .array(machines), "problem": cluster.problem.map(JSONValue.string) ?? .null,
        ]
    }

    /// The region that somebody gave it.
    private var zone: String? {
        switch cluster.provider {
        case .podman: cluster.record?.region
        case .inventory: cluster.machines?.region
        }
    }

    /// The administrator's key.
    private var keypair: String? {
        guard case .openSSH(let settings, _) = cluster.machines?.access else { return nil }
        return settings.identityFile
    }

    private static func place(_ machine: ClusterMachine) -> String {
        guard machine.port != 22 else { return machine.address }
        return machine.address.contains(":")
            ? "[\(machine.address)]:\(machine.port)" : "\(machine.address):\(machine.port)"
    }

    /// `2010-02-19T20:55:20.000Z`.
    static func moment(_ time: Timestamp) -> String { "\(time)".dropLast() + ".000Z" }

    /// `00:29:42`; from a day on `3 days, 00:29:42`.
    static func uptime(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        let clock = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60]
            .map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
        return seconds < 86400 ? clock : "\(seconds / 86400) days, \(clock)"
    }
}
