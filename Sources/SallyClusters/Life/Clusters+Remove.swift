// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

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
        if !containers.isEmpty { try await remove(containers.map(\.name), of: name) }
        let networks = try await engine.networks(of: name).filter { $0.folder == folder.path }
        for network in networks {
            try await engine.succeed(["network", "rm", "--force", network.name], "remove network \(network.name)")
        }
        let stateExists = Disk.exists(folder.path)
        if stateExists, geteuid() != 0 {
            // Rootless containers write as subordinate uids (subuid(5)); only in their user namespace can that be removed.
            try await engine.succeed(
                ["unshare", "rm", "-r", "-f", "--one-file-system", "--", folder.path], "remove \(folder.path)")
        }
        try Disk.remove(folder.path)
        return stateExists || !containers.isEmpty || !networks.isEmpty
    }

    /// Removes containers. What counts is that they are gone: podman reports failure as well when it removed a container
    /// and could only not give back its lock (podman-system-renumber(1)).
    func remove(_ containers: [String], of cluster: ClusterName) async throws {
        let removed = try await engine.run(
            ["rm", "--force", "--volumes", "--time", "0"] + containers, deadline: .seconds(120))
        guard !removed.succeeded else { return }
        let left = try await engine.containers(of: cluster).map(\.name).filter { containers.contains($0) }
        guard left.isEmpty else {
            throw SallyError(
                .unavailable, "podman could not remove \(left.joined(separator: ", "))",
                hint: "`podman rm --force` says why", cause: removed.errorOutput)
        }
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
