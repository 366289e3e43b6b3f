// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import StrictJSON

/// The folder of all local clusters of one user, a folder in it for each.
package struct ClusterStore: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    /// `$SALLYPORT_STATE`; else /var/lib/sallyport/clusters for root, ~/.local/state/sallyport/clusters for others.
    ///
    /// - Throws: `SallyError(.misconfigured)` when the variable is no absolute path, or nothing says where home is.
    package static func located(environment: [String: String], isRoot: Bool) throws -> ClusterStore {
        if let given = environment["SALLYPORT_STATE"], !given.isEmpty {
            guard given.hasPrefix("/"), !given.split(separator: "/").contains("..") else {
                throw SallyError(
                    .misconfigured, "SALLYPORT_STATE is \(quoted(given))", hint: "give an absolute path without ..")
            }
            return ClusterStore(root: given)
        }
        if isRoot { return ClusterStore(root: "/var/lib/sallyport/clusters") }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return ClusterStore(root: "\(state)/sallyport/clusters")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw SallyError(.misconfigured, "HOME is not set", hint: "set SALLYPORT_STATE to a folder for clusters")
        }
        return ClusterStore(root: "\(home)/.local/state/sallyport/clusters")
    }

    package func folder(of name: ClusterName) -> ClusterFolder { ClusterFolder(path: "\(root)/\(name)") }

    /// - Throws: `SallyError(.misconfigured)` when cluster.json is there and cannot be understood.
    package func record(of name: ClusterName) throws -> ClusterRecord? {
        let path = folder(of: name).record
        guard let bytes = try Disk.read(path) else { return nil }
        return try ClusterRecord(parsing: bytes, path: path)
    }

    func write(_ record: ClusterRecord) throws {
        try Disk.write(
            Array(record.json.text(.indented).utf8) + [0x0a], to: folder(of: record.name).record, mode: 0o644)
    }

    /// The clusters that have a folder, by name, with what could be read of each. A broken one does not hide the rest.
    package func all() -> [(name: ClusterName, record: Result<ClusterRecord?, any Error>)] {
        Disk.names(in: root).compactMap { ClusterName(rawValue: $0) }.map { name in
            (name, Result { try record(of: name) })
        }
    }
}
