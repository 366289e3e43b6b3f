// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallySocket
import Synchronization

/// The steward's book on the disk, and the paths of jobs' output that accounting would not give back.
final class StewardRecord: Sendable {
    private let state: Mutex<State>
    private let bookLog: DurableLog
    private let jobLog: DurableLog

    private struct State {
        var book = StewardBook()
        var jobs: [JobKey: JobFiles] = [:]
    }

    struct JobKey: Hashable, Sendable {
        var cluster: ClusterName
        var job: JobID
    }

    private struct JobLine: Codable {
        var cluster: ClusterName
        var files: JobFiles
    }

    /// - Throws: `SallyError(.misconfigured)` for damaged files; `.conflict` when another steward has them.
    init(folder: String) throws {
        try DurableFile.makeFolder(folder)
        var state = State()
        bookLog = try DurableLog(path: folder + "/accounts.log") { text, _ in
            _ = try state.book.apply(StewardBook.Entry(text))
        }
        jobLog = try DurableLog(path: folder + "/jobs.log") { text, _ in
            let line: JobLine = try KeepJSON.message(from: text)
            state.jobs[JobKey(cluster: line.cluster, job: line.files.job)] = line.files
        }
        self.state = Mutex(state)
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
        state.withLock { $0.jobs[JobKey(cluster: cluster, job: job)] }
    }

    /// Remembers where jobs write. Losing the newest of these to a failing machine only means looking again.
    func remember(_ jobs: [JobFiles], on cluster: ClusterName) throws {
        try state.withLock { state in
            for files in jobs {
                let key = JobKey(cluster: cluster, job: files.job)
                guard state.jobs[key] != files else { continue }
                try jobLog.append(KeepJSON.text(JobLine(cluster: cluster, files: files)))
                state.jobs[key] = files
            }
        }
    }
}
