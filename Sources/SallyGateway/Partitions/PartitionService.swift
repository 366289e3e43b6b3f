// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// One cluster's partitions, as everybody shares them.
struct PartitionService: Sendable {
    let config: ClusterConfig
    let gate: Gate
    let keeper: QueueKeeper
    let accounts: AccountDoor

    func list(for principal: Principal, request: OpaqueID) async throws -> Shown<PartitionList> {
        _ = try await gate.authorize(ReadCluster(cluster: config.name), by: principal, request: request.rawValue)
        let shape = try keeper.shape(within: config.staleLimit)
        let account = account(of: principal)
        let partitions = try shape.value.partitions.map { partition in
            PartitionView(partition, allowed: try isOpen(partition, shape.value, account, for: principal))
        }
        return Shown(value: PartitionList(partitions: partitions), freshness: shape.freshness)
    }

    /// Whether some rule lets the person submit here, and wherever jobs are handed on to, if the job is small enough and names the
    /// right account.
    private func isOpen(
        _ partition: Partition, _ shape: ShapeKeeper.Shape, _ account: AccountName?, for principal: Principal
    ) throws -> Bool {
        guard let account, let name = PartitionName(rawValue: partition.name) else { return false }
        var least = JobRequest(script: "#!/bin/sh")
        least.partitions = [name]
        least.account = account
        let job = try least.resolved(
            with: ClusterDefaults(partitions: shape.partitions, nodes: shape.nodes, account: account),
            user: principal.account.name)
        let verdicts = gate.explain(.submit(config.name, job, ResourceBounds(of: job)), for: principal).verdicts
        let isDenied = verdicts.contains { $0.effect == .deny && $0.outcome == .applies }
        let places = Dictionary(grouping: verdicts, by: \.partition).values
        return !isDenied && !places.isEmpty
            && places.allSatisfy { $0.contains { $0.effect == .allow && $0.isAboutPersonAndPartition } }
    }

    /// Any account serves to ask; the person's own where it is known.
    private func account(of principal: Principal) -> AccountName? {
        // Nobody without a profile submits anything.
        guard let known = try? accounts.ifKnown(principal) else {  // see above
            return config.profile(for: principal.groups) == nil
                ? nil : config.defaultAccount ?? AccountName(unchecked: "unknown")
        }
        return known.accounts.first ?? config.defaultAccount
    }
}

extension RuleVerdict {
    fileprivate var isAboutPersonAndPartition: Bool {
        switch outcome {
        case .applies, .overLimit: true
        case .differs(let difference): difference > .person
        }
    }
}

extension PartitionView {
    fileprivate init(_ partition: Partition, allowed: Bool) {
        self.init(
            name: partition.name, isDefault: partition.isDefault, state: partition.states.joined(separator: "+"),
            nodes: partition.totalNodes, cpus: partition.totalCPUs, maxTimeMinutes: partition.maximumTime.minutes,
            defaultTimeMinutes: partition.usualTime.minutes, nodeList: partition.nodeList, allowed: allowed)
    }
}
