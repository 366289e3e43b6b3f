// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension Clusters {
    /// Containers of this name that belong to another state folder are not ours to touch.
    func refuseForeign(_ name: ClusterName) async throws {
        let own = store.folder(of: name).path
        let found = try await engine.containers(of: name) + engine.networks(of: name)
        guard let foreign = found.first(where: { $0.folder != own }) else { return }
        throw SallyError(
            .conflict, "\(foreign.name) belongs to a cluster \(name) whose state is in \(foreign.folder)",
            hint: "choose another name, or terminate that one first")
    }

    /// Removes containers, network and state of a cluster.
    ///
    /// - Returns: whether there was anything.
    func removeAll(of name: ClusterName) async throws -> Bool {
        let folder = store.folder(of: name)
        let containers = try await engine.containers(of: name).filter { $0.folder == folder.path }
        if !containers.isEmpty {
            try await engine.succeed(
                ["rm", "--force", "--volumes", "--time", "0"] + containers.map(\.name), "remove containers",
                deadline: .seconds(120))
        }
        let networks = try await engine.networks(of: name).filter { $0.folder == folder.path }
        for network in networks {
            try await engine.succeed(["network", "rm", "--force", network.name], "remove network \(network.name)")
        }
        let stateExists = Disk.exists(folder.path)
        try Disk.remove(folder.path)
        return stateExists || !containers.isEmpty || !networks.isEmpty
    }

    /// For the way out of a failure: what cannot be removed is said, and the failure itself stays the error.
    func removeQuietly(_ name: ClusterName) async {
        do {
            _ = try await removeAll(of: name)
        } catch {
            progress.say("could not remove everything: \(error); `sally cluster terminate \(name)` tries again")
        }
    }
}
