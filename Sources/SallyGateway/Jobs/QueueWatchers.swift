// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallySocket
import Synchronization

/// Who watches a queue. Somebody is woken for what has changed among the own jobs, and by nobody else's; what it is, is found once
/// for each person, however many of their programs watch.
final class QueueWatchers: Sendable {
    private let entries = Mutex<[UserName: Entry]>([:])

    private struct Entry {
        let person: WatchedPerson
        var bells: [ObjectIdentifier: Doorbell] = [:]
    }

    /// - Parameter snapshot: the latest, with what we did since.
    func join(_ user: UserName, _ snapshot: @Sendable @escaping () -> QueueSnapshot) -> QueueWatcher {
        let bell = Doorbell()
        let person = entries.withLock { entries in
            var entry = entries[user] ?? Entry(person: WatchedPerson(user, snapshot))
            entry.bells[ObjectIdentifier(bell)] = bell
            entries[user] = entry
            return entry.person
        }
        return QueueWatcher(bell: bell, person: person) { [self] in
            entries.withLock { entries in
                entries[user]?.bells[ObjectIdentifier(bell)] = nil
                if entries[user]?.bells.isEmpty == true { entries[user] = nil }
            }
        }
    }

    /// Those of whom somebody watches the jobs.
    var people: [UserName] { entries.withLock { Array($0.keys) } }

    var count: Int { entries.withLock { $0.values.reduce(0) { $0 + $1.bells.count } } }

    /// Something has changed for these.
    ///
    /// - Precondition: the snapshot shows it already.
    func tell(_ users: Set<UserName>) {
        guard !users.isEmpty else { return }
        let told = entries.withLock { entries in users.compactMap { entries[$0] } }
        for entry in told {
            entry.person.hasChanged()
            for bell in entry.bells.values { bell.ring() }
        }
    }

    /// Something has changed for everybody, though not among their jobs.
    func ringAll() {
        for bell in entries.withLock({ $0.values.flatMap { Array($0.bells.values) } }) { bell.ring() }
    }
}

/// One person's jobs while somebody watches them.
final class WatchedPerson: Sendable {
    private let user: UserName
    private let snapshot: @Sendable () -> QueueSnapshot
    private let state = Mutex(State())
    /// One at a time: who comes meanwhile gets the same.
    private let making = Mutex(())

    private struct State {
        /// How often something has changed.
        var changes = 0
        var jobs: WatchedJobs?
        /// After which change `jobs` was made.
        var madeAfter = 0
    }

    init(_ user: UserName, _ snapshot: @Sendable @escaping () -> QueueSnapshot) {
        self.user = user
        self.snapshot = snapshot
    }

    func hasChanged() { state.withLock { $0.changes += 1 } }

    /// Nil since something has changed.
    var known: WatchedJobs? { state.withLock { $0.madeAfter == $0.changes ? $0.jobs : nil } }

    /// As of now.
    func jobs() -> WatchedJobs {
        making.withLock { _ in
            if let known { return known }
            let (before, changes) = state.withLock { ($0.jobs, $0.changes) }
            let jobs = snapshot().jobs(of: user)
            let made = before.flatMap { $0.shows(jobs) ? $0 : nil } ?? WatchedJobs(jobs, after: before)
            state.withLock { state in
                state.jobs = made
                state.madeAfter = changes
            }
            return made
        }
    }
}

/// Somebody who wants to hear of changes, until nobody holds it any more.
final class QueueWatcher: Sendable {
    let bell: Doorbell
    private let person: WatchedPerson
    private let leave: @Sendable () -> Void

    init(bell: Doorbell, person: WatchedPerson, _ leave: @Sendable @escaping () -> Void) {
        self.bell = bell
        self.person = person
        self.leave = leave
    }

    deinit { leave() }

    /// The person's jobs as of now: the same value for everybody who watches them, until something changes.
    func jobs() async -> WatchedJobs {
        if let known = person.known { return known }
        return await besideLoops { person.jobs() }
    }
}
