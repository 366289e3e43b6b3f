// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyModel
import Synchronization

/// Groups what waits to be written into one commit, and so into one fsync.
///
/// Each body runs in a savepoint of its own: one that throws takes back only itself. GRDB's own writer queue does the
/// work; its callback form is used, because its async writes roll back when their task is cancelled.
final class WriteQueue: Sendable {
    private let pool: DatabasePool
    private let clock: any WallClock
    private let limits: DatabaseSettings
    private let state = Mutex(State())

    private struct State {
        var waiting: [WriteJob] = []
        var draining = false
        var closed = false
    }

    init(pool: DatabasePool, clock: any WallClock, limits: DatabaseSettings) {
        self.pool = pool
        self.clock = clock
        self.limits = limits
    }

    /// Runs `body` in a durable transaction. A caller that is cancelled stops waiting (`CancellationError`); the body runs
    /// and its outcome stands all the same.
    func run<Result: Sendable>(
        _ body: @Sendable @escaping (StoreTransaction) throws -> Result
    ) async throws -> Result {
        let waiter = Waiter<Result>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiter.wait(continuation)
                enqueue(
                    WriteJob(
                        deadline: .now + limits.waitLimit,
                        run: { transaction in
                            let result = try body(transaction)
                            return { waiter.finish(.success(result)) }
                        },
                        fail: { waiter.finish(.failure($0)) }))
            }
        } onCancel: {
            waiter.finish(.failure(CancellationError()))
        }
    }

    /// Takes nothing more; what waits is still written.
    func close() { state.withLock { $0.closed = true } }

    /// How many bodies wait for their turn now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func enqueue(_ job: WriteJob) {
        enum Next { case start, wait, refuse(SallyError) }
        let next: Next = state.withLock { state in
            guard !state.closed else {
                return .refuse(SallyError(.unavailable, "the gateway is stopping", hint: "try again"))
            }
            guard state.waiting.count < limits.waitingLimit else {
                return .refuse(
                    SallyError(
                        .unavailable, "\(limits.waitingLimit) writes wait for the database already",
                        hint: "try again later"))
            }
            state.waiting.append(job)
            guard !state.draining else { return .wait }
            state.draining = true
            return .start
        }
        switch next {
        case .start: pool.asyncWriteWithoutTransaction { [self] in drain($0) }
        case .wait: break
        case .refuse(let error): job.fail(error)
        }
    }

    private func drain(_ connection: GRDB.Database) {
        while let batch = takeBatch() {
            let now = ContinuousClock.now
            for late in batch where late.deadline <= now {
                late.fail(SallyError(.unavailable, "the database did not get to it in time", hint: "try again later"))
            }
            let current = batch.filter { $0.deadline > now }
            if !current.isEmpty { commit(current, connection) }
        }
    }

    private func takeBatch() -> [WriteJob]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.draining = false
                return nil
            }
            let batch = Array(state.waiting.prefix(limits.batchLimit))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }

    private func commit(_ jobs: [WriteJob], _ connection: GRDB.Database) {
        do {
            try connection.beginTransaction(.immediate)
        } catch {
            for job in jobs { job.fail(storeError(error)) }
            return
        }
        do {
            let outcomes = try jobs.map { job in try attempt(job, connection) }
            try connection.commit()
            for outcome in outcomes { outcome() }
        } catch {
            if connection.isInsideTransaction { try? connection.rollback() }  // the first error is what matters
            // Nothing of the batch is durable. One body may be what breaks it (a full disk ends a transaction): each alone.
            guard jobs.count > 1 else { return jobs[0].fail(storeError(error)) }
            for job in jobs { commit([job], connection) }
        }
    }

    /// - Throws: only when the whole transaction is gone.
    private func attempt(_ job: WriteJob, _ connection: GRDB.Database) throws -> @Sendable () -> Void {
        var finish: (@Sendable () -> Void)?
        do {
            try connection.inSavepoint {
                finish = try job.run(StoreTransaction(connection: connection, now: clock.now))
                return .commit
            }
        } catch {
            guard connection.isInsideTransaction else { throw error }
            let failure = storeError(error)
            return { job.fail(failure) }
        }
        guard let finish else { throw SallyError(.internal, "a write ended without a result") }
        return finish
    }
}

/// A body that waits for its transaction.
struct WriteJob: Sendable {
    /// Past it the body is not run any more.
    let deadline: ContinuousClock.Instant
    /// Runs the body; what it returns tells the caller, after the commit.
    let run: @Sendable (StoreTransaction) throws -> @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
}

/// Resumes a caller once: with the outcome or because it was cancelled, whichever is first.
private final class Waiter<Value: Sendable>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Value, any Error>)
        case early(Result<Value, any Error>)
        case finished
    }

    private let state = Mutex(State.new)

    func wait(_ continuation: CheckedContinuation<Value, any Error>) {
        let early: Result<Value, any Error>? = state.withLock { state in
            if case .early(let result) = state {
                state = .finished
                return result
            }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
    }

    func finish(_ result: Result<Value, any Error>) {
        let continuation: CheckedContinuation<Value, any Error>? = state.withLock { state in
            switch state {
            case .new:
                state = .early(result)
                return nil
            case .waiting(let continuation):
                state = .finished
                return continuation
            case .early, .finished:
                return nil
            }
        }
        continuation?.resume(with: result)
    }
}
