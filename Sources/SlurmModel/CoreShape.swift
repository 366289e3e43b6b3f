// SPDX-License-Identifier: Apache-2.0

/// What Slurm gives of a node at least: a core, or a socket (slurm.conf(5), SelectTypeParameters: CR_Core, CR_Socket).
struct CoreShape: Hashable {
    /// CPUs of a core.
    let threads: Int
    /// CPUs that come with each core: its own, or all of its socket.
    let brought: Int

    /// - Parameter wholeSockets: CR_Socket. Tasks are put onto sockets in turn, so that each core may bring another one.
    init(_ node: Node, wholeSockets: Bool) {
        threads = max(node.cpusPerCore, 1)
        brought = wholeSockets ? max(node.cpusPerSocket, threads) : threads
    }

    /// What so many CPUs of one task, or of all that a job has on a node, become.
    func whole(_ cpus: Int) -> Int {
        (cpus / threads + (cpus % threads > 0 ? 1 : 0)).saturatingMultiply(brought)
    }
}
