// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyKeepProtocol
import SallyModel
import SallySigner
import SallySocket
import SallyTestSupport
import ServiceLifecycle
import Testing

@Suite struct SignerDoorTests {
    static func requests() throws -> [(SignerRequest, Set<SignerDoor>)] {
        let dev = try ClusterName("dev")
        let alice = try UserName("alice")
        return [
            (.mint(try mint("alice", 20001)), [.serve]),
            (.mintService(MintServiceRequest(cluster: dev, purpose: .readQueue, position: nil)), [.serve]),
            (.deny(alice), [.serve, .steward, .administrators]), (.allow(alice), [.administrators]),
            (.countersign(position(1)), [.serve]), (.records(after: 0, limit: 1), [.serve, .administrators]),
            (.withdraw(cluster: try account("alice", 20001).cluster, user: try UserName("alice")), [.steward]),
            (.register(try account("alice", 20001)), [.steward]), (.list, [.administrators]),
            (.health, [.serve, .steward, .administrators]),
        ]
    }

    @Test func admitsEachRequestAtItsDoorsOnly() throws {
        for (request, doors) in try Self.requests() {
            #expect(Set(SignerDoor.allCases.filter { $0.admits(request) }) == doors, "\(request)")
        }
    }

    /// What a `serve` that lies can get out of a signer over its real sockets: nothing.
    @Test func refusesAServeThatLies() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let settings = try fixture.settings()
            let signer = try await Signer(settings, clock: fixture.clock)
            let server = try SignerServer(settings, signer: signer, logger: Logger(label: "test"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                for path in ["/serve", "/steward", "/admin"] {
                    try await eventually("\(path) is there") { listens(folder + path) }
                }
                let serve = SignerClient(path: folder + "/serve", keeperUser: ownUserID(), deadline: .seconds(240))
                let steward = SignerClient(path: folder + "/steward", keeperUser: ownUserID(), deadline: .seconds(240))
                let admin = SignerClient(path: folder + "/admin", keeperUser: ownUserID(), deadline: .seconds(240))
                try await steward.register(try account("alice", 20001))
                #expect(try await serve.mint(try mint("alice", 20001)).token.split(separator: ".").count == 3)
                for body: () async throws -> Void in [
                    { try await serve.register(try account("mallory", 20666)) },
                    { try await serve.allow(try UserName("alice")) },
                    { _ = try await serve.list() },
                    { _ = try await serve.mint(try mint("alice", 20002)) },
                    { _ = try await serve.mint(try mint("mallory", 20666)) },
                    { _ = try await steward.mint(try mint("alice", 20001)) },
                    { try await steward.allow(try UserName("alice")) },
                    { _ = try await steward.records(after: 0, limit: 1) },
                    { _ = try await admin.mint(try mint("alice", 20001)) },
                ] {
                    let error = try await #require(throws: SallyError.self) { try await body() }
                    #expect(error.code == .denied)
                }
                try await serve.deny(try UserName("alice"))
                await #expect(throws: SallyError.self) { _ = try await serve.mint(try mint("alice", 20001)) }
                try await admin.allow(try UserName("alice"))
                #expect(try await admin.list().accounts.map(\.user.rawValue) == ["alice"])
                #expect(try await serve.health().singleUser)
                for client in [serve, steward, admin] { await client.close() }
                group.cancelAll()
                while (try? await group.next()) != nil {}  // ends with the cancellation
            }
        }
    }

    @Test func startsOnlyApartFromServe() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            var settings = try fixture.settings()
            settings.singleUser = .refused
            let signer = try await Signer(settings, clock: fixture.clock)
            let own = ownUserID()
            for (serve, steward) in [(own, own &+ 2), (own &+ 1, own &+ 1), (0, own &+ 2)] as [(UInt32, UInt32)] {
                settings.serve.peer = serve
                settings.steward.peer = steward
                let error = try #require(throws: SallyError.self) {
                    try SignerServer(settings, signer: signer, logger: Logger(label: "test"))
                }
                #expect(error.code == .misconfigured)
            }
            settings.serve.peer = own &+ 1
            settings.steward.peer = own &+ 2
            #expect(throws: Never.self) { try SignerServer(settings, signer: signer, logger: Logger(label: "test")) }
        }
    }

    @Test func endsGracefully() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let settings = try fixture.settings()
            let server = try SignerServer(settings, signer: try await fixture.signer(), logger: Logger(label: "test"))
            let services = ServiceGroup(services: [server], logger: Logger(label: "test"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await services.run() }
                try await eventually("the signer listens") { listens(folder + "/serve") }
                let client = SignerClient(path: folder + "/serve", keeperUser: nil, deadline: .seconds(240))
                _ = try await client.health()
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
                await client.close()
            }
            #expect(!exists(folder + "/serve"))
        }
    }
}
