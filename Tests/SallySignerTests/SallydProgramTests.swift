// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyKeepProtocol
import SallyModel
import SallySigner
import SallySocket
import SallyTestSupport
import Synchronization
import Testing

/// The built program, beside the test bundle; absent where only the library was built.
private let program: String? = {
    var folder = CommandLine.arguments.first ?? ""
    for _ in 0..<4 {
        guard let slash = folder.lastIndex(of: "/") else { break }
        folder = String(folder[..<slash])
        if exists("\(folder)/sallyd") { return "\(folder)/sallyd" }
    }
    let usual = ".build/debug/sallyd"
    return exists(usual) ? usual : nil
}()

/// `sallyd` where it meets the signer: locking from the command line, and keys that it must not use.
@Suite(.enabled(if: program != nil, "the program sallyd was not built"))
struct SallydProgramTests {
    private func sallyd(_ arguments: [String]) async throws -> ProgramResult {
        try await runProgram(
            try #require(program), arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    }

    /// Runs `body` beside a signer and a steward that does what it is asked and keeps the question.
    private func withKeepers(
        _ body: (_ folder: String, _ steward: StewardQuestions, _ admin: SignerClient) async throws -> Void
    ) async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let logger = Logger(label: "test")
            let settings = try fixture.settings()
            let signer = try SignerServer(
                settings, signer: try await Signer(settings, clock: fixture.clock), logger: logger)
            let asked = StewardQuestions()
            let steward = SocketServer<StewardRequest, StewardReply>(
                path: folder + "/steward-admin", access: .administrators, limits: SocketLimits(deadline: .seconds(60)),
                logger: logger
            ) { request, _ in asked.answer(request) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await signer.run() }
                group.addTask { try await steward.run() }
                for path in ["/admin", "/serve", "/steward", "/steward-admin"] {
                    try await eventually("\(path) is there") { listens(folder + path) }
                }
                let admin = SignerClient(path: folder + "/admin", keeperUser: ownUserID(), deadline: .seconds(240))
                try await body(folder, asked, admin)
                await admin.close()
                group.cancelAll()
                while (try? await group.next()) != nil {}  // ends with the cancellation
            }
        }
    }

    @Test func lockAndUnlockAskTheStewardAndTheSignersOwnDoor() async throws {
        try await withKeepers { folder, steward, admin in
            let (dev, alice) = (try ClusterName("dev"), try UserName("alice"))
            let there = ["alice", "--cluster", "dev", "--steward-socket", folder + "/steward-admin"]
            let locked = try await sallyd(["admin", "lock"] + there)
            #expect(locked.status == 0 && locked.output.contains("alice is locked"), "\(locked)")
            #expect(steward.all == [.lock(LockRequest(cluster: dev, user: alice))])

            try await admin.deny(alice)
            let kept = try await sallyd(["admin", "unlock", "--keep-denied"] + there)
            #expect(kept.status == 0 && kept.output.contains("not taken off the deny list"), "\(kept)")
            #expect(try await admin.list().denied == [alice])

            // No other door of the signer takes a name off the list, whoever knocks.
            for door in ["serve", "steward"] {
                let refused = try await sallyd(["admin", "unlock"] + there + ["--signer-socket", "\(folder)/\(door)"])
                #expect(refused.status == 69 && refused.output.contains("not complete"), "\(refused)")
                #expect(refused.output.contains("while alice is on it there is no token"), "\(refused)")
                #expect(try await admin.list().denied == [alice])
            }
            let unlocked = try await sallyd(["admin", "unlock"] + there + ["--signer-socket", folder + "/admin"])
            #expect(unlocked.status == 0 && unlocked.output.contains("alice is unlocked"), "\(unlocked)")
            #expect(try await admin.list().denied == [])
            #expect(steward.all.dropFirst() == Array(repeating: .unlock(cluster: dev, user: alice), count: 4)[...])
        }
    }

    @Test func whatTheStewardRefusesTakesNobodyOffTheList() async throws {
        try await withKeepers { folder, steward, admin in
            let alice = try UserName("alice")
            try await admin.deny(alice)
            steward.refuse()
            let refused = try await sallyd([
                "admin", "unlock", "alice", "--cluster", "dev", "--steward-socket", folder + "/steward-admin",
                "--signer-socket", folder + "/admin",
            ])
            #expect(refused.status != 0 && refused.errors.contains("no such account"), "\(refused)")
            #expect(try await admin.list().denied == [alice])
        }
    }

    /// Both ways to read the signer's file refuse a key that is not the signer's alone.
    @Test(arguments: [false, true], [(0o644, "chmod 600"), (0o640, "chmod 600"), (0, "does not exist")])
    func aKeyThatIsNotTheSignersAloneIsRefused(starts: Bool, key: (mode: UInt32, remedy: String)) async throws {
        try await withScratchFolder { folder in
            let path = folder + "/slurm.key"
            if key.mode != 0 { try writeFile(path, String(repeating: "k", count: 32), mode: key.mode) }
            let file = """
                sockets:
                  serve: {path: \(folder)/run/serve.sock, peer: \(ownUserID())}
                  steward: {path: \(folder)/run/steward.sock, peer: \(ownUserID())}
                  admin: \(folder)/run/admin.sock
                state_folder: \(folder)/state
                clusters:
                  - {name: dev, algorithm: HS256, key: \(path), uid_range: 20000-29999}
                single_user: true

                """
            try writeFile(folder + "/signer.yaml", file, mode: 0o644)
            let result = try await sallyd(
                (starts ? ["signer"] : ["config", "check", "--for", "signer"]) + ["--config", folder + "/signer.yaml"])
            #expect(result.status == 78, "\(result)")
            #expect(result.errors.contains(path) && result.errors.contains(key.remedy), "\(result)")
            #expect(result.output.isEmpty && !exists(folder + "/state"), "\(result)")
        }
    }
}

/// What a steward was asked.
private final class StewardQuestions: Sendable {
    private let state = Mutex((asked: [StewardRequest](), refuses: false))
    var all: [StewardRequest] { state.withLock { $0.asked } }
    func refuse() { state.withLock { $0.refuses = true } }

    func answer(_ request: StewardRequest) -> StewardReply {
        let refuses = state.withLock { state in
            state.asked.append(request)
            return state.refuses
        }
        if refuses { return .refused(KeeperRefusal(SallyError(.notFound, "no such account"))) }
        let report = KeeperReport(steps: [.init(name: "account", place: "dev", outcome: .done, detail: "")])
        if case .lock = request { return .locked(report) }
        return .done(report)
    }
}
