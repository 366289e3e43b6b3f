// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallySocket

/// Where jobs write, as Slurm said while it knew them. Bounded: what is older than an age or too many is forgotten, and the
/// file is written anew when half of it is of no use. After a crash there is the old file or the new one.
struct JobMemory: Sendable {
    private let path: String
    private let bounds: Bounds
    private var log: DurableLog?
    private var jobs: [Key: Known] = [:]
    /// Lines in the file.
    private var lines = 0
    private var lookedAt: Timestamp

    struct Bounds: Sendable {
        /// Since the job was seen first in the queue.
        var age: Duration
        var count: Int

        /// Longer than anybody asks for output by number, and some 20 MB.
        static let usual = Bounds(age: .seconds(90 * 86400), count: 50_000)
    }

    private struct Key: Hashable, Sendable {
        var cluster: ClusterName
        var job: JobID
    }

    private struct Known: Sendable {
        var files: JobFiles
        var seen: Timestamp
    }

    private struct Line: Codable {
        var cluster: ClusterName
        var files: JobFiles
        /// Missing in lines of before.
        var seen: Timestamp?
    }

    /// - Throws: `SallyError(.misconfigured)` for a damaged file; `.conflict` when another process has it.
    init(path: String, bounds: Bounds, now: Timestamp) throws {
        self.path = path
        self.bounds = bounds
        lookedAt = now
        var jobs: [Key: Known] = [:]
        var lines = 0
        log = try DurableLog(path: path) { text, _ in
            let line: Line = try KeepJSON.message(from: text)
            jobs[Key(cluster: line.cluster, job: line.files.job)] = Known(files: line.files, seen: line.seen ?? now)
            lines += 1
        }
        self.jobs = jobs
        self.lines = lines
        try forget(at: now)
    }

    func files(of job: JobID, on cluster: ClusterName) -> JobFiles? {
        jobs[Key(cluster: cluster, job: job)]?.files
    }

    mutating func remember(_ found: [JobFiles], on cluster: ClusterName, at now: Timestamp) throws {
        for files in found {
            let key = Key(cluster: cluster, job: files.job)
            guard jobs[key]?.files != files else { continue }
            try opened().append(KeepJSON.text(Line(cluster: cluster, files: files, seen: now)))
            jobs[key] = Known(files: files, seen: now)
            lines += 1
        }
        let isLate = abs(now.rawValue - lookedAt.rawValue) >= 3600
        if jobs.count > bounds.count || lines > 2 * max(bounds.count, 16) || isLate { try forget(at: now) }
    }

    /// Leaves room, so that not every job that comes writes the file anew.
    private mutating func forget(at now: Timestamp) throws {
        lookedAt = now
        let oldest = now.rawValue - bounds.age.components.seconds
        var kept = jobs.filter { $0.value.seen.rawValue >= oldest }
        if kept.count > bounds.count {
            let newest = kept.sorted { ($0.value.seen.rawValue, $0.key.job) > ($1.value.seen.rawValue, $1.key.job) }
            kept = Dictionary(uniqueKeysWithValues: newest.prefix(bounds.count - bounds.count / 8).map { ($0, $1) })
        }
        guard kept.count < jobs.count || lines > 2 * max(kept.count, 16) else { return }
        let texts = try kept.sorted { $0.value.seen.rawValue < $1.value.seen.rawValue }.map { key, known in
            try KeepJSON.text(Line(cluster: key.cluster, files: known.files, seen: known.seen))
        }
        jobs = kept
        lines = texts.count
        // What holds the file ends with the old one. Should opening fail, the next line tries again.
        log = nil
        try DurableLog.replace(path, with: texts)
        _ = try opened()
    }

    private mutating func opened() throws -> DurableLog {
        if let log { return log }
        let log = try DurableLog(path: path) { _, _ in }
        self.log = log
        return log
    }
}
