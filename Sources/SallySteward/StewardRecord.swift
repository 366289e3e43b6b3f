// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallySocket
import Synchronization

/// The steward's book on the disk, and the paths of jobs' output that accounting would not give back.
final class StewardRecord: Sendable {
    private let state: Mutex<State>
    private let bookLog: DurableLog

    private struct State {
        var book = StewardBook()
        var jobs: JobMemory
    }

    /// - Throws: `SallyError(.misconfigured)` for damaged files; `.conflict` when another steward has them.
    init(folder: String, bounds: JobMemory.Bounds = .usual, now: Timestamp) throws {
        try DurableFile.makeFolder(folder)
        var book = StewardBook()
        bookLog = try DurableLog(path: folder + "/accounts.log") { text, _ in
            _ = try book.apply(StewardBook.Entry(text))
        }
        let jobs = try JobMemory(path: folder + "/jobs.log", bounds: bounds, now: now)
        self.state = Mutex(State(book: book, jobs: jobs))
    }

    var book: StewardBook { state.withLock { $0.book } }

    func uid(of user: UserName) -> UserID? { state.withLock { $0.book.uids[user] } }

    func state(_ user: UserName, on cluster: ClusterName) -> StewardBook.State? {
        state.withLock { $0.book.state(StewardBook.Place(cluster: cluster, user: user)) }
    }

    /// Writes `entries` down; durable when this returns.
    func write(_ entries: [StewardBook.Entry]) async throws {
        try state.withLock { state in
            for entry in entries {
                var book = state.book
                guard try book.apply(entry) else { continue }
                try bookLog.append(entry.text)
                state.book = book
            }
        }
        try await bookLog.sync()
    }

    func files(of job: JobID, on cluster: ClusterName) -> JobFiles? {
        state.withLock { $0.jobs.files(of: job, on: cluster) }
    }

    /// Remembers where jobs write. Losing the newest of these to a failing machine only means looking again.
    func remember(_ jobs: [JobFiles], on cluster: ClusterName, at now: Timestamp) throws {
        try state.withLock { try $0.jobs.remember(jobs, on: cluster, at: now) }
    }
}
