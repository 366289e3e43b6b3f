// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

/// A cluster of machines that exist already, as `clusters.yaml` describes it.
package struct InventoryCluster: Sendable, Equatable {
    package struct Node: Sendable, Equatable {
        package var name: NodeName
        /// An address or a host's name.
        package var address: String
        package var port: UInt16

        func machine(_ role: ClusterMachine.Role) -> ClusterMachine {
            ClusterMachine(name: name, role: role, id: address, address: address, port: port, state: .unknown)
        }
    }

    package var name: ClusterName
    package var login: OpenSSHLogin
    /// The administrator's private key, without a passphrase.
    package var identityFile: String
    /// ssh_known_hosts of sshd(8): a line for each machine's address, `[ADDRESS]:PORT` for a port that is not 22.
    package var knownHostsFile: String
    package var region: String
    package var controller: Node
    package var nodes: [Node]
    package var homeServer: NodeName
    package var networks: [String]
    package var accounting: ClusterMachines.Accounting
    package var plugins: [String]

    /// What commands see of it. Which machines run nobody knows before they are called.
    ///
    /// - Parameter environment: our own.
    package func machines(environment: [String: String]) -> ClusterMachines {
        ClusterMachines(
            name: name, provider: .inventory, region: region,
            controller: controller.machine(.controller), nodes: nodes.map { $0.machine(.node) },
            homeServer: homeServer, networks: networks, accounting: accounting, plugins: plugins,
            access: .openSSH(
                OpenSSHSettings(
                    login: login, identityFile: identityFile, knownHostsFile: knownHostsFile,
                    hostKeyNaming: .address),
                environment: environment))
    }
}
