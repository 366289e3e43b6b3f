// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Clusters {
    /// Everything from nothing to a cluster that has run a job.
    func create(_ name: ClusterName, _ chosen: ChosenTemplate) async throws -> ClusterRecord {
        let template = chosen.template
        let group = try SocketGroup.resolve(template.socketGroup)
        let image = try await NodeImage(podman: engine.podman, images: images).ensure(
            template.release, progress: progress)

        let folder = store.folder(of: name)
        try folder.make()
        let keys = ClusterKeys(folder: folder, environment: engine.podman.variables)
        progress.say("keys for \(template.release.tokenAlgorithm.rawValue)")
        let tokenKey = try await keys.make(template.release.tokenAlgorithm, cluster: name)
        let (network, subnet) = try await makeNetwork(name, pool: template.subnetPool, folder: folder)

        var record = ClusterRecord(
            name: name, template: chosen.name, status: .starting, release: template.release,
            containers: ClusterLayout.containers(name, template, subnet: subnet), network: network, subnet: subnet,
            socket: folder.socket, socketGroup: group.host, tokenKey: tokenKey, serviceAccount: "sallyport",
            accounts: template.accounts, partitions: ClusterLayout.partitions(template),
            gpuAccounts: template.gpuAccounts, home: folder.home, region: chosen.region)
        try store.write(record)
        guard let controller = record.controller else { throw SallyError(.internal, "the cluster has no controller") }
        let files = SlurmFiles(
            cluster: name, template: template, controller: controller, nodes: record.computeNodes)
        try write(files, boundary: .closed, folder: folder)

        progress.say("containers: \(record.containers.map(\.hostname.rawValue).joined(separator: ", "))")
        let arguments = ContainerArguments(record: record, folder: folder, image: image, socketGroup: group.container)
        for container in record.containers {
            try await engine.succeed(
                arguments.run(container), "start container \(container.name)", deadline: .seconds(120))
        }
        let health = ClusterHealth(record: record, keys: keys, engine: engine, progress: progress)
        try await health.waitForDaemons()
        progress.say("accounts: \(template.accounts.map(\.rawValue).joined(separator: ", "))")
        try await health.setUpAccounting(template)
        let host = try await health.submitHost()
        try write(files, boundary: .host(host), folder: folder)
        try await health.reconfigure()
        try await health.waitForProbe()
        record.status = .running
        try store.write(record)
        return record
    }

    /// The files that the two roles mount.
    private func write(_ files: SlurmFiles, boundary: SlurmFiles.Boundary, folder: ClusterFolder) throws {
        for place in [folder.controllerConfiguration, folder.nodeConfiguration] {
            try Disk.write(Array(files.slurmConf(boundary).utf8), to: "\(place)/slurm.conf", mode: 0o644)
            try Disk.write(Array(files.gresConf.utf8), to: "\(place)/gres.conf", mode: 0o644)
            if let text = files.template.release.cgroupConfiguration {
                try Disk.write(Array(text.utf8), to: "\(place)/cgroup.conf", mode: 0o644)
            }
        }
        try Disk.write(
            Array(files.slurmdbdConf.utf8), to: "\(folder.controllerConfiguration)/slurmdbd.conf", mode: 0o600)
    }

    /// Makes the cluster's network. Two starts may choose the same subnet at once; the second chooses again.
    private func makeNetwork(
        _ name: ClusterName, pool: Subnet, folder: ClusterFolder
    ) async throws -> (String, Subnet) {
        let network = "sallyport-\(name)"
        let routed = Subnet.routed(String(decoding: try Disk.read(routes) ?? [], as: UTF8.self))
        var refused: [Subnet] = []
        for _ in 0..<8 {
            let taken = try await engine.subnets() + routed + refused
            guard let subnet = pool.firstFree(besides: taken) else {
                throw SallyError(
                    .limitExceeded, "no free subnet is left in \(pool)",
                    hint: "terminate a cluster, or give another subnet_pool in the template")
            }
            progress.say("network \(subnet)")
            let made = try await engine.run(
                [
                    "network", "create", "--subnet", subnet.description,
                    "--label", "\(PodmanEngine.clusterLabel)=\(name)",
                    "--label", "\(PodmanEngine.stateLabel)=\(folder.path)", network,
                ], deadline: .seconds(60))
            if made.succeeded { return (network, subnet) }
            refused.append(subnet)
        }
        throw SallyError(
            .unavailable, "podman could not make the network \(network)", hint: "see `podman network ls`")
    }
}
