// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The clusters of machines that exist already, in the order of the file.
///
/// One that is described wrongly stands here with what is wrong and keeps nobody from the others.
package struct Inventory: Sendable {
    package struct Entry: Sendable {
        package var name: ClusterName
        package var cluster: Result<InventoryCluster, SallyError>
        package init(name: ClusterName, cluster: Result<InventoryCluster, SallyError>) {
            self.name = name
            self.cluster = cluster
        }
    }

    /// The file that it comes from, for messages.
    package var file: String
    package var entries: [Entry]

    package init(file: String, entries: [Entry]) {
        self.file = file
        self.entries = entries
    }

    /// Where there is no file.
    package static let none = Inventory(file: "", entries: [])

    package subscript(name: ClusterName) -> Entry? { entries.first { $0.name == name } }

    /// Keeps life and death of machines that are not ours from those who ask for it.
    ///
    /// - Parameter verb: `started`, `terminated`, `stopped`, `restarted`.
    /// - Throws: `SallyError(.unsupported)` when `name` is a cluster of the inventory.
    package func refuse(_ name: ClusterName, verb: String) throws {
        guard self[name] != nil else { return }
        throw SallyError(
            .unsupported, "cluster \(name) cannot be \(verb): its machines exist already and are not ours (\(file))",
            hint: "users, sshmaster, sshnode, put, get and runplugin work on it")
    }
}
