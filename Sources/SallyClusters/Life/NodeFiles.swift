// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Slurm's files of a local cluster that name its nodes, the same for controller and nodes.
struct NodeFiles {
    private let folder: ClusterFolder
    /// As they were at the beginning.
    let conf: SlurmConf

    /// - Throws: `SallyError(.misconfigured)` when they are not there.
    init(folder: ClusterFolder) throws {
        self.folder = folder
        conf = try NodeFiles.read(folder)
    }

    /// As they are now.
    func current() throws -> SlurmConf { try NodeFiles.read(folder) }

    /// Each of them whole or not at all.
    func write(_ conf: SlurmConf) throws {
        for place in [folder.controllerConfiguration, folder.nodeConfiguration] {
            try Disk.write(Array(conf.gresText.utf8), to: "\(place)/gres.conf", mode: 0o644)
            try Disk.write(Array(conf.slurmText.utf8), to: "\(place)/slurm.conf", mode: 0o644)
        }
    }

    private static func read(_ folder: ClusterFolder) throws -> SlurmConf {
        func text(_ name: String) throws -> String {
            let path = "\(folder.controllerConfiguration)/\(name)"
            guard let bytes = try Disk.read(path) else {
                throw SallyError(
                    .misconfigured, "\(path) is missing",
                    hint: "`sally cluster terminate` removes the cluster; then start it again")
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        return SlurmConf(slurm: try text("slurm.conf"), gres: try text("gres.conf"))
    }
}
