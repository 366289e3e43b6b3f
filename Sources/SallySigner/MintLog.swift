// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallySocket
import Synchronization

/// Every token that was minted, on the disk; in memory 16 bytes each say where.
///
/// A record is written before its token is handed out, so it outlives this process whatever happens to it. fsync comes
/// with the next countersignature and at least every second: a token may lack its record only if the machine itself
/// fails within that second, which no gateway can bring about. An fsync for each token would double what a submission
/// costs and would promise no more to `audit verify`.
final class MintLog: Sendable {
    private let log: DurableLog
    /// By sequence, then place.
    private let index: Mutex<[Entry]>

    private struct Entry {
        var sequence: Int64
        var place: Int64
    }

    /// How many tokens one decision pays for: a retry needs a few.
    static let mostPerEvent = 8

    /// - Throws: `SallyError(.misconfigured)` when a line is damaged.
    init(path: String) throws {
        var entries: [Entry] = []
        log = try DurableLog(path: path) { text, place in
            entries.append(Entry(sequence: try parse(text).position.sequence, place: place))
        }
        index = Mutex(entries.sorted { ($0.sequence, $0.place) < ($1.sequence, $1.place) })
    }

    /// - Throws: `SallyError(.denied)` when the decision has paid for all the tokens that it may.
    func append(_ record: MintRecord) throws {
        let position = record.position
        try index.withLock { entries in
            let first = entries.partitioningIndex { $0.sequence >= position.sequence }
            guard
                entries[first...].prefix(MintLog.mostPerEvent).count(where: { $0.sequence == position.sequence })
                    < MintLog.mostPerEvent
            else {
                throw SallyError(
                    .denied, "event \(position.sequence) has its \(MintLog.mostPerEvent) tokens",
                    hint: "a new decision is needed")
            }
            let place = try log.append(
                "\(position.sequence) \(position.hash) \(record.cluster) \(record.user) \(record.purpose) \(record.time.rawValue)"
            )
            var at = entries.endIndex
            while at > 0, entries[at - 1].sequence > position.sequence { at -= 1 }
            entries.insert(Entry(sequence: position.sequence, place: place), at: at)
        }
    }

    func sync() async throws { try await log.sync() }
    func syncBlocking() throws { try log.syncBlocking() }

    /// Records of events after `after`, by sequence: `limit` of them and then all the rest of the last event's, so
    /// that asking again from there misses none.
    func records(after: Int64, limit: Int) throws -> [MintRecord] {
        let places = index.withLock { entries in
            let start = entries.partitioningIndex { $0.sequence > after }
            var end = min(start + limit, entries.count)
            while end > start, end < entries.count, entries[end].sequence == entries[end - 1].sequence { end += 1 }
            return entries[start..<end].map(\.place)
        }
        return try places.map { try parse(log.line(at: $0)) }
    }
}

private func parse(_ text: String) throws -> MintRecord {
    let fields = text.split(separator: " ", omittingEmptySubsequences: false)
    guard fields.count == 6, let sequence = Int64(fields[0]), let time = Int64(fields[5]) else {
        throw SallyError(.misconfigured, "a mint record cannot be read: \(quoted(text))")
    }
    return MintRecord(
        position: AuditPosition(sequence: sequence, hash: String(fields[1])),
        cluster: try ClusterName(String(fields[2])),
        user: String(fields[3]), purpose: String(fields[4]), time: Timestamp(time))
}

extension Array {
    /// The first index whose element satisfies `belongs`, which holds from some place on.
    fileprivate func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
