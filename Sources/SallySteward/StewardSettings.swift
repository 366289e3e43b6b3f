// SPDX-License-Identifier: Apache-2.0

package import SallyAccounts
package import SallyModel
package import SallySocket

/// What the steward's own file says. `serve` chooses a cluster, a name, a uid and a profile; all else is from here.
package struct StewardSettings: Sendable {
    /// Where names, uids, locks and output paths are kept: a folder of the steward's user alone.
    package var stateFolder: String
    package var singleUser: SingleUser
    package var serve: KeeperSocket
    /// For root and the steward's own user.
    package var administratorsSocket: String
    package var clusters: [StewardCluster]
    /// How often the queue is looked through for output files that accounting does not remember. Shorter than
    /// slurm.conf's MinJobAge (300 s unless set).
    package var sweepInterval: Duration

    package init(
        stateFolder: String, singleUser: SingleUser, serve: KeeperSocket, administratorsSocket: String,
        clusters: [StewardCluster], sweepInterval: Duration = .seconds(100)
    ) {
        self.stateFolder = stateFolder
        self.singleUser = singleUser
        self.serve = serve
        self.administratorsSocket = administratorsSocket
        self.clusters = clusters
        self.sweepInterval = sweepInterval
    }
}

/// A cluster whose accounts the steward keeps.
package struct StewardCluster: Sendable {
    package var name: ClusterName
    package var layout: ClusterLayout
    /// uids that accounts may have.
    package var uids: ClosedRange<UInt32>
    package var profiles: [ProfileName: AccountProfile]
    /// What an adopted account has.
    package var adoptionProfile: ProfileName
    package var output: OutputReading

    package init(
        name: ClusterName, layout: ClusterLayout, uids: ClosedRange<UInt32>, profiles: [ProfileName: AccountProfile],
        adoptionProfile: ProfileName, output: OutputReading
    ) {
        self.name = name
        self.layout = layout
        self.uids = uids
        self.profiles = profiles
        self.adoptionProfile = adoptionProfile
        self.output = output
    }
}

/// What accounts of a kind have.
package struct AccountProfile: Sendable, Equatable {
    /// The folder of homes, such as `/home`: no part of it is a link.
    package var homes: String
    package var shell: String
    /// Unix groups that exist on the machines, with gids of 1000 and above.
    package var groups: [String]
    /// Slurm accounts, the default first; at least one, except where the site's directory has the accounts.
    package var accounts: [AccountName]

    package init(homes: String, shell: String, groups: [String], accounts: [AccountName]) {
        self.homes = homes
        self.shell = shell
        self.groups = groups
        self.accounts = accounts
    }
}

/// Whether the output of jobs is read on this cluster.
package enum OutputReading: Sendable, Equatable {
    /// At most so many bytes at once, and never more than 1 MiB.
    case permitted(limit: Int)
    case refused
}
