// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import SallyModel
import SallyTestSupport
import SallyWire
import Synchronization
import Testing

@testable import SallyConfig
@testable import SallyGateway

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Keeps what is written until a test says that the reader took it.
private final class Clog: ChannelOutboundHandler {
    typealias OutboundIn = HTTPResponsePart
    private var kept: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { kept.append(promise) }
    }

    func flush(context: ChannelHandlerContext) {}

    func takeOne() {
        if !kept.isEmpty { kept.removeFirst().succeed() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        for promise in kept { promise.fail(ChannelError.ioOnClosedChannel) }
        kept = []
    }
}

/// A connection, with a clock that the test moves.
private final class Connection {
    let channel = EmbeddedChannel()
    let clog = Clog()
    private let held = Held()

    /// What is held for the reader, in bytes.
    private final class Held: Sendable {
        let bytes = Mutex(1000)
    }

    /// How an answer ended: whether it was taken; nil as long as it is not off our hands.
    final class Ending: Sendable {
        let state = Mutex<Bool?>(nil)
        var isTaken: Bool? { state.withLock { $0 } }
    }

    init() throws {
        let delivery = AnswerDelivery(
            patience: .seconds(8), held: { [held] _ in held.bytes.withLock { $0 } },
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try channel.pipeline.syncOperations.addHandlers([clog, delivery])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/nowhere")).wait()
    }

    var isOpen: Bool { channel.isActive }

    func hold(_ more: Int) { held.bytes.withLock { $0 += more } }

    func end() throws { _ = try channel.finish(acceptAlreadyClosed: true) }

    func write(_ parts: HTTPResponsePart...) {
        for part in parts { channel.write(part, promise: nil) }
        channel.flush()
    }

    func pass(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    /// Of the answer that is written next.
    func follow() -> Ending {
        let ending = Ending()
        let promise = channel.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenSuccess { ending.state.withLock { $0 = true } }
        promise.futureResult.whenFailure { _ in ending.state.withLock { $0 = false } }
        channel.triggerUserOutboundEvent(AnswerDelivery.Follows(), promise: promise)
        return ending
    }

    static let some = HTTPResponsePart.body(ByteBuffer(string: "data"))
}

/// Where a test fails its values are shown with all that they hold, and a pipeline cannot be.
extension Connection: CustomReflectable {
    var customMirror: Mirror { Mirror(self, children: []) }
}

@Suite struct AnswerDeliveryTests {
    @Test func aReaderThatTakesNothingIsCutOff() throws {
        let connection = try Connection()
        connection.write(Connection.some, .end(nil))
        connection.pass(7)
        #expect(connection.isOpen)
        connection.pass(2)
        #expect(!connection.isOpen)
    }

    @Test func aReaderThatTakesSomeBytesIsSlowAndServed() throws {
        let connection = try Connection()
        connection.write(Connection.some, .end(nil))
        for _ in 0..<20 {
            connection.pass(6)
            connection.hold(-1)
        }
        #expect(connection.isOpen)
        connection.pass(12)
        #expect(!connection.isOpen)
    }

    /// Events that come as fast as they are taken: what is held never gets less.
    @Test func aReaderThatTakesEventsIsServed() throws {
        let connection = try Connection()
        connection.write(Connection.some)
        for _ in 0..<20 {
            connection.pass(6)
            connection.write(Connection.some)
            connection.clog.takeOne()
        }
        #expect(connection.isOpen)
        // New ones do not help who takes none.
        for _ in 0..<3 {
            connection.pass(4)
            connection.write(Connection.some)
        }
        #expect(!connection.isOpen)
    }

    /// What was taken before more was written is not hidden by it.
    @Test func whatIsTakenBetweenTwoEventsCounts() throws {
        let connection = try Connection()
        connection.write(Connection.some)
        for _ in 0..<20 {
            connection.pass(1)
            connection.hold(-10)
            connection.write(Connection.some)
            connection.hold(10)
            connection.pass(1)
        }
        #expect(connection.isOpen)
        try connection.end()
    }

    @Test func aConnectionOnWhichNothingWaitsStays() throws {
        let connection = try Connection()
        connection.write(.head(HTTPResponse(status: .ok)), Connection.some)
        connection.clog.takeOne()
        connection.pass(3600)
        #expect(connection.isOpen)
        try connection.end()
    }

    @Test func anAnswerIsDeliveredWhenItsEndIsTaken() throws {
        let connection = try Connection()
        let first = connection.follow()
        connection.write(.head(HTTPResponse(status: .ok)), Connection.some, .end(nil))
        let second = connection.follow()
        connection.clog.takeOne()
        #expect(first.isTaken == nil)
        connection.clog.takeOne()
        #expect(first.isTaken == true && second.isTaken == nil)
        connection.write(.head(HTTPResponse(status: .ok)), .end(nil))
        let third = connection.follow()
        #expect(second.isTaken == nil)
        try connection.end()
        // Neither comes any more.
        #expect(second.isTaken == false && third.isTaken == false)
    }
}

/// A client that reads only when it is told to.
private final class LazyClient {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = try connectPlainly(path)
    }

    deinit { close(descriptor) }

    /// - Parameter header: one more.
    func get(_ path: String, _ token: String, _ header: String = "Connection: close") {
        let text = "GET \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n\(header)\r\n\r\n"
        #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
    }

    /// Whether the gateway has ended the connection, which is told whatever was not read yet.
    var isEnded: Bool {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&entry, 1, 0) > 0 && Int32(entry.revents) & Int32(POLLHUP) != 0
    }

    /// All that comes until the end.
    func readAll() -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { return all }
            all += piece.prefix(count)
        }
    }
}

/// The same over a real socket: a list of some megabytes, which no socket's buffer holds.
@Suite struct UnreadAnswerTests {
    static let path = "/v1/clusters/demo/jobs?limit=10000"

    private func withServer(
        patience: Duration, _ body: @Sendable (World, String) async throws -> Void
    ) async throws {
        var settings = WorldSettings()
        settings.rates.concurrentRequests = 1
        settings.before = { queue in
            queue.change { state in
                state.jobs = (UInt32(1)...10_000).map { number -> QueuedJob in
                    var job = makeJob(number, UserName(unchecked: "alice"))
                    job.view.name = String(repeating: "long", count: 100)
                    return job
                }
            }
        }
        try await withWorld(settings) { world, _ in
            try await withScratchFolder { folder in
                let socket = "\(folder)/socket"
                let listener = try world.server.application(listen: .unixSocket(path: socket), patience: patience)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await listener.run() }
                    defer { group.cancelAll() }
                    try await eventually("the gateway listens") {
                        (try? LazyClient(socket)) != nil  // not yet
                    }
                    try await body(world, socket)
                }
            }
        }
    }

    /// Alice's status for something small.
    private func status(_ world: World, _ socket: String) throws -> String {
        let client = try LazyClient(socket)
        client.get("/v1/me", world.alice)
        return String(decoding: client.readAll().prefix(12), as: UTF8.self)
    }

    /// One that gets events, too.
    @Test(arguments: [Self.path, "/v1/clusters/demo/job-events"])
    func aClientThatDoesNotReadIsCutOffAndItsSeatIsFree(path: String) async throws {
        try await withServer(patience: .seconds(1)) { world, socket in
            let client = try LazyClient(socket)
            client.get(path, world.alice, "Accept: */*")
            try await eventually("the connection is ended") { client.isEnded }
            let came = client.readAll().count
            #expect(came > 1000 && came < 2_000_000)
            try await eventually("the seat is free") { try status(world, socket) == "HTTP/1.1 200" }
            try await eventually("nobody watches") { world.cluster.keeper.watcherCount == 0 }
        }
    }

    @Test func aSeatIsTakenUntilTheAnswerIsRead() async throws {
        try await withServer(patience: .seconds(3600)) { world, socket in
            let client = try LazyClient(socket)
            client.get(Self.path, world.alice)
            try await eventually("the answer is made") {
                world.server.dependencies.metrics.render().contains("/jobs\",status=\"200\"} 1")
            }
            #expect(try status(world, socket) == "HTTP/1.1 429")
            #expect(client.readAll().count > 4_000_000)
            try await eventually("the seat is free") { try status(world, socket) == "HTTP/1.1 200" }
        }
    }
}
