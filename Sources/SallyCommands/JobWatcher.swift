// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyNetwork
import SallyWire
import Synchronization

/// Follows the person's jobs by the gateway's events. Connections end (the gateway ends each after ten minutes, laptops sleep):
/// the next one says what was heard last, so that nothing is missed and nothing comes twice.
struct JobWatcher {
    let gateway: GatewayClient
    let cluster: ClusterName
    let here: Surroundings

    /// - Parameter job: only this one, or the tasks of this array.
    /// - Throws: what the gateway refuses; it returns only when nobody reads what is shown any more.
    func watch(_ board: JobBoard, _ job: JobID?) async throws {
        let path = Path.jobEvents(cluster) + query(["job": job.map { "\($0)" }])
        var board = board
        var last: String?
        var pause = Pause()
        while true {
            do {
                try await gateway.events(path, after: last) { event in
                    last = event.id ?? last
                    pause.reset()
                    try board.say(nil)
                    try board.take(event)
                    return .more
                }
            } catch let error as SallyError where [.unavailable, .timeout].contains(error.code) {
                try board.say("\(printable(error.message)); trying again, the jobs go on without it")
            }
            try await here.sleep(pause.next())
        }
    }
}

/// Waits until something happens to one job, or to a task of an array.
final class JobNews: Sendable {
    private let gateway: GatewayClient
    private let cluster: ClusterName
    private let here: Surroundings
    private let state = Mutex(State())

    private struct State {
        var last: String?
        var isServed = true
    }

    init(gateway: GatewayClient, cluster: ClusterName, here: Surroundings) {
        self.gateway = gateway
        self.cluster = cluster
        self.here = here
    }

    /// Returns when something has happened since the last time, and after `limit` at the latest. Where the gateway has no events,
    /// or no place for one more to watch, after `pause`.
    func wait(for job: JobID, upTo limit: Duration, orAfter pause: Duration) async throws {
        guard state.withLock({ $0.isServed }) else { return try await here.sleep(pause) }
        do {
            try await withDeadline(limit, "the next event") { [self] in
                let path = Path.jobEvents(cluster) + query(["job": "\(job)"])
                try await gateway.events(path, after: state.withLock { $0.last }) { event in
                    state.withLock { $0.last = event.id ?? $0.last }
                    return .enough
                }
            }
        } catch let error as SallyError where error.code == .timeout {
            return
        } catch let error as SallyError where [.notFound, .unsupported, .rateLimited].contains(error.code) {
            state.withLock { $0.isServed = false }
            try await here.sleep(pause)
        } catch let error as SallyError where error.code == .unavailable {
            try await here.sleep(pause)
        }
    }
}
