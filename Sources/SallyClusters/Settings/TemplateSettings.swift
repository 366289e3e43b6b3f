// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What makes a cluster's machines, or has them already.
package enum ProviderName: String, Sendable, CaseIterable {
    case podman
    case inventory
}

/// The shells that `cluster_shell` may name.
package enum ClusterShell: String, Sendable, CaseIterable {
    case bash, zsh, csh, ksh, tcsh

    /// Where Debian's packages put it.
    package var path: String { "/bin/\(rawValue)" }
}

/// A template for `start`, of `clusters.yaml` or a StarCluster file.
package struct TemplateSettings: Sendable, Equatable {
    package var name: String
    package var template: ClusterTemplate
    package var provider: ProviderName
    /// A file of StarCluster's names no provider: the user is told once which was taken.
    package var providerOrigin: Origin
    /// Stands in the names of key archives.
    package var region: String
    /// A user of the cluster besides those of plugins. None where none is written: StarCluster's `sgeadmin` is not implied.
    package var clusterUser: UserName?
    package var clusterShell: ClusterShell
    /// Their names, in the order in which they run. Each is there; none was read.
    package var plugins: [String]

    package enum Origin: Sendable, Equatable {
        case written
        case assumed
    }
}
