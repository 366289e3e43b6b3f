// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import SlurmModel

/// Watches a job array until the end of every task is known.
///
/// The tasks' outputs are not mixed into one: `sally logs NUMBER` prints that of a task.
struct ArrayFollower {
    /// Looks at accounting after the queue has no task any more: its ends come a moment later.
    private static let lateLooks = 20

    let follower: Follower
    let job: JobID
    let tasks: Set<Int>
    let here: Surroundings

    /// - Parameter ended: told of each task, or range of tasks that never began, once.
    /// - Returns: the worst exit status of all tasks.
    /// - Throws: `SallyError(.unavailable)` when the ends of some cannot be learned.
    func follow(_ ended: (JobView) throws -> Void) async throws -> Int32 {
        let since = here.clock.now - .seconds(60)
        var left = tasks
        var said: [String: String] = [:]
        var worst: Int32 = 0
        var late = 0
        var queued: Set<String> = []
        var pause = Pause()
        while true {
            let mine = try await list(nil).filter { !$0.hasEnded }
            for job in mine {
                guard let text = Follower.saying(job), said[job.displayID] != text else { continue }
                said[job.displayID] = text
                try here.say(text)
                pause.reset()
            }
            let now = Set(mine.map(\.displayID))
            // Accounting is asked only when something left the queue.
            if !queued.subtracting(now).isEmpty || mine.isEmpty {
                for job in try await list(since) where job.hasEnded {
                    let indexes = Self.indexes(job.displayID).intersection(left)
                    guard !indexes.isEmpty else { continue }
                    left.subtract(indexes)
                    worst = max(worst, job.exitCode)
                    if let text = Follower.saying(job) { try here.say("\(text) (number \(job.job))") }
                    try ended(job)
                }
            }
            queued = now
            if left.isEmpty { return worst }
            if mine.isEmpty {
                late += 1
                guard late < ArrayFollower.lateLooks else { throw unknown(left) }
            } else {
                late = 0
            }
            // While tasks are in the queue it says what happens to them; accounting has to be asked.
            if mine.isEmpty {
                try await here.sleep(pause.next())
            } else {
                try await follower.waitForNews(of: job, orAfter: pause.next())
            }
        }
    }

    private func list(_ since: Timestamp?) async throws -> [JobView] {
        let asked = JobListing(all: since != nil, since: since, array: job)
        var jobs: [JobView] = []
        var cursor: String?
        repeat {
            let path = asked.path(follower.cluster, after: cursor)
            let page: JobList = try await follower.patiently { try await follower.gateway.get(path) }
            jobs += page.jobs
            cursor = page.next
        } while cursor != nil
        return jobs.filter { $0.displayID.hasPrefix("\(job)_") || $0.job == job }
    }

    /// Of `123_4`, and of `123_[5-9%2]`, tasks that never became jobs of their own.
    static func indexes(_ displayID: String) -> Set<Int> {
        guard let bar = displayID.firstIndex(of: "_") else { return [] }
        let text = displayID[displayID.index(after: bar)...].filter { $0 != "[" && $0 != "]" }
        return (try? ArraySpec(text))?.indexes ?? []  // what cannot be read is no end that is known
    }

    private func unknown(_ left: Set<Int>) -> SallyError {
        let some = left.sorted().prefix(5).map { "\(job)_\($0)" }.joined(separator: ", ")
        return SallyError(
            .unavailable,
            "how \(left.count) task\(left.count == 1 ? "" : "s") of job \(job) ended is not known: \(some)",
            hint: "look later with `sally jobs --array \(job) --all`")
    }
}
