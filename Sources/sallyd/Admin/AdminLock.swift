// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyKeepProtocol
import SallyModel
import SallySocket

/// Where the keepers' sockets for administrators are.
struct KeeperOptions: ParsableArguments {
    @Option(help: "The steward's socket for administrators.")
    var stewardSocket = "/run/sallyport/steward/admin.sock"
    @Flag(help: "Print JSON.") var json = false

    /// - Throws: `ExitCode` when a step failed, after all of them are printed.
    func show(_ report: KeeperReport, of user: UserName, done: String) throws {
        let failed = report.steps.contains { $0.outcome == .failed }
        try printed(report, json: json, schema: "keeper-report/1") {
            let rows = report.steps.map { [$0.outcome.rawValue, $0.place, $0.name, $0.detail] }
            return table(rows) + (failed ? "\nnot complete: run the same command again" : "\n\(user) is \(done)")
        }
        if failed { throw ExitCode(SallyError.Code.unavailable.exitStatus) }
    }
}

/// `sallyd admin lock`.
struct AdminLock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Lock a user's account on one cluster, and let the user have no token on any.",
        discussion: """
            Asks the steward, past `serve`: for when the gateway is down or not to be trusted. The steward tells the signer, whose \
            deny list holds for every cluster. It is in the keepers' logs and not in the audit chain; `offboard` is, and ends \
            sessions too.
            """)
    @Argument(help: "The user name.") var user: String
    @Option(help: "The cluster.") var cluster: String
    @OptionGroup var options: KeeperOptions

    func run() async throws {
        let name = try UserName(user)
        let request = LockRequest(cluster: try ClusterName(cluster), user: name)
        let steward = StewardClient(path: options.stewardSocket, keeperUser: nil, deadline: .seconds(240))
        let report = try await closing(steward.close) { try await steward.lock(request) }
        try options.show(report, of: name, done: "locked")
    }
}

/// `sallyd admin unlock`.
struct AdminUnlock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock",
        abstract: "Unlock a user's account on one cluster, and take the user off the signer's deny list.",
        discussion: """
            Asks the steward and then the signer, each at its socket for administrators. The deny list holds for every cluster: \
            with --keep-denied it stays as it is, and the user gets no token anywhere.
            """)
    @Argument(help: "The user name.") var user: String
    @Option(help: "The cluster.") var cluster: String
    @Option(help: "The signer's socket for administrators.")
    var signerSocket = "/run/sallyport/signer/admin.sock"
    @Flag(help: "Leave the signer's deny list as it is.") var keepDenied = false
    @OptionGroup var options: KeeperOptions

    func run() async throws {
        let name = try UserName(user)
        let place = try ClusterName(cluster)
        let steward = StewardClient(path: options.stewardSocket, keeperUser: nil, deadline: .seconds(240))
        var report = try await closing(steward.close) { try await steward.unlock(cluster: place, user: name) }
        if !keepDenied {
            report.steps.removeAll { $0.name == "deny list" }
            report.steps.append(await allow(name))
        }
        try options.show(report, of: name, done: keepDenied ? "unlocked, and not taken off the deny list" : "unlocked")
    }

    private func allow(_ user: UserName) async -> KeeperReport.Step {
        let signer = SignerClient(path: signerSocket, keeperUser: nil, deadline: .seconds(60))
        let step: KeeperReport.Step
        do {
            try await signer.allow(user)
            step = .init(name: "deny list", place: "signer", outcome: .done, detail: "\(user) is not on it")
        } catch {
            let said = (error as? SallyError)?.message ?? "\(error)"
            step = .init(
                name: "deny list", place: "signer", outcome: .failed,
                detail: "\(said); while \(user) is on it there is no token")
        }
        await signer.close()
        return step
    }
}

private func closing<Result>(_ close: () async -> Void, _ body: () async throws -> Result) async throws -> Result {
    do {
        let result = try await body()
        await close()
        return result
    } catch {
        await close()
        throw error
    }
}
