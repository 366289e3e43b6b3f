// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyStore
import SallyWire
import SlurmModel

/// Finds a person's own job. Somebody else's is not found, exactly like one that never was.
struct JobFinder: Sendable {
    let cluster: ClusterName
    let keeper: QueueKeeper
    let finished: FinishedJobsCache
    let book: any SubmissionBook
    let clock: any WallClock

    /// Accounting is asked for so many days back.
    static let reach = Duration.seconds(31 * 86400)

    struct Found: Sendable {
        let job: QueuedJob
        /// Accounting has it otherwise.
        let isQueued: Bool
    }

    /// From the queue, or else from accounting.
    ///
    /// - Throws: `.notFound` for somebody else's, exactly as for none; `.conflict` where several have the name.
    func job(_ name: JobName, of user: UserName) async throws -> Found {
        let records = try await queued(name.number, of: user)
        let own = records.filter { $0.owner == user }
        guard records.isEmpty || !own.isEmpty else { throw missing(name) }
        if let job = try one(name, own) { return Found(job: job, isQueued: true) }
        let listing = try await finished.listing(question(name, user))
        if let job = try one(name, listing.jobs.filter { $0.owner == user }) { return Found(job: job, isQueued: false) }
        // Whose it is nobody knows, and none is not said of what was not read.
        guard listing.passedOver == 0 else {
            throw SallyError(
                .tooLarge, "what accounting says of job \(name) on cluster \(cluster) is too large to be read",
                hint: "sacct(1) on the cluster shows it")
        }
        throw missing(name)
    }

    /// A job that has ended and is not in the queue, however old that is; nil for any other.
    func ended(_ name: JobName, of user: UserName) async throws -> QueuedJob? {
        let records = keeper.snapshot.records(name.number)
        let own = records.filter { $0.owner == user }
        guard records.isEmpty || !own.isEmpty, try one(name, own) == nil else { return nil }
        let listing = try await finished.listing(question(name, user))
        return try one(name, listing.jobs.filter { $0.owner == user }).flatMap { $0.isFinished ? $0 : nil }
    }

    /// What the queue has under a number, with everybody's.
    private func queued(_ number: JobID, of user: UserName) async throws -> [QueuedJob] {
        let records = keeper.snapshot.records(number)
        guard records.contains(where: { $0.owner == user && $0.isStale }) else { return records }
        do {
            return try await keeper.whole(number)
        } catch let error where records.contains(where: \.isFinished) {
            throw error  // how it ended is not known yet
        } catch {
            // What is known says what is wanted of a job that has not ended.
            return records
        }
    }

    private func one(_ name: JobName, _ records: [QueuedJob]) throws -> QueuedJob? {
        switch name.find(among: records) {
        case .one(let job): return job
        case .nothing: return nil
        case .several:
            throw SallyError(
                .conflict,
                "no record on cluster \(cluster) is called \(name) any more: tasks of it have started or ended",
                hint: "list them and name one: `jobs?array=\(name.job)`, or `sally jobs -M \(cluster)`")
        }
    }

    /// The number that was submitted brings all its parts. The moment does not matter to who asks for one job: the question is the
    /// same for all who ask it.
    private func question(_ name: JobName, _ user: UserName) -> FinishedJobs {
        FinishedJobs(user: user, job: name.job, since: Timestamp(0), limit: .max)
    }

    /// The number of one job that is the person's: of a part its own.
    ///
    /// - Throws: as `job`; `.conflict` for all of an array, and for a task that has no number of its own yet.
    func number(_ which: JobTarget, of user: UserName) async throws -> JobID {
        guard which.part == nil else {
            let job = try await job(JobName(which), of: user).job
            guard !job.isWaitingRest else {
                throw SallyError(
                    .conflict, "task \(which) on cluster \(cluster) has not started and has written nothing",
                    hint: "look again once `sally job \(which)` says that it runs")
            }
            return job.id
        }
        try await check(which.job, belongsTo: user)
        guard keeper.snapshot.records(which.job).count(where: { $0.array == which.job }) < 2 else {
            throw SallyError(
                .conflict, "job \(which) on cluster \(cluster) is an array, and each of its tasks writes by itself",
                hint: "list them and name one: `jobs?array=\(which)`, or `sally jobs -M \(cluster)`")
        }
        return which.job
    }

    /// That the job is the person's, by the queue, our own record, or accounting; never by what the caller says.
    func check(_ id: JobID, belongsTo user: UserName) async throws {
        if let first = keeper.snapshot.records(id).first {
            guard first.owner == user else { throw missing(id) }
            return
        }
        if let submission = try await book.submission(job: id, cluster: cluster) {
            guard submission.user == user else { throw missing(id) }
            return
        }
        _ = try await job(JobName(JobTarget(job: id)), of: user)
    }

    func missing(_ id: JobID) -> SallyError { missing(JobName(JobTarget(job: id))) }

    private func missing(_ name: JobName) -> SallyError {
        SallyError(
            .notFound, "you have no job \(name) on cluster \(cluster)",
            hint: "`sally jobs -M \(cluster) --all` lists yours")
    }
}
