// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallySocket
import Synchronization

/// Every head of the audit chain that was countersigned, on the disk; in memory 24 bytes each say where and when.
///
/// The signer cannot see whether a new head continues the one before it. Only the heads that it signed earlier tell
/// `audit verify` that a chain was rewritten below its newest one, so none is ever forgotten.
///
/// A line has about 105 bytes. The gateway has a head countersigned every ten seconds in which something was recorded: at
/// the very most, day and night, 3.2 million a year, which are 330 MB on the disk and 75 MB in memory; office hours with an
/// event in every third interval make a tenth of that. `Countersigner.mostPerMinute` bounds what a broken gateway can add.
final class HeadLog: Sendable {
    private let log: DurableLog
    /// By sequence, and so by place.
    private let index: Mutex<[Entry]>

    private struct Entry {
        var sequence: Int64
        var place: Int64
        /// When it was signed; where the clock was set back, when the one before it was.
        var time: Timestamp
    }

    /// - Throws: `SallyError(.misconfigured)` when a line is damaged or out of order.
    init(path: String) throws {
        var entries: [Entry] = []
        log = try DurableLog(path: path) { text, place in
            let (head, time) = try parse(text)
            let sequence = head.sequence
            guard sequence > entries.last?.sequence ?? 0 else {
                throw SallyError(
                    .misconfigured, "\(quoted(path)) has head \(sequence) after a later one",
                    hint: "restore it from a backup")
            }
            entries.append(Entry(sequence: sequence, place: place, time: max(time, entries.last?.time ?? time)))
        }
        index = Mutex(entries)
    }

    /// The newest head.
    func last() throws -> AuditPosition? {
        try index.withLock(\.last).map { try parse(log.line(at: $0.place)).head }
    }

    /// Adds a head; on the disk when this returns.
    ///
    /// - Precondition: it is newer than every head before. `Countersigner` checked that.
    func append(_ position: AuditPosition, at time: Timestamp) throws {
        try index.withLock { entries in
            let place = try log.append("\(position.sequence) \(position.hash) \(time.rawValue)")
            entries.append(
                Entry(sequence: position.sequence, place: place, time: max(time, entries.last?.time ?? time)))
        }
        try log.syncBlocking()
    }

    /// The head that was countersigned at event `sequence`.
    func head(at sequence: Int64) throws -> AuditPosition? {
        let entry = index.withLock { entries in
            let at = entries.partitioningIndex { $0.sequence >= sequence }
            return at < entries.count && entries[at].sequence == sequence ? entries[at] : nil
        }
        return try entry.map { try parse(log.line(at: $0.place)).head }
    }

    /// Heads of events after `after`, by sequence, at most `limit`.
    func heads(after: Int64, limit: Int) throws -> [AuditPosition] {
        let places = index.withLock { entries in
            entries[entries.partitioningIndex { $0.sequence > after }...].prefix(limit).map(\.place)
        }
        return try places.map { try parse(log.line(at: $0)).head }
    }

    /// The newest event of which a head was signed before `time`; 0 when there is none. Every event up to there is older.
    func newest(before time: Timestamp) -> Int64 {
        index.withLock { entries in
            let end = entries.partitioningIndex { $0.time >= time }
            return end > 0 ? entries[end - 1].sequence : 0
        }
    }
}

private func parse(_ text: String) throws -> (head: AuditPosition, time: Timestamp) {
    let fields = text.split(separator: " ", omittingEmptySubsequences: false)
    guard fields.count == 3, let sequence = Int64(fields[0]), let time = Int64(fields[2]) else {
        throw SallyError(.misconfigured, "a countersigned head cannot be read: \(quoted(text))")
    }
    return (AuditPosition(sequence: sequence, hash: String(fields[1])), Timestamp(time))
}
