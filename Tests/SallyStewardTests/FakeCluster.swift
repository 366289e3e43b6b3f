// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallySocket
import SallySteward
import SallyTransport
import Synchronization

/// Nodes that answer what a test says, and remember what they were asked.
final class FakeCluster: ScriptwiseTransport {
    typealias Answer = @Sendable (_ script: String, _ arguments: [String], _ node: NodeName) throws -> Completion
    private let answer: Answer
    private let heard = Mutex<[(node: NodeName, script: String)]>([])

    init(_ answer: @escaping Answer) { self.answer = answer }

    var calls: [(node: NodeName, script: String)] { heard.withLock { $0 } }

    func run(_ invocation: Invocation, on node: NodeName) async throws -> Completion {
        let script = String(decoding: invocation.standardInput, as: UTF8.self)
        heard.withLock { $0.append((node, script)) }
        return try answer(script, Array(invocation.arguments.dropFirst(3)), node)
    }

    static func said(_ text: String, status: Int32 = 0) -> Completion {
        Completion(status: status, standardOutput: Array(text.utf8), standardError: [])
    }

    /// Machines that know nobody and do whatever they are told.
    static func willing() -> FakeCluster {
        FakeCluster { script, _, _ in
            if script.contains("\nprobe_") { return said("end\n") }
            return said("step\tdone\tdone\tas told\nend\n")
        }
    }
}

/// A signer that remembers who it was told of.
final class FakeRegistry: AccountRegistry {
    struct State {
        var denied: [UserName] = []
        var failure: SallyError?
    }
    private let told = Mutex<[ManagedAccount]>([])
    private let state = Mutex(State())
    var accounts: [ManagedAccount] { told.withLock { $0 } }
    var denied: [UserName] { state.withLock { $0.denied } }
    func fail(_ error: SallyError?) { state.withLock { $0.failure = error } }
    func deny(_ user: UserName) async throws {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.denied.append(user)
        }
    }
    private let taken = Mutex<[UserName]>([])
    /// Withdrawn since they were told of last.
    var withdrawn: [UserName] { taken.withLock { $0 } }
    func register(_ account: ManagedAccount) async throws {
        told.withLock { $0.append(account) }
        taken.withLock { $0.removeAll { $0 == account.user } }
    }
    private let stuck = Mutex<Set<UserName>>([])
    /// Whoever it cannot be told of.
    func failWithdrawal(of user: UserName) { _ = stuck.withLock { $0.insert(user) } }
    func withdraw(_ user: UserName, on cluster: ClusterName) async throws {
        if stuck.withLock({ $0.contains(user) }) { throw SallyError(.unavailable, "\(user) cannot be withdrawn") }
        taken.withLock { $0.append(user) }
    }
}

/// A clock that a test moves.
final class MovedClock: WallClock {
    private let time = Mutex(Timestamp(1_800_000_000))
    var now: Timestamp { time.withLock { $0 } }
    func move(by seconds: Int64) { time.withLock { $0 = Timestamp($0.rawValue + seconds) } }
}

struct StewardFixture {
    let registry = FakeRegistry()
    let clock = MovedClock()
    let cluster: FakeCluster
    let settings: StewardSettings
    let steward: Steward
    let server: StewardServer

    init(
        _ folder: String, mode: AccountMode = .everywhere, output: OutputReading = .permitted(limit: 1 << 20),
        _ cluster: FakeCluster
    ) throws {
        self.cluster = cluster
        let dev = try ClusterName("dev")
        let standard = try ProfileName("standard")
        let layout = ClusterLayout(
            mode: mode, controller: try NodeName("master"), nodes: [try NodeName("node001")],
            homeServer: try NodeName("master"))
        let profile = AccountProfile(
            homes: "/home", shell: "/bin/bash", groups: [], accounts: [try AccountName("research")])
        settings = StewardSettings(
            stateFolder: folder + "/state", singleUser: .permitted,
            serve: KeeperSocket(path: folder + "/serve", peer: ownUserID()), administratorsSocket: folder + "/admin",
            clusters: [
                StewardCluster(
                    name: dev, layout: layout, uids: 20000...29999, profiles: [standard: profile],
                    adoptionProfile: standard, output: output)
            ])
        let logger = Logger(label: "test")
        steward = try Steward(settings, transports: [dev: cluster], registry: registry, clock: clock, logger: logger)
        server = try StewardServer(settings, steward: steward, logger: logger)
    }
}

func ensureRequest(
    _ name: String, _ uid: UInt32, cluster: String = "dev", profile: String = "standard"
) throws -> EnsureRequest {
    EnsureRequest(
        cluster: try ClusterName(cluster), user: try UserName(name), uid: try UserID(uid),
        profile: try ProfileName(profile))
}

func outputRequest(
    _ name: String, _ job: UInt32, offset: Int64 = 0, limit: Int = 1000, sequence: Int64? = nil
) throws -> ReadOutputRequest {
    ReadOutputRequest(
        cluster: try ClusterName("dev"), user: try UserName(name), job: try JobID("\(job)"), stream: .standardOutput,
        offset: offset, limit: limit,
        position: AuditPosition(
            sequence: sequence ?? .random(in: 1000...(.max)), hash: String(repeating: "a", count: 64)))
}
