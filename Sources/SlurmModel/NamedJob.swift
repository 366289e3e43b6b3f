// SPDX-License-Identifier: Apache-2.0

/// What stands in a list of jobs.
package enum NamedJob: Sendable, Hashable {
    case job(JobTarget)
    /// Names no job: see `JobTarget.refusal`.
    case text(String)

    /// In order and each once, however it is spelled; lists of tasks (`123_[1-3]`) are taken apart.
    ///
    /// - Returns: nil for more than `limit` together, and for four times as many with those that are said again.
    package static func all(_ texts: [String], limit: Int) -> [NamedJob]? {
        var found: [NamedJob] = []
        var seen: Set<NamedJob> = []
        var work = 0
        for text in texts {
            guard let meant = one(text, limit: limit) else { return nil }
            // What is said again is taken apart again.
            work += meant.count
            guard work <= 4 * limit else { return nil }
            for named in meant where seen.insert(named).inserted {
                guard found.count < limit else { return nil }
                found.append(named)
            }
        }
        return found
    }

    private static func one(_ text: String, limit: Int) -> [NamedJob]? {
        if let (job, tasks) = JobTarget.list(text) {
            guard tasks.count <= limit else { return nil }
            return tasks.indexes.sorted().map { .job(JobTarget(job: job, part: .task($0))) }
        }
        guard let target = try? JobTarget(text) else { return [.text(text)] }  // told by whoever asks
        return [.job(target)]
    }
}
