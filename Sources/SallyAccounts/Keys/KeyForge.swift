// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
package import SallyModel
import Synchronization

/// Makes key pairs for many people on all cores.
///
/// It begins as soon as it knows for whom, so that keys are made while nodes are probed; once it is known who needs none,
/// theirs are not begun any more. Keys are made on threads of its own: an RSA key would hold a thread of the cooperative
/// pool for a second. A key that was begun is always finished, and thrown away when nobody wants it.
package final class KeyForge: Sendable {
    /// How far it is, of what is still wanted.
    package struct Progress: Sendable, Equatable {
        package var done: Int
        package var total: Int
    }

    private let work: Work

    /// - Parameters:
    ///   - comment: stands in the public key of this person.
    ///   - progress: hears how far it is after a change, one call at a time and in order; keys that are done at the same
    ///     moment may be told in one. May call nothing of this forge.
    package convenience init(
        _ algorithm: KeyAlgorithm, comment: @escaping @Sendable (UserName) -> String,
        progress: @escaping @Sendable (Progress) -> Void
    ) {
        self.init(
            cores: ProcessInfo.processInfo.activeProcessorCount,
            make: { try KeyPair.make(algorithm, comment: comment($0)) }, progress: progress)
    }

    init(
        cores: Int, make: @escaping @Sendable (UserName) throws -> KeyPair,
        progress: @escaping @Sendable (Progress) -> Void
    ) {
        work = Work(cores: max(1, cores), make: make, progress: progress)
    }

    /// Nothing more is begun for a forge that nobody has any more.
    deinit { work.cancel() }

    /// Begins with pairs for these, in this order, after those that were asked for before. Asking twice is asking once.
    package func prepare(_ users: [UserName]) { work.prepare(users) }

    /// All others need no key.
    package func keep(only users: Set<UserName>) { work.keep(only: users) }

    /// As `prepare`, `keep` and `pairs` together, for when it is known who needs a key: those who were not foreseen are made
    /// too, all others not any more.
    ///
    /// - Throws: as `pairs`.
    package func pairs(for users: [UserName]) async throws -> [UserKey] {
        keep(only: Set(users))
        prepare(users)
        return try await pairs()
    }

    /// Nothing more is begun; whoever waits for `pairs` gets a `CancellationError`.
    package func cancel() { work.cancel() }

    /// How many threads of its own it has now.
    var threads: Int { work.threads }

    /// The pairs of all that are wanted, in the order of `prepare`, once they are made. There is no deadline: this is
    /// arithmetic of our own, which ends.
    ///
    /// - Throws: what went wrong with the first that could not be made; `CancellationError`, after which nothing more
    ///   is begun.
    package func pairs() async throws -> [UserKey] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { work.wait($0) }
        } onCancel: {
            work.cancel()
        }
    }
}

/// What the threads of a forge share with it.
private final class Work: Sendable {
    private typealias Waiter = CheckedContinuation<[UserKey], any Error>

    private struct State {
        var order: [UserName] = []
        var wanted: Set<UserName> = []
        /// Not yet begun, the next one last.
        var queue: [UserName] = []
        var made: [UserName: KeyPair] = [:]
        var failure: (any Error)?
        var threads = 0
        var waiters: [Waiter] = []

        var progress: KeyForge.Progress { .init(done: made.count, total: wanted.count) }

        /// What those who wait are told, when it is time.
        var outcome: Result<[UserKey], any Error>? {
            if let failure { return .failure(failure) }
            guard made.count == wanted.count else { return nil }
            return .success(order.compactMap { user in made[user].map { UserKey(user: user, pair: $0) } })
        }
    }

    private let cores: Int
    private let make: @Sendable (UserName) throws -> KeyPair
    private let progress: @Sendable (KeyForge.Progress) -> Void
    private let state = Mutex(State())
    private let reported = Mutex(KeyForge.Progress(done: 0, total: 0))

    init(
        cores: Int, make: @escaping @Sendable (UserName) throws -> KeyPair,
        progress: @escaping @Sendable (KeyForge.Progress) -> Void
    ) {
        self.cores = cores
        self.make = make
        self.progress = progress
    }

    var threads: Int { state.withLock(\.threads) }

    func prepare(_ users: [UserName]) {
        let missing = state.withLock { state in
            let new = users.filter { state.wanted.insert($0).inserted }
            state.order += new
            guard state.failure == nil else { return 0 }
            state.queue = new.reversed() + state.queue
            let missing = max(0, min(cores, state.threads + state.queue.count) - state.threads)
            state.threads += missing
            return missing
        }
        report()
        for _ in 0..<missing { startThread() }
    }

    func keep(only users: Set<UserName>) {
        state.withLock { state in
            state.wanted.formIntersection(users)
            state.order.removeAll { !users.contains($0) }
            state.queue.removeAll { !users.contains($0) }
            state.made = state.made.filter { users.contains($0.key) }
        }
        answer()
    }

    func cancel() { fail(CancellationError()) }

    func wait(_ waiter: CheckedContinuation<[UserKey], any Error>) {
        state.withLock { $0.waiters.append(waiter) }
        answer()
    }

    private func fail(_ error: any Error) {
        state.withLock { state in
            if state.failure == nil { state.failure = error }
            state.queue = []
            state.made = [:]
        }
        answer()
    }

    /// Tells those who wait, when it is time, and only after the progress has been told.
    private func answer() {
        report()
        let (waiters, outcome) = state.withLock { state -> ([Waiter], Result<[UserKey], any Error>?) in
            guard let outcome = state.outcome else { return ([], nil) }
            defer { state.waiters = [] }
            return (state.waiters, outcome)
        }
        guard let outcome else { return }
        for waiter in waiters { waiter.resume(with: outcome) }
    }

    private func report() {
        reported.withLock { last in
            guard let now = state.withLock({ $0.failure == nil ? $0.progress : nil }), now != last else { return }
            last = now
            progress(now)
        }
    }

    private func startThread() {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let number = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().makeAll()
                return nil
            }, box.toOpaque())
        guard number == 0 else {
            box.release()
            let isLast = state.withLock { state in
                state.threads -= 1
                return state.threads == 0 && !state.queue.isEmpty
            }
            if isLast {
                fail(
                    SallyError(
                        .unavailable, "no thread could be started to make keys", hint: "see ulimit -u",
                        cause: String(cString: strerror(number))))
            }
            return
        }
        pthread_detach(thread)
    }

    private func makeAll() {
        while let user = next() {
            do {
                let pair = try make(user)
                state.withLock { state in
                    if state.failure == nil, state.wanted.contains(user) { state.made[user] = pair }
                }
                answer()
            } catch {
                fail(error)
            }
        }
    }

    /// The next to be made; nil ends the thread.
    private func next() -> UserName? {
        state.withLock { state in
            guard let user = state.queue.popLast() else {
                state.threads -= 1
                return nil
            }
            return user
        }
    }
}
