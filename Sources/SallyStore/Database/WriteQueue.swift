// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
import SallyModel
import Synchronization

/// Groups what waits to be written into one commit, and so into one fsync.
///
/// A body that throws takes back only itself, and may be run a second time for it. GRDB's own writer queue does the work;
/// its callback form is used, because its async writes roll back when their task is cancelled.
final class WriteQueue: Sendable {
    private let pool: DatabasePool
    private let clock: any WallClock
    private let limits: DatabaseSettings
    private let state = Mutex(State())

    /// Wakes the writer while it waits for company.
    private let hurry = DispatchSemaphore(value: 0)

    /// How soon a body is to be run.
    enum Haste: Sendable {
        case now
        /// Together with the next body that comes, or by itself after `DatabaseSettings.companyLimit`. For what nobody waits
        /// for: it costs no commit of its own while there is work.
        case withNext
    }

    private struct State {
        var waiting: [WriteJob] = []
        /// Whether one of them is in haste.
        var isUrgent = false
        var draining = false
        /// Whether the writer waits for company.
        var dozing = false
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
        _ haste: Haste, _ body: @Sendable @escaping (StoreTransaction) throws -> Result
    ) async throws -> Result {
        let waiter = Waiter<Result>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiter.wait(continuation)
                enqueue(
                    WriteJob(
                        haste: haste, deadline: .now + limits.waitLimit,
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

    /// Nobody waits for what is posted: it is never too late for it.
    private static let postedLimit = Duration.seconds(24 * 3600)

    /// Queues `body` behind what waits and returns; `failed` is called where it did not become durable.
    func post(
        _ body: @Sendable @escaping (StoreTransaction) throws -> Void, failed: @Sendable @escaping (any Error) -> Void
    ) {
        enqueue(
            WriteJob(
                haste: .withNext, deadline: .now + WriteQueue.postedLimit,
                run: { transaction in
                    try body(transaction)
                    return {}
                },
                fail: failed))
    }

    /// Takes nothing more; what waits is still written.
    func close() {
        let dozing = state.withLock { state in
            defer { state.dozing = false }
            state.closed = true
            return state.dozing
        }
        if dozing { hurry.signal() }
    }

    /// How many bodies wait for their turn now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func enqueue(_ job: WriteJob) {
        enum Next { case start, wake, wait, refuse(SallyError) }
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
            state.isUrgent = state.isUrgent || job.haste == .now
            if state.dozing, state.isUrgent {
                state.dozing = false
                return .wake
            }
            guard !state.draining else { return .wait }
            state.draining = true
            return .start
        }
        switch next {
        case .start: pool.asyncWriteWithoutTransaction { [self] in drain($0) }
        case .wake: hurry.signal()
        case .wait: break
        case .refuse(let error): job.fail(error)
        }
    }

    private func drain(_ connection: GRDB.Database) {
        while let batch = nextBatch() {
            let now = ContinuousClock.now
            for late in batch where late.deadline <= now {
                late.fail(SallyError(.unavailable, "the database did not get to it in time", hint: "try again later"))
            }
            let current = batch.filter { $0.deadline > now }
            if !current.isEmpty { commit(current, connection) }
        }
    }

    /// What is to be committed next; nil, and no longer draining, when nothing waits.
    private func nextBatch() -> [WriteJob]? {
        let dozes = state.withLock { state in
            state.dozing = !state.waiting.isEmpty && !state.isUrgent && !state.closed
            return state.dozing
        }
        if dozes, hurry.wait(timeout: .now() + limits.companyLimit / .seconds(1)) == .timedOut {
            // Whoever ended the dozing in this very moment has signalled, or is about to.
            let isSignalled = state.withLock { state in
                defer { state.dozing = false }
                return !state.dozing
            }
            if isSignalled { hurry.wait() }
        }
        return state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.draining = false
                return nil
            }
            let batch = Array(state.waiting.prefix(limits.batchLimit))
            state.waiting.removeFirst(batch.count)
            state.isUrgent = state.waiting.contains { $0.haste == .now }
            return batch
        }
    }

    /// All in one transaction, at first without savepoints: a body that throws is rare, and costs the batch a second run.
    private func commit(_ jobs: [WriteJob], _ connection: GRDB.Database) {
        let end = transaction(connection) {
            try jobs.map { try $0.run(StoreTransaction(connection: connection, now: clock.now)) }
        }
        switch end {
        case .committed(let outcomes): for outcome in outcomes { outcome() }
        case .notBegun(let error): for job in jobs { job.fail(error) }
        case .takenBack(let error):
            guard jobs.count > 1 else { return jobs[0].fail(error) }
            commitApart(jobs, connection)
        }
    }

    /// Each body in a savepoint of its own, so that one that throws takes back only itself.
    private func commitApart(_ jobs: [WriteJob], _ connection: GRDB.Database) {
        switch transaction(connection, { try jobs.map { try attempt($0, connection) } }) {
        case .committed(let outcomes): for outcome in outcomes { outcome() }
        case .notBegun(let error): for job in jobs { job.fail(error) }
        // Nothing of the batch is durable. One body may be what breaks it (a full disk ends a transaction): each alone.
        case .takenBack: for job in jobs { commit([job], connection) }
        }
    }

    private enum End<Value> {
        case committed(Value)
        case notBegun(any Error)
        case takenBack(any Error)
    }

    private func transaction<Value>(_ connection: GRDB.Database, _ body: () throws -> Value) -> End<Value> {
        do {
            try connection.beginTransaction(.immediate)
        } catch {
            return .notBegun(storeError(error))
        }
        do {
            let value = try body()
            try connection.commit()
            return .committed(value)
        } catch {
            if connection.isInsideTransaction { try? connection.rollback() }  // the first error is what matters
            return .takenBack(storeError(error))
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
    let haste: WriteQueue.Haste
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
