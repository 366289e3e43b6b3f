// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Where one cluster's files are.
///
/// The folder and `run` can be passed by everybody (0711), so that whoever is in the socket's group reaches the socket;
/// `keys` and `config` are ours alone. Homes are reached through the containers, not through here.
package struct ClusterFolder: Sendable, Equatable {
    package let path: String

    package var record: String { "\(path)/cluster.json" }
    package var keys: String { "\(path)/keys" }
    /// What is mounted into the controller at /run/sallyport.
    var controllerConfiguration: String { "\(path)/config/controller" }
    /// What is mounted into the compute nodes at /run/sallyport: no signing key, no JWKS.
    var nodeConfiguration: String { "\(path)/config/node" }
    var shared: String { "\(path)/shared" }
    package var home: String { "\(path)/shared/home" }
    package var socketFolder: String { "\(path)/run/slurmrestd" }
    package var socket: String { "\(socketFolder)/socket" }

    func make() throws {
        try Disk.makeFolder(path, mode: 0o711)
        try Disk.makeFolder("\(path)/run", mode: 0o711)
        // The controller gives it to slurmrestd and to the group that may connect.
        try Disk.makeFolder(socketFolder, mode: 0o700)
        try Disk.makeFolder(keys, mode: 0o700)
        try Disk.makeFolder("\(path)/config", mode: 0o700)
        try Disk.makeFolder(controllerConfiguration, mode: 0o700)
        try Disk.makeFolder(nodeConfiguration, mode: 0o700)
        try Disk.makeFolder(shared, mode: 0o700)
        try Disk.makeFolder(home, mode: 0o755)
    }

    /// unix(7): a socket's path has room for 107 bytes.
    static let longestSocketPath = 107

    /// - Throws: `SallyError(.invalidRequest)` when the socket's path would be too long.
    func checkSocketPath() throws {
        let length = socket.utf8.count
        guard length <= ClusterFolder.longestSocketPath else {
            throw SallyError(
                .invalidRequest,
                "the path of slurmrestd's socket has \(length) bytes, \(ClusterFolder.longestSocketPath) are possible",
                hint: "choose a shorter SALLYPORT_STATE or cluster name")
        }
    }
}
