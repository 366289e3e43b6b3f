// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyConfig
import SallyGateway
import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallySocket
import SlurmClient
import SlurmModel

/// Tries each hop that `sallyd serve` needs, each by itself, so that one failure hides no other.
struct LiveCheck {
    private let file: GatewayConfig
    private let logger: Logger

    init(_ file: GatewayConfig) {
        self.file = file
        var logger = Logger(label: "sallyd.check", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        self.logger = logger
    }

    func run(into report: inout CheckReport) async {
        checkFiles(&report)
        await checkKeepers(&report)
        await checkProviders(&report)
        await checkClusters(&report)
    }

    private func checkFiles(_ report: inout CheckReport) {
        do {
            let policy = try loaded { () throws(ConfigError) in try PolicyFile.load(file.policy) }
            report.good("policy", "\(file.policy): \(policy.rules.count) rules")
        } catch {
            report.bad("policy", error, next: "mend \(file.policy)")
        }
        do {
            let key = try readSecret(.file(path: file.sessionKey), environment: { _ in nil })
            _ = try SessionKeys(pems: [key])
            report.good("session key", file.sessionKey)
        } catch {
            report.bad("session key", error, next: "make one with `sallyd config init`")
        }
    }

    private func checkKeepers(_ report: inout CheckReport) async {
        let signer = SignerClient(path: file.signerSocket, keeperUser: nil)
        await check("signer", &report, next: "start `sallyd signer` and permit the OS user that runs this check") {
            try await health(try await signer.health())
        }
        await signer.close()
        let steward = StewardClient(path: file.stewardSocket, keeperUser: nil)
        await check("steward", &report, next: "start `sallyd steward` and permit the OS user that runs this check") {
            try await health(try await steward.health())
        }
        await steward.close()
    }

    private func health(_ health: KeeperHealth) async throws -> String {
        let missing = file.clusters.map(\.name).filter { !health.clusters.contains($0) }
        guard missing.isEmpty else {
            throw SallyError(
                .misconfigured, "it does not know \(missing.map(\.rawValue).joined(separator: ", "))",
                hint: "add the cluster to its own file")
        }
        return health.singleUser ? "answers; single_user is on, so nothing is kept from serve" : "answers"
    }

    private func checkProviders(_ report: inout CheckReport) async {
        do {
            let providers = try ProviderConnections(file, clock: SystemWallClock(), logger: logger)
            for (config, provider) in zip(file.providers, providers.all) {
                await check("provider \(config.name)", &report, next: "can this host reach \(config.issuer)?") {
                    try await provider.check()
                    return "\(config.issuer): discovery and keys are good"
                }
            }
            try await providers.close()
        } catch {
            report.bad("providers", error, next: "see docs/config.md, providers")
        }
    }

    private func checkClusters(_ report: inout CheckReport) async {
        let slurm = SlurmConnections(logger: logger)
        let signer = SignerClient(path: file.signerSocket, keeperUser: nil)
        for cluster in file.clusters {
            let next = "is slurmrestd running, with -a rest_auth/jwt?"
            await check("cluster \(cluster.name)", &report, next: next) {
                let (queue, read, token) = try await reader(cluster, slurm, signer)
                let partitions = try await queue.partitions(read, token: token)
                return "an authenticated read answers: \(partitions.count) partitions"
            }
            await check("cluster \(cluster.name), slurm_name", &report, next: next) {
                try await SlurmNameCheck.finding(cluster) {
                    let (queue, read, token) = try await reader(cluster, slurm, signer)
                    return try await queue.diagnosis(read, token: token).clusterName
                }
            }
        }
        await signer.close()
        do { try await slurm.close() } catch { report.bad("connections", error, next: "try again") }
    }

    /// For one read as the service account.
    private func reader(
        _ cluster: ClusterConfig, _ slurm: SlurmConnections, _ signer: SignerClient
    ) async throws -> (SlurmQueueClient, Authorized<SystemAction>, Secret<String>) {
        let gate = Gate(
            ledger: NothingRecorded(), policy: PolicySource(try Policy(rules: [])), clock: SystemWallClock())
        let queue = SlurmQueueClient(
            try slurm.client(cluster), serviceAccount: cluster.serviceAccount, slurmName: cluster.slurmName)
        let minted = try await signer.mintService(
            MintServiceRequest(cluster: cluster.name, purpose: .readQueue, position: nil))
        let read = try await gate.authorize(.checkReady(cluster.name))
        return (queue, read, Secret(minted.token))
    }

    private func check(
        _ hop: String, _ report: inout CheckReport, next: String, _ body: () async throws -> String
    ) async {
        do {
            report.good(hop, try await body())
        } catch {
            report.bad(hop, error, next: next)
        }
    }
}

/// A check decides nothing that would have to be recorded.
private struct NothingRecorded: DecisionLedger {
    func decide<Result: Sendable>(
        _ body: @Sendable @escaping (any DecisionTransaction) throws -> Result
    ) async throws -> Result {
        throw SallyError(.internal, "a configuration check decided something")
    }
}
