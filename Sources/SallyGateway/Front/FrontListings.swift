// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import ServiceLifecycle
import SlurmClient
import SlurmModel
import Synchronization

/// Lists of one cluster beside the queue, each read at most once in a while whoever asks: what a hundred clients that
/// poll cost Slurm is what one costs.
///
/// Bounded in age, in number and in bytes. Who asks for what is being read waits for that. What failed has failed for a
/// moment, for everybody. Of lists of single people, one at a time is read for each of them, and a few in all (`ReadTurns`).
final class FrontListings: Service {
    private let cluster: ClusterName
    private let lister: any SlurmLister
    private let access: ServiceAccess
    private let clock: any WallClock
    private let turns: ReadTurns
    private let limits: Limits
    private let state = Mutex(State())

    /// A list is answered again for so long.
    static let life = Duration.seconds(15)
    /// A failure is answered again for so long; clients are told to come back after it.
    static let failureLife = Duration.seconds(2)
    /// Nobody waits longer: whole lists may take twelve times a call's deadline.
    private static let patience = Duration.seconds(90)

    struct Limits: Sendable {
        /// Lists that are kept at once.
        var count = 512
        /// Of all that is kept.
        var bytes = 64 << 20
        /// Of one list.
        var largest = 32 << 20
    }

    private struct State {
        var entries: [SlurmListing: Entry] = [:]
        /// Those that wait for what is being read.
        var waiting: [Doorbell] = []
    }

    private enum Entry {
        case reading
        case known(FrontKept)
        case failed(any Error, Timestamp)
    }

    private enum Next {
        case take(FrontKept)
        case fail(any Error)
        case ask
        case wait
    }

    init(
        cluster: ClusterName, lister: some SlurmLister, access: ServiceAccess, clock: some WallClock,
        turns: ReadTurns = ReadTurns(), limits: Limits = Limits()
    ) {
        self.cluster = cluster
        self.lister = lister
        self.access = access
        self.clock = clock
        self.turns = turns
        self.limits = limits
    }

    /// Drops what nobody asks for any more.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: FrontListings.life)  // ends early only when the loop ends
                self.sweep()
            }
        }
    }

    /// - Throws: what the read throws, also when another's read just failed; `.tooLarge` for a list that is too long to be
    ///   kept; `.unavailable` after 90 seconds.
    func read(_ listing: SlurmListing) async throws -> FrontKept {
        let end = ContinuousClock.now + FrontListings.patience
        let bell = Doorbell()
        defer { leave(listing, bell) }
        while true {
            switch next(listing, bell) {
            case .take(let kept): return kept
            case .fail(let error): throw error
            case .ask: return try await ask(listing)
            case .wait:
                await bell.wait(upTo: ContinuousClock.now.duration(to: end))
                try Task.checkCancellation()
                guard ContinuousClock.now < end else {
                    throw SallyError(
                        .unavailable, "cluster \(cluster) did not list its \(listing.words) in time",
                        hint: "try again in a moment")
                }
            }
        }
    }

    private func next(_ listing: SlurmListing, _ bell: Doorbell) -> Next {
        let now = clock.now
        return state.withLock { state in
            switch state.entries[listing] {
            case .known(let kept) where isFresh(kept.at, now, FrontListings.life): return .take(kept)
            case .failed(let error, let at) where isFresh(at, now, FrontListings.failureLife): return .fail(error)
            case .reading:
                if !state.waiting.contains(where: { $0 === bell }) { state.waiting.append(bell) }
                return .wait
            case .known, .failed, nil: break
            }
            if let owner = listing.owner, !turns.take(owner, bell) { return .wait }
            state.entries[listing] = .reading
            return .ask
        }
    }

    private func leave(_ listing: SlurmListing, _ bell: Doorbell) {
        state.withLock { $0.waiting.removeAll { $0 === bell } }
        if let owner = listing.owner { turns.leave(owner, bell) }
    }

    private func ask(_ listing: SlurmListing) async throws -> FrontKept {
        let at = clock.now
        do {
            let kept = FrontKept(try await rows(listing), key: listing.nameKey, at: at)
            settle(listing, .known(kept))
            return kept
        } catch {
            // Who hung up says nothing about Slurm: the next one asks.
            settle(listing, error is CancellationError || Task.isCancelled ? nil : .failed(error, clock.now))
            throw error
        }
    }

    private func rows(_ listing: SlurmListing) async throws -> ListedRecords<FrontKept.Row> {
        let room = Room(limits.largest)
        let rows = try await access.read(action(listing)) { [lister] read, token in
            try await lister.records(listing, read, token: token) { record -> FrontKept.Row? in
                let row = FrontKept.Row(record, key: listing.nameKey)
                return room.takes(row.bytes) ? row : nil
            }
        }
        guard !room.isOver else {
            throw SallyError(
                .tooLarge, "cluster \(cluster) lists more than \(limits.largest >> 20) MiB of \(listing.words)",
                hint: listing.owner == nil ? nil : "ask for a shorter time: a later start_time",
                slurm: SlurmRefusal(number: 7006, text: "Query result exceeds size limit"))
        }
        return rows
    }

    private func settle(_ listing: SlurmListing, _ entry: Entry?) {
        let now = clock.now
        let waiting: [Doorbell] = state.withLock { state in
            state.entries[listing] = entry
            forget(&state, now)
            defer { state.waiting = [] }
            return state.waiting
        }
        for bell in waiting { bell.ring() }
        if let owner = listing.owner { turns.end(owner) }
    }

    func sweep() {
        let now = clock.now
        state.withLock { forget(&$0, now) }
    }

    /// What is old goes, and then the oldest until the rest is little enough.
    private func forget(_ state: inout State, _ now: Timestamp) {
        var kept: [(listing: SlurmListing, list: FrontKept)] = []
        state.entries = state.entries.filter { listing, entry in
            switch entry {
            case .reading: return true
            case .failed(_, let at): return isFresh(at, now, FrontListings.failureLife)
            case .known(let list):
                guard isFresh(list.at, now, FrontListings.life) else { return false }
                kept.append((listing, list))
                return true
            }
        }
        var bytes = kept.reduce(0) { $0 + $1.list.bytes }
        var count = state.entries.count
        for (listing, list) in kept.sorted(by: { $0.list.at < $1.list.at }) {
            guard bytes > limits.bytes || count > limits.count else { return }
            state.entries[listing] = nil
            bytes -= list.bytes
            count -= 1
        }
    }

    /// A clock that was set back makes nothing young.
    private func isFresh(_ at: Timestamp, _ now: Timestamp, _ life: Duration) -> Bool { at <= now && now < at + life }

    private func action(_ listing: SlurmListing) -> SystemAction {
        switch listing {
        case .partitions, .nodes, .reservations: .readQueue(cluster)
        case .users, .associations, .accounts, .qos, .jobs, .job: .readAccounting(cluster)
        }
    }

    /// How many wait.
    var waits: Int { state.withLock { $0.waiting.count } + turns.waits }

    /// What is kept now: lists, and their bytes.
    var held: (count: Int, bytes: Int) {
        state.withLock { state in
            let lists = state.entries.values.compactMap { entry -> FrontKept? in
                if case .known(let kept) = entry { kept } else { nil }
            }
            return (lists.count, lists.reduce(0) { $0 + $1.bytes })
        }
    }

    /// How much of one list there is room for.
    private final class Room: Sendable {
        private let left: Mutex<Int>
        init(_ bytes: Int) { left = Mutex(bytes) }

        func takes(_ bytes: Int) -> Bool {
            left.withLock { left in
                left -= left < 0 ? 0 : bytes
                return left >= 0
            }
        }

        var isOver: Bool { left.withLock { $0 < 0 } }
    }
}

extension SlurmListing {
    fileprivate var words: String { noun == .accountingJob ? "finished jobs" : "\(noun)s" }

    /// The field that its records are looked up by.
    fileprivate var nameKey: String {
        switch self {
        case .partitions, .nodes, .reservations, .users, .accounts, .qos: "name"
        case .associations, .jobs, .job: "user"
        }
    }
}
