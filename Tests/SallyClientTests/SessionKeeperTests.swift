// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyTestSupport
import Synchronization
import Testing

private struct Reply: Decodable { var user: String }

@Suite struct SessionKeeperTests {
    private let clock = FixedClock(now: Timestamp(2_000_000_000))

    /// A store with an expired session of the gateway's first generation.
    private func prepared(_ folder: String, _ address: GatewayAddress, expires: Int64 = 1) async throws -> (
        ContextStore, GatewayContext
    ) {
        let store = ContextStore.patient("\(folder)/config")
        let context = GatewayContext(name: try ContextName("alice"), gateway: address, cluster: nil, caFile: nil)
        try await store.update { $0.put(context) }
        try store.save(try FakeGateway.session(1, address, expires: Timestamp(expires)), context.name)
        return (store, context)
    }

    private func ask(_ store: ContextStore, _ context: GatewayContext, _ path: String = "/v1/me") async throws -> String
    {
        let exchange = try AsyncHTTPExchange(gateway: context.gateway, caFile: nil)
        let client = GatewayClient(
            exchange: exchange, session: SessionKeeper(context: context, store: store, clock: clock))
        do {
            let reply: Reply = try await client.get(path)
            await exchange.close()
            return reply.user
        } catch {
            await exchange.close()
            throw error
        }
    }

    @Test func fiftyAtOnceRefreshOnce() async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { gateway, address in
                let (store, context) = try await prepared(folder, address)
                try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<50 { group.addTask { try await ask(store, context) } }
                    for try await user in group { #expect(user == "alice") }
                }
                #expect(gateway.state.withLock { ($0.refreshes, $0.replays) } == (1, 0))
            }
        }
    }

    @Test func killedBetweenAnswerAndFileKeepsTheSession() async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { gateway, address in
                let (store, context) = try await prepared(folder, address)
                let old = try #require(try store.session(context.name))
                #expect(try await ask(store, context) == "alice")
                // As if the process had been killed before it wrote: the old session is in the file.
                try store.save(old, context.name)
                #expect(try await ask(store, context) == "alice")
                #expect(gateway.state.withLock { ($0.refreshes, $0.replays) } == (1, 1))
                #expect(try store.session(context.name)?.accessToken.reveal() == "access-2")
            }
        }
    }

    @Test func aReplayAfterTheGraceEndsTheSession() async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { gateway, address in
                let (store, context) = try await prepared(folder, address)
                let old = try #require(try store.session(context.name))
                _ = try await ask(store, context)
                gateway.state.withLock { $0.grace = false }
                try store.save(old, context.name)
                let error = await #expect(throws: SallyError.self) { try await ask(store, context) }
                #expect(error?.message == "your session has ended: sign in again with `sally login`")
                #expect(error?.code.exitStatus == 77)
                #expect(try store.session(context.name) == nil)
            }
        }
    }

    @Test func arefused401LeadsToOneRefresh() async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { gateway, address in
                let (store, context) = try await prepared(folder, address, expires: 3_000_000_000)
                // The gateway knows a newer access token: the one in the file is good by the clock alone.
                try store.save(
                    StoredSession(
                        gateway: address, user: try UserName("alice"), accessToken: Secret("stale"),
                        expires: Timestamp(3_000_000_000), refreshToken: Secret("refresh-1"),
                        sessionExpires: Timestamp(4_000_000_000)), context.name)
                #expect(try await ask(store, context) == "alice")
                #expect(gateway.state.withLock { $0.refreshes } == 1)
            }
        }
    }

    @Test func revokedSessionsSayWhatToDo() async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { gateway, address in
                let (store, context) = try await prepared(folder, address, expires: 3_000_000_000)
                gateway.state.withLock { $0.ended = true }
                let error = await #expect(throws: SallyError.self) { try await ask(store, context) }
                #expect(error?.code == .unauthenticated)
                #expect(error?.message.contains("sally login") == true)
            }
        }
    }

    @Test func aTokenGoesToItsOwnGatewayAlone() async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { _, address in
                var (store, context) = try await prepared(folder, try GatewayAddress("https://elsewhere.example"))
                context.gateway = address
                let error = await #expect(throws: SallyError.self) { try await ask(store, context) }
                #expect(error?.message.contains("https://elsewhere.example") == true)
            }
        }
    }

    @Test(arguments: [
        ("/v1/elsewhere", SallyError.Code.unavailable), ("/v1/refused", .denied), ("/v1/text", .unavailable),
        ("/v1/missing", .notFound),
    ])
    func problemsAreErrors(path: String, code: SallyError.Code) async throws {
        try await withScratchFolder { folder in
            try await FakeGateway.with { _, address in
                let (store, context) = try await prepared(folder, address)
                let error = await #expect(throws: SallyError.self) { try await ask(store, context, path) }
                #expect(error?.code == code)
                if code == .denied { #expect(error?.hint == "ask for access") }
            }
        }
    }

    @Test func aGatewayThatIsAwayIsNamed() async throws {
        try await withScratchFolder { folder in
            let address = try GatewayAddress("http://127.0.0.1:1")
            let (store, context) = try await prepared(folder, address, expires: 3_000_000_000)
            let error = await #expect(throws: SallyError.self) { try await ask(store, context) }
            #expect(error?.code == .unavailable)
            #expect(error?.message == "the gateway at http://127.0.0.1:1 does not answer")
        }
    }
}
