// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import SallyKeepProtocol
import SallyModel
import SallySocket
import SallyTestSupport
import Synchronization
import Testing

@Suite struct SocketTests {
    typealias Server = SocketServer<SignerRequest, SignerReply>
    typealias Client = SocketClient<SignerRequest, SignerReply>

    /// Serves in `folder` while `body` runs.
    static func serving(
        _ folder: String, access: SocketAccess = .user(ownUserID()),
        limits: SocketLimits = .init(deadline: .seconds(60)),
        handle: @escaping @Sendable (SignerRequest, PeerCredentials) async -> SignerReply,
        _ body: @Sendable (String) async throws -> Void
    ) async throws {
        let path = folder + "/s"
        let server = Server(path: path, access: access, limits: limits, logger: Logger(label: "test"), handle: handle)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await eventually("the server listens") { listens(path) }
            try await body(path)
            group.cancelAll()
            while (try? await group.next()) != nil {}  // ends with the cancellation
        }
    }

    @Test func answersAndKnowsItsPeer() async throws {
        try await withScratchFolder { folder in
            try await Self.serving(folder) { request, peer in
                guard case .health = request, peer.uid == getuid(), peer.process == getpid() else { return .done }
                return .health(KeeperHealth(singleUser: false, clusters: []))
            } _: { path in
                let client = Client(path: path, keeper: "signer", keeperUser: getuid())
                let reply = try await client.request(.health, deadline: .seconds(60))
                #expect(reply == .health(KeeperHealth(singleUser: false, clusters: [])))
                #expect(permissions(of: path) == 0o600)
                await client.close()
            }
            #expect(!exists(folder + "/s"))
        }
    }

    @Test func answersManyAtOnceOnOneConnection() async throws {
        try await withScratchFolder { folder in
            try await Self.serving(folder) { request, _ in
                guard case .records(let after, _) = request else { return .done }
                if after.isMultiple(of: 7) { await Task.yield() }
                let head = AuditPosition(sequence: after, hash: "")
                return .countersigned(Countersignature(position: head, time: Timestamp(0), signature: ""))
            } _: { path in
                let client = Client(path: path, keeper: "signer", keeperUser: nil)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<300 {
                        group.addTask {
                            let reply = try await client.request(
                                .records(after: Int64(number), limit: 1), deadline: .seconds(60))
                            guard case .countersigned(let made) = reply else {
                                throw SallyError(.internal, "other reply")
                            }
                            #expect(made.position.sequence == Int64(number))
                        }
                    }
                    try await group.waitForAll()
                }
                await client.close()
            }
        }
    }

    @Test func refusesAnotherUser() async throws {
        try await withScratchFolder { folder in
            let other = SocketAccess.user(ownUserID() &+ 1)
            try await Self.serving(folder, access: other, handle: { _, _ in .done }) { path in
                let client = Client(path: path, keeper: "signer", keeperUser: nil)
                let error = try await #require(throws: SallyError.self) {
                    try await client.request(.health, deadline: .seconds(60))
                }
                #expect(error.code == .unavailable)
                await client.close()
            }
        }
    }

    /// With one place: strangers who stay connected take none.
    @Test(.enabled(if: getuid() == 0, "only root can connect as somebody else"))
    func strangersTakeNoPlaces() async throws {
        try await withScratchFolder { folder in
            let limits = SocketLimits(connections: 1, deadline: .seconds(60))
            try await Self.serving(folder, limits: limits, handle: { _, _ in .done }) { path in
                #expect(chmod(folder, 0o755) == 0 && chmod(path, 0o666) == 0)
                var strangers: [Int32] = []
                defer { for descriptor in strangers { close(descriptor) } }
                for _ in 0..<8 { strangers.append(try connect(path, as: 65533)) }
                let client = Client(path: path, keeper: "signer", keeperUser: nil)
                for _ in 0..<3 { #expect(try await client.request(.health, deadline: .seconds(60)) == .done) }
                // Each of them was hung up on.
                for descriptor in strangers { try await eventually("it is hung up") { isHungUp(descriptor) } }
                await client.close()
            }
        }
    }

    @Test func aPeerHasSoManyPlaces() async throws {
        try await withScratchFolder { folder in
            let limits = SocketLimits(connections: 1, deadline: .seconds(60))
            try await Self.serving(folder, limits: limits, handle: { _, _ in .done }) { path in
                let first = Client(path: path, keeper: "signer", keeperUser: nil)
                #expect(try await first.request(.health, deadline: .seconds(60)) == .done)
                let second = try connectPlainly(path)
                defer { close(second) }
                try await eventually("there is no second place") { isHungUp(second) }
                #expect(try await first.request(.health, deadline: .seconds(60)) == .done)
                await first.close()
                // The place is free again.
                let third = Client(path: path, keeper: "signer", keeperUser: nil)
                try await eventually("there is a place") {
                    (try? await third.request(.health, deadline: .seconds(60))) == .done  // else there is none yet
                }
                await third.close()
            }
        }
    }

    /// Peers that connect in the moment in which the server ends must not end the process (NIO ends it for a channel that
    /// was wrapped and never served).
    @Test func peersMayConnectWhileItCloses() async throws {
        try await withScratchFolder { folder in
            for _ in 0..<8 {
                let callers = Callers()
                defer { callers.hangUp() }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            while callers.call(folder + "/s") { try await Task.sleep(for: .milliseconds(1)) }
                        }
                    }
                    defer { callers.stop() }
                    try await Self.serving(folder, handle: { _, _ in .done }) { path in
                        try await eventually("peers connect") { callers.count > 20 }
                    }
                }
                #expect(!exists(folder + "/s"))
            }
        }
    }

    @Test func refusesAServerOfAnotherUser() async throws {
        try await withScratchFolder { folder in
            try await Self.serving(folder, handle: { _, _ in .done }) { path in
                let client = Client(path: path, keeper: "signer", keeperUser: ownUserID() &+ 1)
                let error = try await #require(throws: SallyError.self) {
                    try await client.request(.deny(try UserName("bob")), deadline: .seconds(60))
                }
                #expect(error.code == .unavailable)
                #expect(error.message.contains("another user"))
                await client.close()
            }
        }
    }

    @Test func reconnectsAfterARestart() async throws {
        try await withScratchFolder { folder in
            let client = Client(path: folder + "/s", keeper: "signer", keeperUser: nil)
            for _ in 0..<3 {
                try await Self.serving(folder, handle: { _, _ in .done }) { _ in
                    let reply = try await client.request(.health, deadline: .seconds(60))
                    #expect(reply == .done)
                }
            }
            let error = try await #require(throws: SallyError.self) {
                try await client.request(.health, deadline: .seconds(60))
            }
            #expect(error.code == .unavailable)
            await client.close()
        }
    }

    @Test func hasADeadlineAtBothEnds() async throws {
        try await withScratchFolder { folder in
            let slow: @Sendable (SignerRequest, PeerCredentials) async -> SignerReply = { _, _ in
                try? await Task.sleep(for: .seconds(600))  // ends early when cancelled
                return .done
            }
            try await Self.serving(folder, limits: .init(deadline: .milliseconds(50)), handle: slow) { path in
                let client = Client(path: path, keeper: "signer", keeperUser: nil)
                let late = try await #require(throws: SallyError.self) {
                    try await client.request(.health, deadline: .seconds(60))
                }
                #expect(late.code == .timeout)
                #expect(late.message.contains("no answer within"))
                let impatient = try await #require(throws: SallyError.self) {
                    try await client.request(.health, deadline: .milliseconds(5))
                }
                #expect(impatient.code == .timeout)
                await client.close()
            }
        }
    }

    @Test func carriesARefusalWithoutItsCause() async throws {
        try await withScratchFolder { folder in
            let refusal = KeeperRefusal(SallyError(.denied, "bob is denied", hint: "ask", cause: "secret detail"))
            try await Self.serving(folder, handle: { _, _ in .refused(refusal) }) { path in
                let client = Client(path: path, keeper: "signer", keeperUser: nil)
                let error = try await #require(throws: SallyError.self) {
                    try await client.request(.health, deadline: .seconds(60))
                }
                #expect(error.code == .denied)
                #expect(error.message == "bob is denied")
                #expect(error.hint == "ask")
                #expect(error.cause == nil)
                await client.close()
            }
        }
    }

    @Test func refusesARequestThatIsTooLong() async throws {
        try await withScratchFolder { folder in
            try await Self.serving(folder, handle: { _, _ in .done }) { path in
                let client = SocketClient<String, SignerReply>(path: path, keeper: "signer", keeperUser: nil)
                let error = try await #require(throws: SallyError.self) {
                    try await client.request(String(repeating: "x", count: Frame.limit), deadline: .seconds(60))
                }
                #expect(error.code == .tooLarge)
                let junk = try await #require(throws: SallyError.self) {
                    try await client.request("junk", deadline: .seconds(60))
                }
                #expect(junk.code == .invalidRequest)
                await client.close()
            }
        }
    }

    @Test func endsAConnectionThatSendsNoFrames() async throws {
        try await withScratchFolder { folder in
            try await Self.serving(folder, handle: { _, _ in .done }) { path in
                for junk in [[UInt8](repeating: 0xff, count: 64), [0, 0, 0, 0], [0, 0, 0, 4, 1, 2, 3, 4]] {
                    let descriptor = try connectPlainly(path)
                    defer { close(descriptor) }
                    _ = junk.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                    try await eventually("it is hung up") { isHungUp(descriptor) }
                }
            }
        }
    }

    @Test func keepsASocketThatIsInUse() async throws {
        try await withScratchFolder { folder in
            try await Self.serving(folder, handle: { _, _ in .done }) { path in
                let second = Server(
                    path: path, access: .administrators, limits: .init(deadline: .seconds(1)),
                    logger: Logger(label: "test")
                ) { _, _ in .done }
                let error = try await #require(throws: SallyError.self) { try await second.run() }
                #expect(error.code == .conflict)
                #expect(exists(path))
            }
        }
    }

    @Test func refusesAFolderThatOthersCanWriteTo() async throws {
        try await withScratchFolder { folder in
            let open = folder + "/open"
            #expect(mkdir(open, 0o777) == 0 && chmod(open, 0o777) == 0)
            #expect(symlink(folder, folder + "/link") == 0)
            for path in [
                open + "/s", folder + "/link/s", folder + "/missing/s", "relative",
                folder + String(repeating: "x", count: 120),
            ] {
                let server = Server(
                    path: path, access: .administrators, limits: .init(deadline: .seconds(1)),
                    logger: Logger(label: "test")
                ) { _, _ in .done }
                let error = try await #require(throws: SallyError.self) { try await server.run() }
                #expect(error.code == .misconfigured)
            }
        }
    }

    @Test func replacesOnlyASocket() async throws {
        try await withScratchFolder { folder in
            try writeFile(folder + "/s", "precious")
            let server = Server(
                path: folder + "/s", access: .administrators, limits: .init(deadline: .seconds(1)),
                logger: Logger(label: "test")
            ) { _, _ in .done }
            await #expect(throws: SallyError.self) { try await server.run() }
            #expect(exists(folder + "/s"))
        }
    }

    @Test(arguments: [(5, 5, SingleUser.refused), (0, 5, .refused), (0, 0, .refused)])
    func refusesOneUserForBoth(_ permitted: UInt32, _ own: UInt32, _ single: SingleUser) {
        #expect(throws: SallyError.self) { try checkPeerIsAnother(permitted: permitted, own: own, singleUser: single) }
        #expect(throws: Never.self) { try checkPeerIsAnother(permitted: permitted, own: own, singleUser: .permitted) }
    }

    @Test func permitsTwoUsers() {
        #expect(throws: Never.self) { try checkPeerIsAnother(permitted: 6, own: 5, singleUser: .refused) }
        #expect(throws: Never.self) { try checkPeerIsAnother(permitted: 6, own: 0, singleUser: .refused) }
    }
}

/// Whether the other end has closed. Does not wait: a thread that waits here may be the one that the server needs.
private func isHungUp(_ descriptor: Int32) -> Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
    return count == 0 || (count < 0 && errno == ECONNRESET)
}

/// Connections that are made until somebody says stop.
private final class Callers: Sendable {
    private let state = Mutex((open: [Int32](), isOver: false))
    var count: Int { state.withLock { $0.open.count } }

    /// False when there is to be no more.
    func call(_ path: String) -> Bool {
        guard !state.withLock({ $0.isOver }) else { return false }
        // Without waiting: a full backlog would hold the thread that the server needs to empty it.
        if let descriptor = try? connectPlainly(path, Int32(SOCK_NONBLOCK.rawValue)) {  // else not now
            state.withLock { $0.open.append(descriptor) }
        }
        return state.withLock { $0.open.count < 500 }
    }

    func stop() { state.withLock { $0.isOver = true } }
    func hangUp() { state.withLock { for descriptor in $0.open { close(descriptor) } } }
}

/// A connection of another OS user, as the kernel notes it when it connects. The user is this thread's alone.
func connect(_ path: String, as user: uid_t) throws -> Int32 {
    // seteuid(3) of the C library changes all threads; the system call changes the caller.
    typealias SystemCall = @convention(c) (Int, Int, Int, Int) -> Int
    guard let address = dlsym(nil, "syscall") else { throw SallyError(.internal, "there is no syscall(2)") }
    let call = unsafeBitCast(address, to: SystemCall.self)
    #if arch(x86_64)
    let setresuid = 117
    #else
    let setresuid = 147
    #endif
    guard call(setresuid, -1, Int(user), -1) == 0 else { throw SallyError(.internal, "cannot be \(user)") }
    defer { _ = call(setresuid, -1, 0, -1) }
    return try connectPlainly(path)
}
