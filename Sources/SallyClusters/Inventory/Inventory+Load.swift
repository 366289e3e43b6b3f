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

    /// Where the file is: `given`, else `$SALLYPORT_CLUSTERS`, else /etc/sallyport/clusters.yaml for root and
    /// ~/.config/sallyport/clusters.yaml for others.
    ///
    /// - Returns: nil when it is in none of these places and nobody named it.
    /// - Throws: `SallyError(.misconfigured)` when a file that was named is not there.
    package static func located(
        _ given: String?, environment: [String: String], isRoot: Bool
    ) throws -> String? {
        if let named = given ?? environment["SALLYPORT_CLUSTERS"], !named.isEmpty {
            guard Disk.exists(named) else {
                throw SallyError(.misconfigured, "config file \(plain(named)) does not exist")
            }
            return named
        }
        let usual: String
        if isRoot {
            usual = "/etc/sallyport/clusters.yaml"
        } else if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
            usual = "\(folder)/sallyport/clusters.yaml"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            usual = "\(home)/.config/sallyport/clusters.yaml"
        } else {
            return nil
        }
        return Disk.exists(usual) ? usual : nil
    }
}
