// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SlurmClient
import SlurmModel

/// Lists of one cluster beside the queue, each read at most once in a while whoever asks: what a hundred clients that
/// poll cost Slurm is what one costs.
package actor FrontListings {
    private let cluster: ClusterName
    private let lister: any SlurmLister
    private let access: ServiceAccess
    private let clock: any WallClock
    private var kept: [SlurmListing: Kept] = [:]
    private var reading: Set<SlurmListing> = []
    private var waiting: [SlurmListing: [CheckedContinuation<Void, Never>]] = [:]

    /// A list is answered again for so long.
    static let life = Duration.seconds(15)
    /// Lists of single people, beside those of the cluster.
    private static let capacity = 2000

    struct Kept: Sendable {
        var records: [SlurmRecord]
        var at: Timestamp
    }

    init(cluster: ClusterName, lister: some SlurmLister, access: ServiceAccess, clock: some WallClock) {
        self.cluster = cluster
        self.lister = lister
        self.access = access
        self.clock = clock
    }

    /// - Throws: what the read throws; nothing is kept then.
    func read(_ listing: SlurmListing) async throws -> Kept {
        while true {
            if let found = kept[listing], clock.now < found.at + FrontListings.life { return found }
            guard reading.contains(listing) else { break }
            // The one that reads always comes back: every call to Slurm has a deadline.
            await withCheckedContinuation { waiting[listing, default: []].append($0) }
            try Task.checkCancellation()
        }
        reading.insert(listing)
        defer {
            reading.remove(listing)
            for continuation in waiting.removeValue(forKey: listing) ?? [] { continuation.resume() }
        }
        let at = clock.now
        let records = try await access.read(action(listing)) { [lister] read, token in
            try await lister.records(listing, read, token: token)
        }
        if kept.count >= FrontListings.capacity { kept = kept.filter { at < $0.value.at + FrontListings.life } }
        if kept.count >= FrontListings.capacity { kept = [:] }
        let read = Kept(records: records, at: at)
        kept[listing] = read
        return read
    }

    private func action(_ listing: SlurmListing) -> SystemAction {
        switch listing {
        case .partitions, .nodes, .reservations: .readQueue(cluster)
        case .users, .associations, .accounts, .qos, .jobs, .job: .readAccounting(cluster)
        }
    }
}
