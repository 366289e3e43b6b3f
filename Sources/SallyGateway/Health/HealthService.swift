// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyNetwork

/// Whether the gateway can do its work: of each cluster the last authenticated read, never a ping (Slurm 24.11 answers a
/// ping with 200 whatever the token).
struct HealthService: Sendable {
    let clusters: ClusterTable
    let signer: any TokenMinter
    let steward: any AccountKeeper
    /// Whether all three programs run as one OS user because the configuration says so.
    let singleUser: Bool

    struct Report: Sendable, Encodable {
        var ready: Bool
        var singleUser: Bool
        var clusters: [Cluster]
        var keepers: [Keeper]

        struct Cluster: Sendable, Encodable {
            var name: ClusterName
            var ready: Bool
            var message: String?
        }

        struct Keeper: Sendable, Encodable {
            var name: String
            var ready: Bool
            var singleUser: Bool
            enum CodingKeys: String, CodingKey {
                case name, ready
                case singleUser = "single_user"
            }
        }

        enum CodingKeys: String, CodingKey {
            case ready
            case singleUser = "single_user"
            case clusters, keepers
        }
    }

    func report() async -> Report {
        let states = clusters.all.map { cluster in
            let problem = cluster.problem
            return Report.Cluster(name: cluster.config.name, ready: problem == nil, message: problem?.message)
        }
        async let signer = keeper("signer") { try await self.signer.health().singleUser }
        async let steward = keeper("steward") { try await self.steward.health().singleUser }
        let keepers = await [signer, steward]
        return Report(
            ready: states.allSatisfy(\.ready) && keepers.allSatisfy(\.ready),
            singleUser: singleUser || keepers.contains(where: \.singleUser), clusters: states, keepers: keepers)
    }

    private func keeper(
        _ name: String, _ ask: @escaping @Sendable () async throws -> Bool
    ) async -> Report.Keeper {
        do {
            return Report.Keeper(name: name, ready: true, singleUser: try await withDeadline(.seconds(3), ask))
        } catch {
            return Report.Keeper(name: name, ready: false, singleUser: false)
        }
    }
}
