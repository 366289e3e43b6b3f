// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyClusters
import SallyConfig
import SallyModel
import SallyTransport
import StrictJSON

/// The plugin `createusers` on one cluster: users with the same uid on every machine, ssh between these, keys to hand out,
/// scratch folders.
struct CreateUsers: Sendable {
    let machines: ClusterMachines
    let settings: CreateUsersSettings
    /// Who is to be on the cluster by other lists; nil where that is not known.
    let others: Set<UserName>?
    /// Slurm accounts where the settings name none, the default first.
    let defaultAccounts: [AccountName]
    let renewKeys: Bool
    let dryRun: Bool
    let surroundings: Surroundings
    let announcer: Announcer

    /// What came of it.
    struct Outcome: Sendable {
        var report: ClusterReport
        var keyFiles: [String]
        var keys = KeyNews()
        /// Why keys that the cluster knows could not be brought to where they are handed out from: they wait.
        var unsettled: SallyError?
    }

    /// - Throws: `SallyError` where nothing was changed. What is wrong with single users or machines is in the report.
    func run() async throws -> Outcome {
        let now = surroundings.now()
        let brought = try settings.publicKeys.map { try BroughtKeys.read($0, for: settings.users) } ?? [:]
        let keys = try handedKeys(brought, now)
        defer { keys?.cancel() }
        var wanted = ClusterSetup.Keys(brought: brought, source: keys?.source, renew: renewKeys)
        wanted.waiting = try await keys?.look().waiting ?? [:]
        let run = ClusterRun(
            layout: machines.layout, transport: machines.transport(), users: try requests(now),
            setup: try machines.setup(wanted, settings.scratch),
            uids: settings.uids.first.rawValue...settings.uids.last.rawValue, dryRun: dryRun,
            by: "\(surroundings.userName) (sally cluster)", told: announcer.tell)
        announcer.say("Creating \(settings.users.count) cluster users")
        let report = try await run.run()
        if !dryRun { summarize(report) }
        var outcome = Outcome(report: report, keyFiles: [])
        do {
            outcome.keys = try await keys?.settle(report) ?? KeyNews()
        } catch let error as SallyError {
            outcome.unsettled = error
        }
        outcome.keyFiles = keys?.written ?? []
        return outcome
    }

    private func requests(_ now: Timestamp) throws -> [UserRequest] {
        // A day that is over is refused.
        _ = try settings.expires?.moment(from: now)
        let expiry = settings.expiry(from: now)
        let accounts: [AccountName] =
            switch machines.accounting {
            case .notEnforced: []
            case .enforced, .unknown: settings.accounts.isEmpty ? defaultAccounts : settings.accounts
            }
        return try settings.users.map { user in
            UserRequest(
                name: user, profile: try ProfileName("createusers"), gecos: "Cluster user account \(user)",
                home: "/home/\(user)", shell: settings.shell ?? "/bin/bash", groups: [], accounts: accounts,
                adoptsHome: settings.adoptHomes, expiry: expiry)
        }
    }

    private func handedKeys(_ brought: [UserName: PublicKey], _ now: Timestamp) throws -> HandedKeys? {
        guard settings.downloadKeys || settings.encryptFor != nil, !dryRun else { return nil }
        let variables = CleanEnvironment.make(from: surroundings.environment)
        let place: HandedKeys.Place
        if let encryptFor = settings.encryptFor {
            let age = AgeEncryption(environment: variables)
            try age.check()
            place = .encrypted(
                folder: settings.downloadKeysDirectory, age, try recipients(encryptFor, without: Set(brought.keys)),
                try KeyFileList(
                    folder: settings.downloadKeysDirectory, cluster: machines.name, region: machines.region))
        } else {
            place = .archive(
                try KeyArchive(
                    folder: settings.downloadKeysDirectory, cluster: machines.name, region: machines.region,
                    environment: variables))
        }
        let algorithm: KeyAlgorithm =
            switch settings.keyType {
            case .ed25519: .ed25519
            case .rsa3072: .rsa
            }
        return HandedKeys(
            place, for: settings.users, without: Set(brought.keys), besides: others, algorithm,
            cluster: machines.name, announcer: announcer, now: now)
    }

    private func recipients(
        _ encryptFor: CreateUsersSettings.EncryptFor, without brought: Set<UserName>
    ) throws -> [UserName: AgeRecipient] {
        switch encryptFor {
        case .keys(let lines):
            return try lines.mapValues { try AgeRecipient.key(try PublicKey($0)) }
        case .passphrase:
            let passphrase = try AgeRecipient.passphrase(try surroundings.passphrase("passphrase for the keys: "))
            let users = settings.users.filter { !brought.contains($0) }
            return Dictionary(uniqueKeysWithValues: users.map { ($0, passphrase) })
        }
    }

    /// The rest of the documented headings, with what is true.
    private func summarize(_ report: ClusterReport) {
        let count = report.accounts.count
        let failed = Set(report.failures.compactMap(\.user))
        announcer.say("Configuring passwordless ssh for \(count) cluster users")
        announcer.bar(report.accounts.count { !failed.contains($0.name.rawValue) }, of: count)
        if settings.scratch != nil, count > 0 {
            announcer.list("Configuring scratch space for user(s):", report.accounts.map(\.name.rawValue))
        }
    }
}

extension CreateUsersSettings {
    /// On which day accounts that are made `now` end.
    func expiry(from now: Timestamp) -> DesiredAccount.Expiry {
        switch expires {
        case nil: .unchanged
        case .after(let duration): .atFirst(ExpiryDay(notBefore: now + duration))
        case .on(let day): .always(ExpiryDay(notBefore: day))
        }
    }
}

extension ClusterMachines {
    /// Which machine does what, for accounts.
    var layout: SallyAccounts.ClusterLayout {
        var layout = SallyAccounts.ClusterLayout(
            mode: .everywhere, controller: controller.name, nodes: nodes.map(\.name), homeServer: homeServer)
        switch accounting {
        case .enforced: layout.slurm = .required
        case .notEnforced: layout.slurm = .ignored
        case .unknown: layout.slurm = .whereInstalled
        }
        return layout
    }
}

extension ClusterMachines {
    /// What users get besides their accounts.
    func setup(_ keys: ClusterSetup.Keys, _ scratch: ScratchSettings?) throws -> ClusterSetup {
        // Hosts' names are not asked for when somebody signs in (UseDNS), and nobody comes from 127.0.0.1.
        let networks = networks.filter { ClusterSetup.isUsable(network: $0) }
        var addresses: [NodeName: String] = [:]
        for machine in machines where !ClusterSetup.isLoopback(machine.address) {
            addresses[machine.name] =
                machine.port == 22 ? machine.address : "[\(machine.address)]:\(machine.port)"
        }
        return ClusterSetup(
            trust: try SSHTrust(cluster: name, networks: networks), addresses: addresses, keys: keys,
            scratch: try scratch.map { try ClusterSetup.Scratch(folders: $0.folder, links: $0.links) })
    }
}
