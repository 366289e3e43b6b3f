// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallySocket
import SallySteward
import SallyTestSupport
import SallyTransport
import StrictJSON
import Synchronization
import Testing

/// A steward on a running local cluster, with people of random names who are taken away afterwards.
final class StewardBench: Sendable {
    let name: ClusterName
    let nodes: [NodeName]
    /// Where the machines call each other from.
    let subnet: String
    let registry = ToldRegistry()
    private let folder: String
    let transport: PodmanTransport
    private let made = Mutex<[(UserName, UserID)]>([])
    private let current: Mutex<Steward?>

    private struct ClusterFile: Decodable {
        struct Container: Decodable {
            var name: String
            var role: String
            var hostname: String
        }
        struct Network: Decodable { var subnet: String }
        var name: ClusterName
        var containers: [Container]
        var network: Network
    }

    final class ToldRegistry: AccountRegistry {
        private let told = Mutex<[ManagedAccount]>([])
        var accounts: [ManagedAccount] { told.withLock { $0 } }
        private let names = Mutex<[UserName]>([])
        var denied: [UserName] { names.withLock { $0 } }
        func register(_ account: ManagedAccount) async throws { told.withLock { $0.append(account) } }
        func deny(_ user: UserName) async throws { names.withLock { $0.append(user) } }
        private let taken = Mutex<[UserName]>([])
        var withdrawn: [UserName] { taken.withLock { $0 } }
        func withdraw(_ user: UserName, on cluster: ClusterName) async throws { taken.withLock { $0.append(user) } }
    }

    struct BenchClock: WallClock {
        var now: Timestamp { Timestamp(Int64(time(nil))) }
    }

    static var isWanted: Bool { getenv("SALLYPORT_CLUSTER_JSON") != nil }

    private static func variables() -> [String: String] {
        var result: [String: String] = [:]
        for name in ["PATH", "HOME", "CONTAINERS_CONF", "XDG_RUNTIME_DIR"] {
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        return result
    }

    static func with(_ body: (StewardBench) async throws -> Void) async throws {
        try await withScratchFolder { folder in
            let bench = try StewardBench(folder)
            do {
                try await body(bench)
            } catch {
                try? await bench.clean()  // the body's error is the one to report
                throw error
            }
            try await bench.clean()
        }
    }

    private init(_ folder: String) throws {
        self.folder = folder
        let path = getenv("SALLYPORT_CLUSTER_JSON").map { String(cString: $0) } ?? ""
        let file = try StrictDecoder.decode(ClusterFile.self, from: readFile(path), unknownKeys: .ignoreUnknown)
        name = file.name
        subnet = file.network.subnet
        var containers: [NodeName: String] = [:]
        for container in file.containers { containers[try NodeName(container.hostname)] = container.name }
        nodes = try file.containers.sorted {
            ($0.role == "controller" ? 0 : 1, $0.name) < ($1.role == "controller" ? 0 : 1, $1.name)
        }
        .map { try NodeName($0.hostname) }
        transport = PodmanTransport(
            containers: containers, podman: try PodmanEnvironment.detect(environment: Self.variables()))
        current = Mutex(nil)
        current.withLock { $0 = nil }
        _ = try again(slurmCommands: nil)
    }

    var steward: Steward {
        get throws { try #require(current.withLock { $0 }) }
    }

    /// The same steward started again.
    func again(slurmCommands: String?) throws -> Steward {
        current.withLock { $0 = nil }
        let made = try make(folder + "/state", slurmCommands)
        current.withLock { $0 = made }
        return made
    }

    /// A steward that remembers nothing.
    func other(_ folder: String, mode: AccountMode = .everywhere) throws -> Steward {
        try make(folder + "/state", nil, mode)
    }

    /// The engine below the steward.
    func engine() -> AccountEngine {
        AccountEngine(
            layout: ClusterLayout(
                mode: .everywhere, controller: nodes[0], nodes: Array(nodes.dropFirst()), homeServer: nodes[0]),
            transport: transport)
    }

    private func make(_ state: String, _ slurmCommands: String?, _ mode: AccountMode = .everywhere) throws -> Steward {
        let layout = ClusterLayout(
            mode: mode, controller: nodes[0], nodes: Array(nodes.dropFirst()), homeServer: nodes[0],
            slurmCommands: slurmCommands)
        let standard = try ProfileName("standard")
        let profile = AccountProfile(
            homes: "/home", shell: "/bin/bash", groups: [], accounts: [try AccountName("research")])
        let settings = StewardSettings(
            stateFolder: state, singleUser: .permitted, serve: KeeperSocket(path: folder + "/serve", peer: ownUserID()),
            administratorsSocket: folder + "/admin",
            clusters: [
                StewardCluster(
                    name: name, layout: layout, uids: 40000...59999, profiles: [standard: profile],
                    adoptionProfile: standard, output: .permitted(limit: 1 << 20))
            ])
        return try Steward(
            settings, transports: [name: transport], registry: registry, clock: BenchClock(),
            logger: Logger(label: "test"))
    }

    /// A name and a uid that nobody has.
    func person() throws -> (UserName, UserID) {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        let text = "kp" + String((0..<8).map { _ in letters[Int.random(in: 0..<26)] })
        let person = (try UserName(text), try UserID(UInt32.random(in: 40000...59999)))
        made.withLock { $0.append(person) }
        return person
    }

    func request(_ user: UserName, _ uid: UserID) throws -> EnsureRequest {
        EnsureRequest(cluster: name, user: user, uid: uid, profile: try ProfileName("standard"))
    }

    func read(_ user: UserName, _ job: JobID) -> ReadOutputRequest {
        ReadOutputRequest(
            cluster: name, user: user, job: job, stream: .standardOutput, offset: 0, limit: 1000,
            position: AuditPosition(sequence: .random(in: 1...(.max)), hash: String(repeating: "a", count: 64)))
    }

    func text(_ request: ReadOutputRequest) async throws -> String {
        let piece = try await steward.readOutput(request)
        return String(decoding: try #require(Base64.standard.decode(piece.data)), as: UTF8.self)
    }

    func outcome(_ request: ReadOutputRequest) async -> SallyError.Code? {
        do {
            _ = try await steward.readOutput(request)
            return nil
        } catch {
            return (error as? SallyError)?.code ?? .internal
        }
    }

    func output(_ user: UserName, _ job: JobID, until text: String) async throws -> String {
        var output = ""
        try await eventually("job \(job) says \(text)") {
            output = (try? await self.text(self.read(user, job))) ?? ""  // not there yet
            return output.contains(text)
        }
        return output
    }

    /// sbatch as the person, from the home.
    func submit(_ user: UserName, _ uid: UserID, _ arguments: [String]) async throws -> JobID {
        let call = (["sbatch", "--parsable"] + arguments).map(shellQuoted).joined(separator: " ")
        let said = try await run(
            "cd /home/\(user) && setpriv --reuid=\(uid) --regid=\(uid) --init-groups env -i PATH=/usr/bin:/bin HOME=/home/\(user) \(call)"
        )
        return try JobID(said.split(separator: "\n").first ?? "")
    }

    @discardableResult
    func run(_ script: String, on node: NodeName? = nil) async throws -> String {
        let done = try await transport.run(
            .script("main() {\n\(script)\n}\nmain </dev/null 2>&1\n", deadline: .seconds(600)), on: node ?? nodes[0])
        return done.output
    }

    /// Everybody in one call per machine.
    private func clean() async throws {
        let people = made.withLock { $0 }
        guard !people.isEmpty else { return }
        let names = people.map(\.0.rawValue)
        let rows = people.map { "\($0) \($1)\n" }.joined()
        try await run(
            """
            scancel -u \(people.map { "\($0.1)" }.joined(separator: ","))
            sacctmgr -i delete user \(names.joined(separator: ","))
            while read -r name uid; do
                echo "$uid" >>/run/sally-gone.$$
                rm -rf "/home/$name" "/home/.sallyport-locked/$name".*
                echo "\\"user\\":\\"$name\\"" >>/run/sally-lines.$$
            done <<'END'
            \(rows)END
            rm -rf /run/sally-test
            until [ -z "$(squeue -h -t R,CG -o %U | grep -xFf /run/sally-gone.$$)" ]; do sleep 0.1; done
            # Others add lines meanwhile.
            exec 9>>/var/lib/sallyport/accounts.lock && flock 9
            grep -vFf /run/sally-lines.$$ /var/lib/sallyport/accounts.jsonl >/run/sally-kept.$$
            cat /run/sally-kept.$$ >/var/lib/sallyport/accounts.jsonl
            rm -f /run/sally-*.$$
            """)
        let here = """
            for name in \(names.joined(separator: " ")); do
                userdel -f "$name"; groupdel "$name"
                rm -rf "/var/lib/sallyport/locked/$name".* "/mnt/$name" "/scratch/$name"
                sed -i "/^$name$/d" /etc/cron.deny
            done
            """
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { try await self.run(here, on: node) } }
            try await group.waitForAll()
        }
    }
}
