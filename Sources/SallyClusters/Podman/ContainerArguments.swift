// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The `podman run` of one container of a cluster. Pure.
struct ContainerArguments {
    let record: ClusterRecord
    let folder: ClusterFolder
    let image: String
    /// The gid in the container that slurmrestd's socket belongs to.
    let socketGroup: UInt32

    func run(_ container: ClusterRecord.Container) -> [String] {
        var result = [
            "run", "--detach", "--pull", "never", "--name", container.name, "--hostname", container.hostname.rawValue,
            "--network", record.network, "--ip", container.address, "--stop-timeout", "10",
            "--label", "\(PodmanEngine.clusterLabel)=\(record.name)",
            "--label", "\(PodmanEngine.stateLabel)=\(folder.path)",
            "--label", "\(PodmanEngine.roleLabel)=\(container.role.rawValue)",
            "--volume", "\(folder.home):/home",
        ]
        // Names that do not depend on a resolver.
        for other in record.containers { result += ["--add-host", "\(other.hostname):\(other.address)"] }
        switch container.role {
        case .controller:
            result += [
                "--volume", "\(folder.controllerConfiguration):/run/sallyport:ro",
                "--volume", "\(folder.socketFolder):/run/slurmrestd",
                "--env", "SALLY_CLUSTER=\(record.name)",
                "--env", "SALLY_SOCKET_GROUP=\(socketGroup)",
                "--env", "SALLY_REST_PLUGINS=\(record.release.restPlugins)",
            ]
        case .node:
            result += ["--volume", "\(folder.nodeConfiguration):/run/sallyport:ro"]
        }
        return result + [image, container.role.rawValue]
    }
}
