// SPDX-License-Identifier: Apache-2.0

import NIOCore
import SallyModel
import SallyPolicy
import SallyWire
import ServiceLifecycle
import StrictJSON
import Synchronization

/// Tells one person, for as long as the connection lasts, what changes among the own jobs: server-sent events (WHATWG HTML,
/// section 9.2). It is cut out of the snapshot, like every answer: however many watch, Slurm is asked no more.
///
/// The id of an event is the tag of all that the client knows after it. Who comes back with it (`Last-Event-ID`) and has missed
/// nothing gets nothing; everybody else gets all jobs first. So nothing has to be remembered, and any gateway process will do.
struct JobWatch: Sendable {
    private let cluster: ClusterName
    private let gate: Gate
    private let keeper: QueueKeeper
    private let principal: Principal
    private let request: OpaqueID
    private let job: JobID?
    private let last: String?
    private let watcher: QueueWatcher
    private let end = ContinuousClock.now + JobWatch.longest
    private var told: Told?
    private var written: ContinuousClock.Instant?

    /// - Parameters:
    ///   - job: only this job, or the tasks of this array.
    ///   - last: the client's `Last-Event-ID`.
    init(
        cluster: ClusterName, gate: Gate, keeper: QueueKeeper, principal: Principal, request: OpaqueID, job: JobID?,
        last: String?
    ) {
        self.cluster = cluster
        self.gate = gate
        self.keeper = keeper
        self.principal = principal
        self.request = request
        self.job = job
        self.last = last
        // Before the first look, so that nothing is missed between the two.
        watcher = keeper.watch(principal.account.name)
    }

    /// Something is written at least so often, so that both sides notice when the other is gone.
    static let heartbeat = Duration.seconds(15)
    /// The session is looked at so often even while nothing changes.
    private static let look = Duration.seconds(5)
    /// What happens within so long is told together.
    private static let gathering = Duration.milliseconds(200)
    /// A client comes back after that, with a new token.
    private static let longest = Duration.seconds(600)

    /// What the client knows.
    private struct Told {
        var jobs: [String: QueuedJob]
        var tag: String
        var isStale: Bool
    }

    /// What is to be written next. Nil when the session has ended, the gateway stops, or it was long enough.
    mutating func next() async throws -> ByteBuffer? {
        guard let before = written else {
            written = .now
            return ByteBuffer(string: "retry: 2000\n\n")
        }
        while true {
            if told != nil { try await wait() }
            guard ContinuousClock.now < end, !Task.isShuttingDownGracefully, try await isPermitted() else { return nil }
            let news = news(since: told)
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

    /// As of now, on the disk: what was revoked a moment ago is told nothing more.
    private func isPermitted() async throws -> Bool {
        do {
            _ = try await gate.authorize(
                ReadOwnJobs(cluster: cluster, owner: principal.account.name), by: principal, request: request.rawValue)
            return true
        } catch let error as SallyError where error.code == .unauthenticated || error.code == .denied {
            return false
        }
    }

    private func news(since told: Told?) -> (told: Told, text: ByteBuffer) {
        let snapshot = keeper.snapshot
        var filter = JobFilter()
        filter.owner = principal.account.name
        filter.array = job
        let jobs = snapshot.jobs(filter)
        let now = Told(
            jobs: Dictionary(jobs.map { ($0.view.displayID, $0) }) { first, _ in first },
            tag: JobWatch.tag(jobs), isStale: keeper.failure != nil)
        var text = ByteBuffer()
        if let told {
            for job in jobs where told.jobs[job.view.displayID]?.json != job.json {
                event(.job, job.json, into: &text)
            }
            let gone = told.jobs.filter { now.jobs[$0.key] == nil }.sorted { $0.key < $1.key }
            for (name, job) in gone {
                event(.gone, encoded(JobGone(job: job.id, displayID: name)), into: &text)
            }
        } else if last != now.tag {
            event(.jobs, Array(JobPage(jobs, .everything).body.readableBytesView), into: &text)
        }
        if told.map({ $0.isStale != now.isStale }) ?? now.isStale {
            event(.age, encoded(QueueAge(age: snapshot.age, stale: now.isStale)), into: &text)
        }
        // An id by itself is no event, and counts from here on: only now does the client know all of it.
        if text.readableBytes > 0 { text = withID(now.tag, text) }
        return (now, text)
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

    private static func tag(_ jobs: [QueuedJob]) -> String {
        var bytes: [UInt8] = []
        for job in jobs { bytes += job.json }
        return String(JobPage.tag(bytes).dropFirst().dropLast())
    }
}

extension JobQuery {
    /// All of them, on one page.
    fileprivate static var everything: JobQuery {
        var query = JobQuery()
        query.limit = .max
        return query
    }
}

/// How many may watch at once, each person and all together.
final class WatchSeats: Sendable {
    private let each: Int
    private let all: Int
    private let taken = Mutex<[PersonID: Int]>([:])

    init(each: Int = 10, all: Int = 2000) {
        self.each = each
        self.all = all
    }

    /// A seat, given back when nobody holds it any more.
    ///
    /// - Throws: `.rateLimited` when there is none.
    func take(_ person: PersonID) throws -> WatchSeat {
        let isFree = taken.withLock { taken in
            guard taken[person, default: 0] < each, taken.values.reduce(0, +) < all else { return false }
            taken[person, default: 0] += 1
            return true
        }
        guard isFree else {
            throw SallyError(
                .rateLimited, "too many watch already: \(each) connections each, \(all) in all",
                hint: "end another `sally jobs --watch`, or ask for the list")
        }
        return WatchSeat { [self] in
            taken.withLock { taken in
                let left = taken[person, default: 1] - 1
                taken[person] = left > 0 ? left : nil
            }
        }
    }

    var count: Int { taken.withLock { $0.values.reduce(0, +) } }
}

final class WatchSeat: Sendable {
    private let leave: @Sendable () -> Void

    init(_ leave: @Sendable @escaping () -> Void) { self.leave = leave }

    deinit { leave() }
}
