// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyModel
import SallyTestSupport
import SallyWire
import StrictJSON
import Synchronization
import Testing

@testable import SallyGateway

/// Events as a client reads them.
private final class Heard: Sendable {
    struct Event: Equatable {
        var name: String
        var data: String
        var id: String?
    }

    private let text = Mutex("")
    private let ended = Mutex(false)

    func end() { ended.withLock { $0 = true } }
    var hasEnded: Bool { ended.withLock { $0 } }

    func write(_ bytes: ByteBuffer) { text.withLock { $0 += String(buffer: bytes) } }

    var all: String { text.withLock { $0 } }

    var events: [Event] {
        all.components(of: "\n\n").compactMap { block in
            var event = Event(name: "", data: "")
            for line in block.split(separator: "\n") {
                if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { event.data += line.dropFirst(6) }
                if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
            }
            return event.data.isEmpty ? nil : event
        }
    }
}

extension String {
    fileprivate func components(of separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts
    }
}

@Suite struct JobWatchTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in queue.change { $0.jobs = [makeJob(1, alice), makeJob(2, bob)] } }
        return settings
    }

    /// Submitted through us: shown at once, and in the queue when it is read.
    private static func add(_ job: QueuedJob, _ world: World) {
        world.queue.change { $0.jobs.append(job) }
        world.cluster.keeper.show(job)
    }

    private static func listen(_ watch: JobWatch, _ heard: Heard) async throws {
        var watch = watch
        while let text = try await watch.next() { heard.write(text) }
    }

    /// Watches as Alice while `body` runs.
    private static func watching<Result>(
        _ world: World, last: String? = nil, job: JobID? = nil, _ body: (Heard) async throws -> Result
    ) async throws -> Result {
        let principal = try await world.server.dependencies.reader.principal(of: Secret(world.alice))
        var generator = SystemRandomNumberGenerator()
        let watch = try await world.cluster.jobs.watch(
            job, after: last, for: principal, sessions: world.server.dependencies.reader,
            request: OpaqueID.random(using: &generator))
        let heard = Heard()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listen(watch, heard) }
            defer { group.cancelAll() }
            let result = try await body(heard)
            return result
        }
    }

    @Test func tellsWhatChangesAmongOnesOwn() async throws {
        try await withWorld(Self.settings) { world, _ in
            try await Self.watching(world) { heard in
                try await eventually("all jobs come first") { !heard.events.isEmpty }
                let first = try #require(heard.events.first)
                #expect(first.name == "jobs" && first.id != nil)
                #expect(
                    try StrictDecoder.decode(JobList.self, from: Array(first.data.utf8)).jobs.map(\.job.rawValue) == [1]
                )
                Self.add(makeJob(9, Self.alice), world)
                Self.add(makeJob(10, Self.bob), world)
                try await eventually("the new one") { heard.events.count > 1 }
                #expect(heard.events[1].name == "job" && heard.events[1].data.contains(#""job":9"#))
                #expect(heard.events[1].id != first.id)
                world.queue.change { $0.jobs = [makeJob(9, Self.alice, state: "RUNNING"), makeJob(2, Self.bob)] }
                try await eventually("one runs, one is gone") {
                    heard.events.contains { $0.name == "gone" && $0.data == #"{"job":1,"id":"1"}"# }
                        && heard.events.contains { $0.name == "job" && $0.data.contains("RUNNING") }
                }
                #expect(!heard.all.contains("bob"))
            }
        }
    }

    @Test func whoMissedNothingGetsNothing() async throws {
        try await withWorld(Self.settings) { world, _ in
            let id = try await Self.watching(world) { heard in
                try await eventually("the first") { !heard.events.isEmpty }
                return try #require(heard.events.first?.id)
            }
            try await Self.watching(world, last: id) { heard in
                try await eventually("it has begun") { heard.all.hasPrefix("retry: ") }
                Self.add(makeJob(9, Self.alice), world)
                try await eventually("what is new") { !heard.events.isEmpty }
                #expect(heard.events[0].name == "job" && heard.events[0].data.contains(#""job":9"#))
            }
            // Something was missed: all of it comes.
            try await Self.watching(world, last: id) { heard in
                try await eventually("all") { !heard.events.isEmpty }
                #expect(heard.events[0].name == "jobs" && heard.events[0].data.contains(#""job":9"#))
            }
        }
    }

    @Test func oneJobCanBeWatchedAlone() async throws {
        try await withWorld(Self.settings) { world, _ in
            Self.add(makeJob(9, Self.alice), world)
            try await Self.watching(world, job: JobID(rawValue: 9)) { heard in
                try await eventually("the job") { !heard.events.isEmpty }
                #expect(heard.events[0].data.contains(#""job":9"#) && !heard.events[0].data.contains(#""job":1,"#))
            }
        }
    }

    /// Watches as Alice until it ends by itself. `body` runs when it has begun.
    private static func watchingToTheEnd(_ world: World, _ body: () async throws -> Void) async throws -> Heard {
        let reader = world.server.dependencies.reader
        let principal = try await reader.principal(of: Secret(world.alice))
        var watch: JobWatch?
        try await eventually("it begins") {
            var generator = SystemRandomNumberGenerator()
            watch = try? await world.cluster.jobs.watch(  // not while what was read is too old
                nil, after: nil, for: principal, sessions: reader, request: OpaqueID.random(using: &generator))
            return watch != nil
        }
        let heard = Heard()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let began = try #require(watch)
            watch = nil
            group.addTask {
                try await listen(began, heard)
                heard.end()
            }
            defer { group.cancelAll() }
            try await eventually("it has begun") { !heard.events.isEmpty }
            try await body()
            try await eventually("it ends by itself") { heard.hasEnded }
        }
        #expect(world.cluster.keeper.watcherCount == 0)
        return heard
    }

    /// Rule 4: who is revoked is told nothing more, though the connection was there before.
    @Test func endsWithTheSession() async throws {
        try await withWorld(Self.settings) { world, client in
            let heard = try await Self.watchingToTheEnd(world) {
                try await client.expect(.ok, .post, "/v1/admin/identities/alice/revoke", world.dana)
                Self.add(makeJob(9, Self.alice), world)
            }
            #expect(!heard.all.contains(#""job":9"#))
        }
    }

    /// The session lives on; what it is allowed is as of now.
    @Test func endsWhenThePersonHasLostTheGroup() async throws {
        try await withWorld(Self.settings) { world, _ in
            let heard = try await Self.watchingToTheEnd(world) {
                _ = try await World.signIn("alice", ["others"], world.identities, world.sessions)
                Self.add(makeJob(9, Self.alice), world)
            }
            #expect(!heard.all.contains(#""job":9"#))
        }
    }

    @Test func endsWhenWhatIsKnownIsTooOld() async throws {
        var settings = Self.settings
        settings.staleLimit = .seconds(3)
        try await withWorld(settings) { world, _ in
            let heard = try await Self.watchingToTheEnd(world) {
                world.queue.change { $0.failure = SallyError(.unavailable, "away") }
            }
            let last = try #require(heard.events.last)
            // It stands for nothing that is known: who comes back is told what has changed since.
            #expect(last.name == "age" && last.data.contains(#""stale":true"#) && last.id == nil, "\(heard.all)")
        }
    }

    @Test func saysWhenSlurmIsAwayAndBack() async throws {
        try await withWorld(Self.settings) { world, _ in
            try await Self.watching(world) { heard in
                try await eventually("the first") { !heard.events.isEmpty }
                world.queue.change { $0.failure = SallyError(.unavailable, "away") }
                try await eventually("it is away") {
                    heard.events.contains { $0.name == "age" && $0.data.contains(#""stale":true"#) }
                }
                world.queue.change { $0.failure = nil }
                try await eventually("it is back") {
                    heard.events.contains { $0.name == "age" && $0.data.contains(#""stale":false"#) }
                }
            }
        }
    }

    /// For as long as the answer is there; and no proxy is to hold back what is written.
    @Test func aConnectionTakesASeat() async throws {
        try await withWorld(Self.settings) { world, _ in
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            let seats = WatchSeats(each: 1, all: 10)
            let sessions = world.server.dependencies.reader
            let router = Router(context: GatewayContext.self)
            JobRoutes(
                clusters: ClusterTable([world.cluster]), seats: seats, outputSeats: OutputSeats(), sessions: sessions
            ).add(to: router)
            let responder = router.buildResponder()
            let alice = try await sessions.principal(of: Secret(world.alice))
            let limits = PersonLimits(
                requests: RateLimiter(burst: 4, perSecond: 1, capacity: 10), concurrent: ConcurrencyLimiter(limit: 10),
                bodies: BodyAllowance.seats(), since: .now)
            var context = makeContext()
            context.signIn(alice, BodyAllowance(limits, alice, context.notes))
            let (signedIn, path) = (context, "/v1/clusters/demo/job-events")
            func connect() async throws -> Response {
                let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: path)
                return try await responder.respond(
                    to: Request(head: head, body: RequestBody(buffer: ByteBuffer())), context: signedIn)
            }
            var first: Response? = try await connect()
            #expect(first?.status == .ok && seats.count == 1)
            #expect(first?.headers[HTTPField.Name("X-Accel-Buffering")!] == "no")  // a valid name
            let error = await #expect(throws: SallyError.self) { _ = try await connect() }
            #expect(error?.code == .rateLimited)
            first = nil
            #expect(seats.count == 0)
            first = try await connect()
            #expect(first?.status == .ok && seats.count == 1)
        }
    }

    @Test func isForWhoMayReadAndForSoManyAtOnce() async throws {
        try await withWorld(Self.settings) { world, client in
            try await client.expect(.unauthorized, .get, "/v1/clusters/demo/job-events")
            try await client.expect(.forbidden, .get, "/v1/clusters/demo/job-events", world.dana)
            try await client.expect(.badRequest, .get, "/v1/clusters/demo/job-events?job=x", world.alice)
        }
        let seats = WatchSeats(each: 2, all: 3)
        let (a, b) = (PersonID(rawValue: 1), PersonID(rawValue: 2))
        var held = [try seats.take(a), try seats.take(a)]
        #expect(throws: SallyError.self) { try seats.take(a) }
        held.append(try seats.take(b))
        #expect(throws: SallyError.self) { try seats.take(b) }
        #expect(held.count == seats.count)
        held = []
        #expect(seats.count == 0)
        #expect(throws: Never.self) { try seats.take(a) }
    }
}
