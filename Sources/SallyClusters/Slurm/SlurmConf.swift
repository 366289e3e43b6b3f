// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The slurm.conf and gres.conf that a local cluster has, as far as its nodes are concerned. Pure; every other line stays
/// as it is, because the template that it was made of may have changed since.
struct SlurmConf: Equatable {
    private(set) var slurm: [String]
    private(set) var gres: [String]

    /// Why Slurm does not use a node that was just added: in slurm.conf itself, so that it holds from the first moment that
    /// slurmctld knows of the node, and when that is started again meanwhile.
    static let heldBack = "State=DRAIN Reason=\"sallyport: users are not there yet\""

    init(slurm: String, gres: String) {
        self.slurm = SlurmConf.lines(slurm)
        self.gres = SlurmConf.lines(gres)
    }

    var slurmText: String { SlurmConf.text(slurm) }
    var gresText: String { SlurmConf.text(gres) }

    /// Names a node that Slurm is not to use yet, of the shape that nodes without GPUs have, in the partition `debug`. One
    /// that is there already is held back again.
    ///
    /// - Throws: `SallyError(.misconfigured)` when there is no node or no such partition to go by.
    mutating func add(_ node: ClusterRecord.Container) throws {
        if let index = index(of: node.hostname) {
            slurm[index] = SlurmConf.setting(slurm[index], SlurmConf.heldBack)
        } else {
            let nodes = slurm.indices.filter { slurm[$0].hasPrefix("NodeName=") }
            let plain = nodes.first { !SlurmConf.words(slurm[$0]).contains { $0.hasPrefix("Gres=") } }
            guard let last = nodes.last, let model = plain ?? nodes.first else {
                throw SallyError(
                    .misconfigured, "slurm.conf of the cluster has no node",
                    hint: "`sally cluster terminate` removes the cluster; then start it again")
            }
            let shape = SlurmConf.words(slurm[model]).filter { word in
                SlurmConf.shape.contains { word.hasPrefix("\($0)=") }
            }
            let line = ["NodeName=\(node.hostname)", "NodeAddr=\(node.address)"] + shape + [SlurmConf.heldBack]
            slurm.insert(line.joined(separator: " "), at: last + 1)
        }
        guard let debug = slurm.firstIndex(where: { $0.hasPrefix("PartitionName=debug ") }) else {
            throw SallyError(
                .misconfigured, "slurm.conf of the cluster has no partition debug",
                hint: "`sally cluster terminate` removes the cluster; then start it again")
        }
        changeNodes(of: debug) { names in
            if !names.contains(node.hostname.rawValue) { names.append(node.hostname.rawValue) }
        }
    }

    /// Lets Slurm use a node as far as its files are concerned; what slurmctld has drained stays so until it is resumed.
    mutating func admit(_ node: NodeName) {
        guard let index = index(of: node) else { return }
        slurm[index] = SlurmConf.setting(slurm[index], "State=UNKNOWN")
    }

    mutating func remove(_ node: NodeName) {
        slurm.removeAll { SlurmConf.words($0).first == "NodeName=\(node)" }
        gres.removeAll { SlurmConf.words($0).first == "NodeName=\(node)" }
        for index in slurm.indices where slurm[index].hasPrefix("PartitionName=") {
            changeNodes(of: index) { $0.removeAll { $0 == node.rawValue } }
        }
    }

    private static let shape = ["CPUs", "Sockets", "CoresPerSocket", "ThreadsPerCore", "RealMemory"]

    private func index(of node: NodeName) -> Int? {
        slurm.firstIndex { SlurmConf.words($0).first == "NodeName=\(node)" }
    }

    /// `Nodes=""` is a partition without nodes (slurm.conf(5)).
    private mutating func changeNodes(of index: Int, _ change: (inout [String]) -> Void) {
        var words = SlurmConf.words(slurm[index])
        guard let word = words.firstIndex(where: { $0.hasPrefix("Nodes=") }) else { return }
        var names = words[word].dropFirst(6).split(separator: ",").map(String.init).filter { $0 != "\"\"" }
        change(&names)
        words[word] = "Nodes=" + (names.isEmpty ? "\"\"" : names.joined(separator: ","))
        slurm[index] = words.joined(separator: " ")
    }

    /// A node's line with another state, which is the last thing on it.
    private static func setting(_ line: String, _ state: String) -> String {
        (words(line).prefix { !$0.hasPrefix("State=") } + [state]).joined(separator: " ")
    }

    private static func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }
    private static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
    private static func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
}
