// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyModel

/// `clusters[].slurm_name` held against what Slurm calls itself. Where it is wrong nothing fails: what accounting says is passed over as
/// another cluster's.
package enum SlurmNameCheck {
    /// - Parameter told: asks for Slurm's ClusterName; nil where it does not say (`SlurmReply.Diagnosis`). Not called where nothing
    ///   depends on it.
    /// - Returns: what there is to say of it.
    /// - Throws: `.misconfigured` where it is another; what `told` throws.
    package static func finding(_ cluster: ClusterConfig, told: () async throws -> String?) async throws -> String {
        guard cluster.accounting else { return "not asked: it has no use without accounting" }
        guard let told = try await told() else {
            return "\(cluster.slurmName) is not compared: this version of slurmrestd does not say ClusterName"
        }
        guard told.lowercased() == cluster.slurmName else {
            throw SallyError(
                .misconfigured,
                "Slurm's ClusterName is \(quoted(told)), and slurm_name \(quoted(cluster.slurmName)): "
                    + "what accounting says of other clusters is not shown",
                hint: "set clusters[].slurm_name of \(cluster.name) to \(quoted(told.lowercased()))")
        }
        return "ClusterName is \(told)"
    }
}
