// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Which machine of a cluster does what, as far as accounts are concerned.
package struct ClusterLayout: Sendable, Equatable {
    package var mode: AccountMode
    /// Runs slurmctld; sacctmgr works there; keeps the managed record.
    package var controller: NodeName
    /// Where jobs run and people sign in.
    package var nodes: [NodeName]
    /// Where /home is a local file system, so that root may make homes.
    package var homeServer: NodeName

    package var slurm = Slurm.required

    package enum Slurm: Sendable, Equatable {
        /// Nothing is planned without slurmctld's and slurmdbd's answers.
        case required
        /// Asked where there is an scontrol on the controller. Users without accounts are refused where Slurm wants them.
        case whereInstalled
        /// Not asked: no associations are made, and who Slurm runs as is not known.
        case ignored
    }

    /// The folder of sacctmgr, scontrol and squeue on the controller, where it is none of the usual ones.
    package var slurmCommands: String?

    package init(
        mode: AccountMode, controller: NodeName, nodes: [NodeName], homeServer: NodeName, slurmCommands: String? = nil
    ) {
        self.mode = mode
        self.controller = controller
        self.nodes = nodes
        self.homeServer = homeServer
        self.slurmCommands = slurmCommands
    }

    /// How every script of ours begins: nothing of the caller's environment decides what it runs.
    package var prologue: String {
        let usual = "/usr/sbin:/usr/bin:/sbin:/bin"
        let path = slurmCommands.map { "\($0):\(usual)" } ?? usual
        return "set -u\numask 077\nexport LC_ALL=C PATH=\(shellQuoted(path))\nstate=/var/lib/sallyport\n"
    }

    /// Machines whose passwd has the accounts, the controller first.
    package var accountNodes: [NodeName] {
        switch mode {
        case .everywhere: [controller] + Set(nodes + [homeServer]).subtracting([controller]).sorted()
        case .controller: homeServer == controller ? [controller] : [controller, homeServer]
        case .none: []
        case .directory: [controller]
        }
    }

    /// Machines that are looked at before anything is planned: the controller always, because Slurm answers there.
    var probedNodes: [NodeName] { accountNodes.isEmpty ? [controller] : accountNodes }
}
