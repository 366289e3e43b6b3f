// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyModel

extension Inventory {
    /// Reads the clusters of a file, of which other parts are read elsewhere.
    ///
    /// - Parameter environment: our own, for `~`.
    /// - Throws: `SallyError(.misconfigured)` when the file cannot be read or is no YAML.
    package static func load(
        _ path: String, environment: [String: String], files: FileChecks = .check
    ) throws -> Inventory {
        let root: ConfigNode
        do {
            root = try ConfigNode.load(path)
        } catch {
            throw SallyError(
                .misconfigured, error.description, hint: "docs/cluster-machines.md describes the file of clusters")
        }
        guard case .section(let entries) = root.content,
            let clusters = entries.first(where: { $0.key == "clusters" })
        else { return Inventory(file: path, entries: []) }
        return try InventoryReader.read(clusters.value, file: path, home: environment["HOME"], files: files)
    }
}
