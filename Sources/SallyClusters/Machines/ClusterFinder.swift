// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

/// Finds a cluster by its name, whatever its provider.
package struct ClusterFinder: Sendable {
    /// The region of a local cluster whose record names none: StarCluster's default for `aws_region_name`.
    package static let usualRegion = "us-east-1"

    let store: ClusterStore
    let environment: [String: String]
    private let podman: @Sendable () throws -> PodmanEnvironment
    let inventory: @Sendable () throws -> Inventory

    /// - Parameters:
    ///   - environment: our own.
    ///   - podman: asked for only when there are containers to look at.
    ///   - inventory: asked for when no container answers to the name, and for names that two clusters have.
    package init(
        store: ClusterStore, environment: [String: String],
        podman: @escaping @Sendable () throws -> PodmanEnvironment,
        inventory: @escaping @Sendable () throws -> Inventory
    ) {
        self.store = store
        self.environment = environment
        self.podman = podman
        self.inventory = inventory
    }

    /// The cluster of this name, of which some machine runs or may: a local one, else one of the inventory.
    ///
    /// Whether a certain machine runs says `ClusterMachines.requireRunning`.
    /// - Throws: `SallyError`: `.notFound` when there is none, `.unavailable` when nothing of it runs, `.conflict` when a
    ///   local cluster and one of the inventory have the name, `.misconfigured` when what describes it is wrong.
    package func find(_ text: String) async throws -> ClusterMachines {
        guard let name = ClusterName(rawValue: text) else { throw unknown(text) }
        guard let record = try store.record(of: name) else { return try listed(name) }
        let others = try? inventory()  // one that cannot be read keeps nobody from the local clusters
        if let others, others[name] != nil {
            throw SallyError(
                .conflict, "there are two clusters \(name): a local one, and one in \(others.file)",
                hint: "give one of them another name")
        }
        let machines = try await machines(of: record)
        guard record.status == .running, machines.mayRun else {
            throw SallyError(
                .unavailable, "cluster \(name) is not running", hint: "`sally cluster start \(name)` starts it")
        }
        return machines
    }

    /// A local cluster with the state of its containers, whether it runs or not.
    package func machines(of record: ClusterRecord) async throws -> ClusterMachines {
        let podman = try podman()
        let states = try await PodmanEngine(podman: podman).states(of: record.containers.map(\.name))
        let machines = record.containers.map { container in
            let found = states[container.name]
            return ClusterMachine(
                name: container.hostname, role: container.role == .controller ? .controller : .node,
                id: container.name, address: container.address, state: found?.state ?? .down("missing"),
                startedAt: found?.startedAt)
        }
        guard let controller = machines.first(where: { $0.role == .controller }) else {
            throw SallyError(.misconfigured, "the record of cluster \(record.name) has no controller")
        }
        return ClusterMachines(
            name: record.name, provider: .podman, region: record.region ?? ClusterFinder.usualRegion,
            controller: controller, nodes: machines.filter { $0.role == .node }, homeServer: controller.name,
            networks: [record.subnet.description], accounting: .enforced, release: record.release,
            access: .podman(podman))
    }

    private func listed(_ name: ClusterName) throws -> ClusterMachines {
        guard let entry = try inventory()[name] else { throw unknown(name.rawValue) }
        return try entry.cluster.get().machines(environment: environment)
    }

    /// What is said of a name that no cluster has.
    package func unknown(_ text: String) -> SallyError {
        let listed = (try? inventory())?.entries.map(\.name.rawValue) ?? []  // names alone, to help
        let names = store.all().map(\.name.rawValue) + listed
        return SallyError(
            .notFound, "cluster '\(plain(text))' does not exist",
            hint: names.isEmpty ? nil : "(active clusters: \(names.joined(separator: ", ")))")
    }
}
