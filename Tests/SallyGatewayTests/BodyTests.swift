// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOEmbedded
import SallyModel
import SallyTestSupport
import SallyWire
import Testing

@testable import SallyConfig
@testable import SallyGateway

/// A request's context outside of any router.
func makeContext(_ channel: any Channel = NIOAsyncTestingChannel()) -> GatewayContext {
    GatewayContext(
        source: ApplicationRequestContextSource(
            channel: channel, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
}

/// What bodies take of their senders' limits.
@Suite struct BodyTests {
    private static let canI = "/v1/clusters/demo/can-i"

    @Test(arguments: [(0, 1), (1, 1), (262_144, 1), (262_145, 2), (4 << 20, 16), (8 << 20, 32), (64 << 20, 40)])
    func aBodyCountsByItsLength(bytes: Int, requests: Int) {
        #expect(BodyAllowance.requests(for: bytes, atMost: 40) == requests)
    }

    /// By the length that it declares, before any of it is read; nothing of it comes here.
    @Test func aLongBodyCountsAsManyRequests() async throws {
        var settings = WorldSettings()
        settings.rates.requestsPerMinute = 64
        try await withWorld(settings) { world, client in
            let long = [("Content-Type", "application/json"), ("Content-Length", "\(8 << 20)")]
            // As many as may come at once.
            let first = try await client.call(.post, Self.canI, world.alice, headers: long)
            #expect(first.status == .badRequest)
            let left = try #require(first.headers[.rateLimit])
            #expect(left.hasPrefix(#""requests";r="#) && !left.contains("r=31"))
            let second = try await client.call(.post, Self.canI, world.alice, headers: long)
            #expect(second.status == .tooManyRequests && second.headers[.retryAfter] != nil)
            try await client.expect(.badRequest, .post, Self.canI, world.bob, headers: long)
        }
    }

    /// `goodJob`, so many bytes long.
    private static func job(bytes: Int) -> String {
        goodJob + String(repeating: " ", count: bytes - goodJob.utf8.count)
    }

    /// Bodies take room until their requests are over: of one person's, and of all together.
    @Test func bytesUnderWayAreLimited() async throws {
        var settings = WorldSettings()
        let bodies = ConcurrencyLimiter(limit: 1000, all: 1500)
        settings.bodies = bodies
        try await withWorld(settings) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksSubmit = latch }
            defer { latch.open() }
            let (path, job) = ("/v1/clusters/demo/jobs", Self.job(bytes: 700))
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                group.addTask { try await client.call(.post, path, world.alice, body: job).status }
                try await eventually("alice's is under way") { world.queue.now.submits.count == 1 }
                let more = try await client.call(.post, Self.canI, world.alice, body: job)
                #expect(more.status == .tooManyRequests && more.headers[.retryAfter] == "1")
                #expect(try more.problem.detail.contains("1000 bytes of one person"))
                let short = Self.job(bytes: 200)
                try await client.expect(.ok, .post, Self.canI, world.alice, body: short)
                group.addTask { try await client.call(.post, path, world.bob, body: job).status }
                try await eventually("bob's is under way") { world.queue.now.submits.count == 2 }
                try await client.expect(.tooManyRequests, .post, Self.canI, world.dana, body: job)
                try await client.expect(.ok, .get, "/v1/me", world.dana)
                latch.open()
                for try await status in group { #expect(status == .created) }
            }
            #expect(bodies.count == 0)
            try await client.expect(.ok, .post, Self.canI, world.alice, body: job)
        }
    }

    private static let alice = Principal(
        person: PersonID(rawValue: 1), subject: Subject(issuer: "https://provider.example", subject: "alice"),
        displayName: "alice",
        account: Account(name: UserName(unchecked: "alice"), uid: UserID(rawValue: 20_001)!),  // one that people get
        groups: [], role: .researcher, session: OpaqueID(rawValue: String(repeating: "A", count: 22))!)  // a valid id

    /// Four requests at once.
    private static func limits(bodies: Int) -> PersonLimits {
        PersonLimits(
            requests: RateLimiter(burst: 4, perSecond: 0.001, capacity: 10),
            concurrent: ConcurrencyLimiter(limit: 10), bodies: ConcurrencyLimiter(limit: bodies), since: .now)
    }

    /// One whose length is not told.
    private static func chunked(_ pieces: AsyncStream<ByteBuffer>) -> Request {
        Request(
            head: HTTPRequest(
                method: .post, scheme: "http", authority: "localhost", path: "/",
                headerFields: [.transferEncoding: "chunked"]),
            body: RequestBody(asyncSequence: pieces))
    }

    /// It is refused while it comes: this one has no end.
    @Test(arguments: [(bodies: 1 << 30, counted: 2), (bodies: 2 * BodyAllowance.unit, counted: 0)])
    func aBodyThatGrowsIsCountedAsItGrows(bodies: Int, counted: Int) async throws {
        let limits = Self.limits(bodies: bodies)
        // Two more may come.
        #expect(limits.charge(counted, to: Self.alice, RequestNotes()))
        var context = makeContext()
        let allowance = BodyAllowance(limits, Self.alice, context.notes)
        context.signIn(Self.alice, allowance)
        let (stream, pieces) = AsyncStream<ByteBuffer>.makeStream()
        defer { pieces.finish() }
        for _ in 0..<4 { pieces.yield(ByteBuffer(repeating: 0x20, count: BodyAllowance.unit)) }
        let (request, asked) = (Self.chunked(stream), context)
        let error = await #expect(throws: SallyError.self) {
            _ = try await request.bytes(limit: GatewayServer.bodyLimit, asked)
        }
        #expect(error?.code == .rateLimited)
        #expect(limits.bodies.count >= 2 * BodyAllowance.unit)
        allowance.leave()
        #expect(limits.bodies.count == 0 && limits.bodies.people == 0)
    }

    @Test func aBodyHasToComeInTime() async throws {
        let channel = NIOAsyncTestingChannel()
        try await channel.connect(to: SocketAddress(unixDomainSocketPath: "/nowhere")).get()
        try #require(channel.isActive)
        let (stream, pieces) = AsyncStream<ByteBuffer>.makeStream()
        defer { pieces.finish() }
        pieces.yield(ByteBuffer(string: "{"))
        let (request, context) = (Self.chunked(stream), makeContext(channel))
        let error = await #expect(throws: SallyError.self) {
            _ = try await request.bytes(limit: 100, context, within: .milliseconds(10))
        }
        #expect(error?.code == .invalidRequest && error?.message.contains("did not come within") == true)
        try await eventually("the connection is ended") { !channel.isActive }
    }
}
