// SPDX-License-Identifier: Apache-2.0

import NIOCore
import SallyModel
import SallyPolicy
import SallyWire
import ServiceLifecycle
import StrictJSON

/// Tells one person, for as long as the connection lasts, what changes among the own jobs: server-sent events (WHATWG HTML,
/// section 9.2). It is cut out of the snapshot, like every answer: however many watch, Slurm is asked no more.
///
/// The id of an event is the tag of all that the client knows after it. Who comes back with it (`Last-Event-ID`) and has missed
/// nothing gets nothing; everybody else gets all jobs first. So nothing has to be remembered, and any gateway process will do.
struct JobWatch: Sendable {
    private let cluster: ClusterName
    private let gate: Gate
    private let sessions: any SessionReader
    private let keeper: QueueKeeper
    private let staleLimit: Duration
    private let principal: Principal
    private let request: OpaqueID
    private let job: JobID?
    private let last: String?
    private let watcher: QueueWatcher
    private let end = ContinuousClock.now + JobWatch.longest
    private var told: Told?
    private var written: ContinuousClock.Instant?
    private var isOver = false

    /// - Parameters:
    ///   - staleLimit: what was read longer ago is not told.
    ///   - principal: whose session it is; what the person may now is read again before anything is told.
    ///   - job: only this job, or the tasks of this array.
    ///   - last: the client's `Last-Event-ID`.
    init(
        cluster: ClusterName, gate: Gate, sessions: any SessionReader, keeper: QueueKeeper, staleLimit: Duration,
        principal: Principal, request: OpaqueID, job: JobID?, last: String?
    ) {
        self.cluster = cluster
        self.gate = gate
        self.sessions = sessions
        self.keeper = keeper
        self.staleLimit = staleLimit
        self.principal = principal
        self.request = request
        self.job = job
        self.last = last
        // Before the first look, so that nothing is missed between the two.
        watcher = keeper.watch(principal.account.name)
    }

    /// Something is written at least so often, so that both sides notice when the other is gone.
    static let heartbeat = Duration.seconds(15)
    /// Session, person and age are looked at so often even while nothing changes.
    private static let look = Duration.seconds(5)
    /// What happens within so long is told together.
    private static let gathering = Duration.milliseconds(200)
    /// A client comes back after that, with a new token.
    private static let longest = Duration.seconds(600)

    /// What the client knows.
    private struct Told {
        var jobs: WatchedJobs
        var tag: String
        var isStale: Bool
    }

    /// What is to be written next. Nil when the session has ended, the person may not look any more, what is known is too old, the
    /// gateway stops, or it was long enough.
    mutating func next() async throws -> ByteBuffer? {
        guard !isOver else { return nil }
        guard let before = written else {
            written = .now
            return ByteBuffer(string: "retry: 2000\n\n")
        }
        while true {
            if told != nil { try await wait() }
            guard ContinuousClock.now < end, !Task.isShuttingDownGracefully, try await isPermitted() else { return nil }
            // The jobs first: they are no older than this then says.
            let jobs = await watcher.jobs()
            let snapshot = keeper.latest
            guard !snapshot.isOlder(than: staleLimit) else {
                isOver = true
                return age(of: snapshot, isStale: true)
            }
            let news = news(jobs, snapshot)
            told = news.told
            if news.text.readableBytes > 0 {
                written = .now
                return news.text
            }
            if before.duration(to: .now) >= JobWatch.heartbeat {
                written = .now
                return ByteBuffer(string: ":\n\n")
            }
        }
    }

    private func wait() async throws {
        let bell = watcher.bell
        await withGracefulShutdownHandler {
            await bell.wait(upTo: JobWatch.look)
        } onGracefulShutdown: {
            bell.ring()
        }
        try await Task.sleep(for: JobWatch.gathering)
    }

    /// As of now, on the disk: the session, the person's groups, and what policy says of them. What was taken away a moment ago is
    /// told nothing more.
    private func isPermitted() async throws -> Bool {
        let owner = principal.account.name
        do {
            let now = try await sessions.current(principal)
            guard now.account.name == owner else { return false }
            _ = try await gate.authorize(
                ReadOwnJobs(cluster: cluster, owner: owner), by: now, request: request.rawValue)
            return true
        } catch let error as SallyError where error.code == .unauthenticated || error.code == .denied {
            return false
        }
    }

    private func news(_ jobs: WatchedJobs, _ snapshot: QueueSnapshot) -> (told: Told, text: ByteBuffer) {
        let isStale = keeper.failure != nil
        var now = Told(jobs: jobs, tag: jobs.tag, isStale: isStale)
        var text = ByteBuffer()
        if let told {
            let news = jobs.news(since: told.jobs)
            let (changed, gone) = (news.changed.filter(isMeant), news.gone.filter(isMeant))
            for job in changed { event(.job, job.json, into: &text) }
            for job in gone {
                event(.gone, encoded(JobGone(job: job.id, displayID: job.view.displayID)), into: &text)
            }
            if job != nil {
                now.tag = changed.isEmpty && gone.isEmpty ? told.tag : WatchedJobs.tag(jobs.jobs.filter(isMeant))
            }
        } else {
            let meant = job == nil ? jobs.jobs : jobs.jobs.filter(isMeant)
            if job != nil { now.tag = WatchedJobs.tag(meant) }
            if last != now.tag { event(.jobs, Array(JobPage.whole(meant).readableBytesView), into: &text) }
        }
        if told.map({ $0.isStale != isStale }) ?? isStale {
            text.writeImmutableBuffer(age(of: snapshot, isStale: isStale))
        }
        // An id by itself is no event, and counts from here on: only now does the client know all of it.
        if text.readableBytes > 0 { text = withID(now.tag, text) }
        return (now, text)
    }

    private func isMeant(_ other: QueuedJob) -> Bool { job.map { other.base == $0 || other.id == $0 } ?? true }

    private func age(of snapshot: QueueSnapshot, isStale: Bool) -> ByteBuffer {
        var text = ByteBuffer()
        event(.age, encoded(QueueAge(age: snapshot.age, stale: isStale)), into: &text)
        return text
    }

    /// The last of the events carries the id: who is cut off between them has not seen all.
    private func withID(_ tag: String, _ events: ByteBuffer) -> ByteBuffer {
        var text = ByteBuffer()
        text.writeImmutableBuffer(events.getSlice(at: 0, length: events.readableBytes - 1) ?? events)
        text.writeString("id: \(tag)\n\n")
        return text
    }

    private func event(_ name: JobEventName, _ data: [UInt8], into text: inout ByteBuffer) {
        text.writeString("event: \(name.rawValue)\ndata: ")
        // JSON without white space has no line breaks.
        text.writeBytes(data)
        text.writeStaticString("\n\n")
    }

    private func encoded(_ value: some Encodable) -> [UInt8] {
        // Numbers and text of a fixed shape: encoding cannot fail.
        (try? StrictEncoder.encode(value)) ?? Array("{}".utf8)  // see above
    }
}

/// How many may watch at once, each person and all together.
struct WatchSeats: Sendable {
    private let limiter: ConcurrencyLimiter

    init(each: Int = 10, all: Int = 2000) {
        limiter = ConcurrencyLimiter(limit: each, all: all)
    }

    /// - Throws: `.rateLimited` when there is no seat.
    func take(_ person: PersonID) throws -> PersonSeat {
        try limiter.seat(
            person,
            or: SallyError(
                .rateLimited, "too many watch already: \(limiter.limit) connections each, \(limiter.all) in all",
                hint: "end another `sally jobs --watch`, or ask for the list"))
    }

    var count: Int { limiter.count }
}
