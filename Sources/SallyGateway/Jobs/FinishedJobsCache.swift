// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import Synchronization

/// Finished jobs from accounting. What somebody asked for a moment ago is not asked for again, and those who ask for the same
/// at the same time ask once. One person's questions are asked one after the other, and a few people's at once (`ReadTurns`).
final class FinishedJobsCache: Sendable {
    private let cluster: ClusterName
    private let queue: any SlurmQueue
    private let access: ServiceAccess
    private let turns: ReadTurns
    private let state = Mutex<[FinishedJobs: Entry]>([:])

    /// An answer is as good as new for so long.
    private let life: Duration
    /// Answers that are kept at once, and how many jobs in all of them.
    static let capacity = 256
    private let mostJobs: Int
    /// Nobody waits longer for a turn, nor for another's question, than a question may take.
    private static let patience = Duration.seconds(180)

    private enum Entry {
        case asking([Doorbell])
        case known(FinishedListing, ContinuousClock.Instant)
        case failed(any Error, ContinuousClock.Instant)
    }

    private enum Next {
        case take(FinishedListing)
        case fail(any Error)
        case ask
        case wait
    }

    init(
        cluster: ClusterName, queue: some SlurmQueue, access: ServiceAccess, turns: ReadTurns = ReadTurns(),
        life: Duration = .seconds(5), mostJobs: Int = 50_000
    ) {
        self.cluster = cluster
        self.queue = queue
        self.access = access
        self.turns = turns
        self.life = life
        self.mostJobs = mostJobs
    }

    /// Of this cluster alone, with what is missing.
    ///
    /// - Throws: what the read throws, also when another's read just failed; `.unavailable` after 180 seconds.
    func listing(_ wanted: FinishedJobs) async throws -> FinishedListing {
        let end = ContinuousClock.now + FinishedJobsCache.patience
        let bell = Doorbell()
        defer { leave(wanted, bell) }
        while true {
            switch next(wanted, bell) {
            case .take(let listing): return listing
            case .fail(let error): throw error
            case .wait:
                await bell.wait(upTo: ContinuousClock.now.duration(to: end))
                try Task.checkCancellation()
                guard ContinuousClock.now < end else {
                    throw SallyError(
                        .unavailable, "cluster \(cluster) did not list its finished jobs in time",
                        hint: "try again in a moment")
                }
            case .ask: return try await ask(wanted)
            }
        }
    }

    private func ask(_ wanted: FinishedJobs) async throws -> FinishedListing {
        do {
            var listing = try await access.read(.readAccounting(cluster)) { read, token in
                try await queue.finished(wanted, read, token: token)
            }
            listing.elsewhere = []
            // Of one job that is not there yet, the next question may bring more.
            settle(wanted, wanted.job != nil && listing.jobs.isEmpty ? nil : .known(listing, .now))
            return listing
        } catch {
            // Who hung up says nothing about Slurm: the next one asks.
            settle(wanted, error is CancellationError || Task.isCancelled ? nil : .failed(error, .now))
            throw error
        }
    }

    private func next(_ wanted: FinishedJobs, _ bell: Doorbell) -> Next {
        state.withLock { state in
            switch state[wanted] {
            case .known(let known, let at) where at.duration(to: .now) < life: return .take(known)
            case .failed(let error, let at) where at.duration(to: .now) < .seconds(1): return .fail(error)
            case .asking(var waiting):
                if !waiting.contains(where: { $0 === bell }) { waiting.append(bell) }
                state[wanted] = .asking(waiting)
                return .wait
            case .known, .failed, nil:
                guard turns.take(wanted.user, bell) else { return .wait }
                state[wanted] = .asking([])
                return .ask
            }
        }
    }

    private func leave(_ wanted: FinishedJobs, _ bell: Doorbell) {
        state.withLock { state in
            guard case .asking(var waiting) = state[wanted] else { return }
            waiting.removeAll { $0 === bell }
            state[wanted] = .asking(waiting)
        }
        turns.leave(wanted.user, bell)
    }

    private func settle(_ wanted: FinishedJobs, _ entry: Entry?) {
        let waiting: [Doorbell] = state.withLock { state in
            defer {
                state[wanted] = entry
                forget(&state)
            }
            if case .asking(let waiting) = state[wanted] { return waiting }
            return []
        }
        for bell in waiting { bell.ring() }
        turns.end(wanted.user)
    }

    /// What is old goes, and all of it when it is too much.
    private func forget(_ state: inout [FinishedJobs: Entry]) {
        var jobs = 0
        state = state.filter { _, entry in
            switch entry {
            case .asking: return true
            case .known(let known, let at):
                jobs += known.jobs.count
                return at.duration(to: .now) < life
            case .failed(_, let at): return at.duration(to: .now) < .seconds(1)
            }
        }
        guard state.count > FinishedJobsCache.capacity || jobs > mostJobs else { return }
        state = state.filter { _, entry in if case .asking = entry { true } else { false } }
    }

    /// How many wait.
    var waits: Int {
        let others = state.withLock { state in
            state.values.reduce(0) { sum, entry in
                if case .asking(let waiting) = entry { sum + waiting.count } else { sum }
            }
        }
        return others + turns.waits
    }

    /// How many answers are kept.
    var count: Int { state.withLock { $0.count } }
}
