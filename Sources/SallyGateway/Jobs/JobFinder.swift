// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyStore
import SallyWire

/// Finds a person's own job. Somebody else's is not found, exactly like one that never was.
struct JobFinder: Sendable {
    let cluster: ClusterName
    let keeper: QueueKeeper
    let finished: FinishedJobsCache
    let book: any SubmissionBook
    let clock: any WallClock

    /// Accounting is asked for so many days back.
    static let reach = Duration.seconds(31 * 86400)

    /// From the queue, or else from accounting.
    func job(_ id: JobID, of user: UserName) async throws -> QueuedJob {
        var records = keeper.snapshot.records(id)
        if records.contains(where: { $0.owner == user && $0.isStale }) {
            do {
                records = try await keeper.whole(id)
            } catch let error where records.contains(where: \.isFinished) {
                throw error  // how it ended is not known yet
            } catch {
                // What is known says what is wanted of a job that has not ended.
            }
        }
        if let first = records.first(where: { $0.view.job == id }) ?? records.first {
            guard first.owner == user else { throw missing(id) }
            return first
        }
        // The moment does not matter to who asks for one job: the question is the same for all who ask it.
        let wanted = FinishedJobs(user: user, job: id, since: Timestamp(0), limit: 1)
        let listing = try await finished.listing(wanted)
        guard let found = listing.jobs.first(where: { $0.view.job == id || $0.array == id }), found.owner == user else {
            // Whose it is nobody knows, and none is not said of what was not read.
            guard listing.passedOver == 0 else {
                throw SallyError(
                    .tooLarge, "what accounting says of job \(id) on cluster \(cluster) is too large to be read",
                    hint: "sacct(1) on the cluster shows it")
            }
            throw missing(id)
        }
        return found
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
        _ = try await job(id, of: user)
    }

    func missing(_ id: JobID) -> SallyError {
        SallyError(
            .notFound, "you have no job \(id) on cluster \(cluster)",
            hint: "`sally jobs -M \(cluster) --all` lists yours")
    }
}
