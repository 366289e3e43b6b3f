// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallySteward
import SallyTestSupport
import Testing

/// The account modes beside `everywhere` on a real cluster, from ensure to unlock.
@Suite(
    .enabled(if: StewardBench.isWanted, "SALLYPORT_CLUSTER_JSON names no cluster"), .serialized
)
struct ModesOnSlurmTests {
    static func limits(_ bench: StewardBench, _ user: UserName) async throws -> String {
        try await bench.run("sacctmgr -nP show assoc where user=\(user) format=account,maxsubmit,grpsubmit")
    }

    static func checkLock(_ bench: StewardBench, _ steward: Steward, _ user: UserName, _ uid: UserID) async throws {
        let report = try await steward.lock(LockRequest(cluster: bench.name, user: user))
        #expect(!report.steps.contains { $0.outcome == .failed }, "\(report.steps)")
        #expect(try await limits(bench, user) == "research|0|0\n")
        await #expect(throws: SallyError.self) { try await steward.ensure(bench.request(user, uid)) }
        let back = try await steward.unlock(cluster: bench.name, user: user)
        #expect(!back.steps.contains { $0.outcome == .failed }, "\(back.steps)")
        #expect(try await limits(bench, user) == "research||\n")
        #expect(try await steward.ensure(bench.request(user, uid)).changed == false)
    }

    @Test func makesAccountsOnTheControllerAlone() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            try await withScratchFolder { folder in
                let steward = try bench.other(folder, mode: .controller)
                #expect(try await steward.ensure(bench.request(user, uid)).changed)
                for node in bench.nodes {
                    let known = try await bench.run("getent passwd \(user) | cut -d: -f3", on: node)
                    #expect(known == (node == bench.nodes[0] ? "\(uid)\n" : ""), "\(node)")
                }
                #expect(try await bench.run("stat -c '%a %u' /home/\(user)") == "700 \(uid)\n")
                _ = try await bench.submit(user, uid, ["--hold", "--wrap=true"])
                _ = try await bench.run("scancel -u \(uid)")
                try await Self.checkLock(bench, steward, user, uid)
                _ = try await steward.lock(LockRequest(cluster: bench.name, user: user))
                #expect(try await bench.run("getent shadow \(user) | cut -d: -f8") == "1\n")
                _ = try await steward.remove(cluster: bench.name, user: user)
                #expect(try await bench.run("getent passwd \(user)").isEmpty)
            }
        }
    }

    @Test func makesOnlyAssociationsWhereNoMachineKnowsPeople() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            let (stranger, strangerUID) = try bench.person()
            try await withScratchFolder { folder in
                let steward = try bench.other(folder, mode: .none)
                #expect(try await steward.ensure(bench.request(user, uid)).changed)
                for node in bench.nodes {
                    #expect(
                        try await bench.run("getent passwd \(user) \(uid); ls -d /home/\(user) 2>/dev/null", on: node)
                            .isEmpty)
                }
                #expect(try await Self.limits(bench, user) == "research||\n")
                #expect(try await steward.list(cluster: bench.name).first { $0.user == user }?.uid == uid)
                try await Self.checkLock(bench, steward, user, uid)
                let error = try await #require(throws: SallyError.self) {
                    try await steward.readOutput(bench.read(user, try JobID("1")))
                }
                #expect(error.code == .unsupported)
                // Somebody of that name on the controller is somebody else.
                _ = try await bench.run("useradd --uid \(strangerUID) \(stranger)")
                await #expect(throws: SallyError.self) {
                    try await steward.ensure(bench.request(stranger, strangerUID))
                }
                #expect(try await Self.limits(bench, stranger).isEmpty)
            }
        }
    }

    /// People are in passwd by other hands, as a directory would show them: own primary group, own home and shell.
    @Test func changesNothingWhereADirectoryHasPeople() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            let (other, otherUID) = try bench.person()
            for node in bench.nodes {
                _ = try await bench.run(
                    "useradd --uid \(uid) --create-home --home-dir /home/\(user) --shell /bin/sh --expiredate '' \(user)",
                    on: node)
            }
            _ = try await bench.run("sacctmgr -i add user \(user) account=research")
            try await eventually("slurmctld knows the uid") {
                try await bench.run("scontrol show assoc_mgr users=\(user) flags=assoc").contains("\(user)(\(uid))")
            }
            let look =
                "getent passwd \(user); getent shadow \(user); id \(user); grep -c '\"\(user)\"' /var/lib/sallyport/accounts.jsonl"
            let before = try await bench.run(look)
            try await withScratchFolder { folder in
                let steward = try bench.other(folder, mode: .directory)
                let first = try await steward.ensure(bench.request(user, uid))
                #expect(!first.changed && first.home == "/home/\(user)")
                #expect(bench.registry.accounts.last?.shell == "/bin/sh")
                for (name, number) in [(user, otherUID), (other, uid), (other, otherUID)] {
                    await #expect(throws: SallyError.self) {
                        try await steward.ensure(bench.request(name, number))
                    }
                }
                let job = try await bench.submit(user, uid, ["--wrap=echo from the directory"])
                try await eventually("the output is there") {
                    let piece = try? await steward.readOutput(bench.read(user, job))  // not there yet
                    return piece.flatMap { Base64.standard.decode($0.data) }.map { String(decoding: $0, as: UTF8.self) }
                        == "from the directory\n"
                }
                let report = try await steward.lock(LockRequest(cluster: bench.name, user: user))
                #expect(report.steps.contains { $0.name == "account" && $0.outcome == .skipped }, "\(report.steps)")
                _ = try await steward.unlock(cluster: bench.name, user: user)
                try await Self.checkLock(bench, steward, user, uid)
                await #expect(throws: SallyError.self) { try await steward.adopt(cluster: bench.name, user: user) }
            }
            #expect(try await bench.run(look) == before)
        }
    }
}
