// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension ClusterFinder {
    /// A cluster as `list` shows it.
    package struct Listed: Sendable {
        package enum Condition: String, Sendable {
            /// All its containers run.
            case running
            /// Some or all of its containers do not run; `start` resumes it.
            case stopped
            /// A start is under way, or was killed; `start` and `terminate` clean up.
            case starting
            /// What describes it cannot be understood.
            case broken
            /// Machines that exist already: nobody was asked.
            case listed
        }

        package var name: ClusterName
        package var provider: ClusterMachines.Provider
        package var condition: Condition
        /// nil when it is broken, or was never ready.
        package var machines: ClusterMachines?
        /// Of a local cluster, as far as it can be read.
        package var record: ClusterRecord?
        /// What is wrong with one that is broken.
        package var problem: String?

        package init(
            name: ClusterName, provider: ClusterMachines.Provider, condition: Condition,
            machines: ClusterMachines? = nil, record: ClusterRecord? = nil, problem: String? = nil
        ) {
            self.name = name
            self.provider = provider
            self.condition = condition
            self.machines = machines
            self.record = record
            self.problem = problem
        }
    }

    /// Every cluster, the local ones first, by name. A broken one does not hide the rest.
    ///
    /// - Throws: `SallyError` when podman is needed and does not work, or a list of clusters is there and no list.
    package func all() async throws -> [Listed] {
        var result: [Listed] = []
        for (name, outcome) in store.all() { result.append(try await local(name, outcome)) }
        for entry in try inventory().entries {
            var listed = Listed(name: entry.name, provider: .inventory, condition: .listed)
            switch entry.cluster {
            case .success(let cluster): listed.machines = cluster.machines(environment: environment)
            case .failure(let error):
                listed.condition = .broken
                listed.problem = error.message
            }
            result.append(listed)
        }
        return result
    }

    private func local(_ name: ClusterName, _ outcome: Result<ClusterRecord?, any Error>) async throws -> Listed {
        var listed = Listed(name: name, provider: .podman, condition: .starting)
        switch outcome {
        case .failure(let error):
            listed.condition = .broken
            listed.problem = (error as? SallyError)?.message ?? "\(error)"
        case .success(let record):
            listed.record = record
            guard let record, record.status == .running else { return listed }
            let machines = try await machines(of: record)
            listed.machines = machines
            listed.condition = machines.machines.allSatisfy { $0.state == .running } ? .running : .stopped
        }
        return listed
    }
}
