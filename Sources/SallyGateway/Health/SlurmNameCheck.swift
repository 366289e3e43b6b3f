// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyModel

/// `clusters[].slurm_name` held against what Slurm calls itself. Where it is wrong nothing fails: what accounting says is passed over as
/// another cluster's.
package enum SlurmNameCheck {
    /// - Parameter told: Slurm's ClusterName; nil where it does not say (`SlurmReply.Diagnosis`).
    /// - Returns: what there is to say of it.
    /// - Throws: `.misconfigured` where it is another.
    package static func finding(_ cluster: ClusterConfig, told: String?) throws -> String {
        guard cluster.accounting else { return "slurm_name has no use without accounting" }
        guard let told else {
            return
                "slurm_name \(cluster.slurmName) is not compared: this version of slurmrestd does not say ClusterName"
        }
        guard told.lowercased() == cluster.slurmName else {
            throw SallyError(
                .misconfigured, "Slurm's ClusterName is \(quoted(told)), and slurm_name \(quoted(cluster.slurmName))",
                hint: "set slurm_name of cluster \(cluster.name): what accounting says of others is not shown")
        }
        return "ClusterName is \(told)"
    }
}
