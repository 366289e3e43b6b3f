// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

extension Steward {
    /// As `lock`, for an administrator, who need not have gone by way of `serve`: the name goes on the signer's deny list
    /// first, and with that it gets no token on any cluster. A signer that does not answer is in the report, and does not
    /// keep the rest from being done.
    package func lockForAdministrator(_ request: LockRequest) async throws -> KeeperReport {
        _ = try found(request.cluster)
        let denial: KeeperReport.Step
        do {
            try await registry.deny(request.user)
            denial = step("deny list", "signer", .done, "no token for \(request.user) on any cluster")
        } catch let error as SallyError {
            denial = step("deny list", "signer", .failed, "\(error.message); ask again")
        }
        var report = try await lock(request)
        report.steps.insert(denial, at: 0)
        return report
    }

    /// As `unlock`, for an administrator. The steward cannot take a name off the signer's deny list, and says so: with the
    /// list in its hands, it and a broken `serve` could bring back whoever was offboarded.
    package func unlockForAdministrator(cluster: ClusterName, user: UserName) async throws -> KeeperReport {
        var report = try await unlock(cluster: cluster, user: user)
        report.steps.append(
            step(
                "deny list", "signer", .skipped,
                "the steward may not change it: while \(user) is on it there is no token; see `sallyd admin unlock`"))
        return report
    }
}
