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
///
/// A token of the service account to read has no event, and so the sequence 0 and `-` for a hash, which no position of an
/// event has. Such records are only counted: a gateway takes one every 45 seconds and cluster, and nothing pays for it.
/// They are written and brought to the disk like all others.
final class MintLog: Sendable {
    private let log: DurableLog
    private let state: Mutex<State>

    private struct State {
        /// By sequence, then place.
        var index: [Entry]
        var reads: Int
    }

    private struct Entry {
        var sequence: Int64
        var place: Int64
    }

    /// How many tokens one decision pays for: a retry needs a few.
    static let mostPerEvent = 8

    /// - Throws: `SallyError(.misconfigured)` when a line is damaged.
    init(path: String) throws {
        var entries: [Entry] = []
        var reads = 0
        log = try DurableLog(path: path) { text, place in
            let position = try parse(text).position
            if position == noEvent {
                reads += 1
            } else {
                entries.append(Entry(sequence: position.sequence, place: place))
            }
        }
        entries.sort { ($0.sequence, $0.place) < ($1.sequence, $1.place) }
        state = Mutex(State(index: entries, reads: reads))
    }

    /// How many tokens the service account got for reading.
    var serviceReads: Int { state.withLock(\.reads) }

    /// Writes down a token of the service account to read.
    func append(_ purpose: ServicePurpose, by user: String, on cluster: ClusterName, at time: Timestamp) throws {
        try state.withLock { state in
            try log.append(
                line(
                    MintRecord(
                        position: noEvent, cluster: cluster, user: user, purpose: purpose.rawValue, time: time)))
            state.reads += 1
        }
    }

    /// Writes down a token that a decision pays for.
    ///
    /// - Precondition: the position is well-formed.
    /// - Throws: `SallyError(.denied)` when the decision has paid for all the tokens that it may.
    func append(_ record: MintRecord) throws {
        let position = record.position
        try state.withLock { state in
            let first = state.index.partitioningIndex { $0.sequence >= position.sequence }
            guard
                state.index[first...].prefix(MintLog.mostPerEvent).count(where: { $0.sequence == position.sequence })
                    < MintLog.mostPerEvent
            else {
                throw SallyError(
                    .denied, "event \(position.sequence) has its \(MintLog.mostPerEvent) tokens",
                    hint: "a new decision is needed")
            }
            let place = try log.append(line(record))
            var at = state.index.endIndex
            while at > 0, state.index[at - 1].sequence > position.sequence { at -= 1 }
            state.index.insert(Entry(sequence: position.sequence, place: place), at: at)
        }
    }

    func sync() async throws { try await log.sync() }
    func syncBlocking() throws { try log.syncBlocking() }

    /// Records of events after `after`, by sequence: `limit` of them and then all the rest of the last event's, so
    /// that asking again from there misses none.
    func records(after: Int64, limit: Int) throws -> [MintRecord] {
        let places = state.withLock { state in
            let entries = state.index
            let start = entries.partitioningIndex { $0.sequence > after }
            var end = min(start + limit, entries.count)
            while end > start, end < entries.count, entries[end].sequence == entries[end - 1].sequence { end += 1 }
            return entries[start..<end].map(\.place)
        }
        return try places.map { try parse(log.line(at: $0)) }
    }
}

/// Where records stand that no event pays for.
private let noEvent = AuditPosition(sequence: 0, hash: "-")

private func line(_ record: MintRecord) -> String {
    "\(record.position.sequence) \(record.position.hash) \(record.cluster) \(record.user) \(record.purpose) \(record.time.rawValue)"
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
