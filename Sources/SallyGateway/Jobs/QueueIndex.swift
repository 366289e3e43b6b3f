// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel
import Synchronization

/// The jobs of one read of the queue, and where to find them. Nothing in it changes; snapshots share it for as long as the
/// queue stays the same.
final class QueueIndex: Sendable {
    /// In the order of job ids.
    let jobs: [QueuedJob]
    private let numbers: [JobID: [Int32]]
    private let owners: [UserName: [Int32]]
    private let states: [String: [Int32]]
    private let partitions: [String: [Int32]]
    private let accounts: [String: [Int32]]
    /// Answers that people ask for again and again, made when they are first asked for.
    private let pages = Mutex<[UserName: JobPage]>([:])

    static let empty = QueueIndex([])

    init(_ jobs: [QueuedJob]) {
        let jobs = jobs.sorted { $0.id < $1.id }
        var numbers: [JobID: [Int32]] = [:]
        var owners: [UserName: [Int32]] = [:]
        var states: [String: [Int32]] = [:]
        var partitions: [String: [Int32]] = [:]
        var accounts: [String: [Int32]] = [:]
        numbers.reserveCapacity(jobs.count)
        for (index, job) in jobs.enumerated() {
            let place = Int32(truncatingIfNeeded: index)
            numbers[job.id, default: []].append(place)
            if let array = job.array, array != job.id { numbers[array, default: []].append(place) }
            if let owner = job.owner { owners[owner, default: []].append(place) }
            if let state = job.view.states.first { states[state, default: []].append(place) }
            for partition in job.partitions { partitions[partition, default: []].append(place) }
            accounts[job.account, default: []].append(place)
        }
        self.jobs = jobs
        self.numbers = numbers
        self.owners = owners
        self.states = states
        self.partitions = partitions
        self.accounts = accounts
    }

    func jobs(of user: UserName) -> [QueuedJob] { at(owners[user]) }

    /// The job, or for an array the records that it consists of.
    func records(_ job: JobID) -> [QueuedJob] { at(numbers[job]) }

    func has(_ job: JobID) -> Bool { numbers[job] != nil }

    /// How many are in a base state.
    func count(in state: JobState) -> Int { states[state.description]?.count ?? 0 }

    /// Those that `filter` lets through, by way of the shortest list that has them all.
    func jobs(_ filter: JobFilter) -> [QueuedJob] {
        var lists: [[Int32]] = []
        if let owner = filter.owner { lists.append(owners[owner] ?? []) }
        if let array = filter.array { lists.append(numbers[array] ?? []) }
        if !filter.accounts.isEmpty { lists.append(merged(accounts, filter.accounts)) }
        if !filter.partitions.isEmpty { lists.append(merged(partitions, filter.partitions)) }
        // Flags such as COMPLETING are no base states, and not in the index.
        if !filter.states.isEmpty, filter.states.isSubset(of: JobFilter.baseStates) {
            lists.append(merged(states, filter.states))
        }
        guard let shortest = lists.min(by: { $0.count < $1.count }) else { return jobs.filter(filter.admits) }
        return at(shortest).filter(filter.admits)
    }

    /// Whether a person sees the same jobs in both.
    func shows(_ user: UserName, asIn other: QueueIndex) -> Bool {
        let (mine, others) = (owners[user] ?? [], other.owners[user] ?? [])
        return mine.count == others.count
            && zip(mine, others).allSatisfy { jobs[Int($0)].isShown(like: other.jobs[Int($1)]) }
    }

    /// The page of `user`, made by `make` the first time.
    func page(of user: UserName, _ make: () -> JobPage) -> JobPage {
        if let page = pages.withLock({ $0[user] }) { return page }
        let page = make()
        pages.withLock { $0[user] = page }
        return page
    }

    private func at(_ places: [Int32]?) -> [QueuedJob] { places.map { $0.map { jobs[Int($0)] } } ?? [] }

    private func merged(_ index: [String: [Int32]], _ keys: Set<String>) -> [Int32] {
        if keys.count == 1, let key = keys.first { return index[key] ?? [] }
        return Set(keys.flatMap { index[$0] ?? [] }).sorted()
    }
}

extension QueuedJob {
    /// A job that waits may name several.
    var partitions: [String] { view.partition.split(separator: ",").map(String.init) }

    /// In lower case: account names differ by more than that.
    var account: String { view.account.lowercased() }
}
