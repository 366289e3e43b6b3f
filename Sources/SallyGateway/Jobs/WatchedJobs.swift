// SPDX-License-Identifier: Apache-2.0

import SallyWire

/// One person's jobs at one moment, and what differs from those before. Immutable: everybody who watches them shares it.
final class WatchedJobs: Sendable {
    /// In the order of job ids.
    let jobs: [QueuedJob]
    /// Of all of them.
    let tag: String
    /// From 1, and one more than that of the value before.
    private let number: Int
    private let news: News
    private let byName: [String: QueuedJob]

    /// What somebody has to be told who knows an older value.
    struct News: Sendable {
        /// New, or not shown as they were.
        var changed: [QueuedJob] = []
        /// Not there any more, as they were.
        var gone: [QueuedJob] = []
    }

    /// - Parameter old: the value before; nil for the first.
    init(_ jobs: [QueuedJob], after old: WatchedJobs?) {
        let byName = Dictionary(jobs.map { ($0.view.displayID, $0) }) { first, _ in first }
        self.jobs = jobs
        self.byName = byName
        tag = WatchedJobs.tag(jobs)
        number = (old?.number ?? 0) + 1
        news = old.map { WatchedJobs.news(since: $0.byName, jobs, byName) } ?? News()
    }

    /// Whether these are shown as the same.
    func shows(_ other: [QueuedJob]) -> Bool {
        jobs.count == other.count && zip(jobs, other).allSatisfy { $0.isShown(like: $1) }
    }

    /// - Precondition: `old` is of the same person.
    func news(since old: WatchedJobs) -> News {
        if old === self { return News() }
        return old.number == number - 1 ? news : WatchedJobs.news(since: old.byName, jobs, byName)
    }

    private static func news(
        since old: [String: QueuedJob], _ jobs: [QueuedJob], _ byName: [String: QueuedJob]
    ) -> News {
        News(
            changed: jobs.filter { old[$0.view.displayID]?.isShown(like: $0) != true },
            gone: old.values.filter { byName[$0.view.displayID] == nil }
                .sorted { $0.view.displayID < $1.view.displayID })
    }

    /// Equal for equal jobs.
    static func tag(_ jobs: [QueuedJob]) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(jobs.reduce(0) { $0 + $1.json.count })
        for job in jobs { bytes += job.json }
        return String(JobPage.tag(bytes).dropFirst().dropLast())
    }
}
