// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallySocket
import Synchronization

/// For which decisions output was read, on the disk before it is read; in memory 16 bytes each say where.
///
/// A decision is a place in the audit chain, which the steward cannot see: `audit verify` compares. What is kept here is
/// that one decision pays for the output of one job, that it does so for a while and not for ever, and that nobody reads
/// without naming one.
final class OutputLog: Sendable {
    private let log: DurableLog
    /// By sequence, which is unique.
    private let index: Mutex<[Entry]>

    private struct Entry {
        var sequence: Int64
        var place: Int64
    }

    /// - Throws: `SallyError(.misconfigured)` when a line is damaged.
    init(path: String) throws {
        var entries: [Entry] = []
        log = try DurableLog(path: path) { text, place in
            let record: OutputRecord = try KeepJSON.message(from: text)
            entries.append(Entry(sequence: record.position.sequence, place: place))
        }
        index = Mutex(entries.sorted { $0.sequence < $1.sequence })
    }

    /// - Throws: `SallyError(.denied)` when the decision has paid for something else, or too long ago; `.invalidRequest`
    ///   for a place that no event can have.
    func check(_ request: ReadOutputRequest, at now: Timestamp) throws {
        _ = try index.withLock { try known(request, $0, now) }
    }

    /// Writes the reading down, unless the decision has paid for it already; durable when this returns.
    ///
    /// - Throws: as `check`; `.unavailable` when it was not written.
    func pay(_ request: ReadOutputRequest, at now: Timestamp) async throws {
        try index.withLock { entries in
            guard try known(request, entries, now) == nil else { return }
            let record = OutputRecord(
                position: request.position, cluster: request.cluster, user: request.user, job: request.job, time: now)
            let place = try log.append(KeepJSON.text(record))
            let entry = Entry(sequence: request.position.sequence, place: place)
            entries.insert(entry, at: first(in: entries) { $0.sequence > entry.sequence })
        }
        try await log.sync()
    }

    /// Records of events after `after`, by sequence.
    func records(after: Int64, limit: Int) throws -> [OutputRecord] {
        let places = index.withLock { entries in
            entries[first(in: entries) { $0.sequence > after }...].prefix(limit).map(\.place)
        }
        return try places.map { try KeepJSON.message(from: log.line(at: $0)) }
    }

    private func known(_ request: ReadOutputRequest, _ entries: [Entry], _ now: Timestamp) throws -> OutputRecord? {
        guard request.position.isWellFormed else {
            throw SallyError(.invalidRequest, "an audit position is a positive number and 64 hexadecimal digits")
        }
        let sequence = request.position.sequence
        let at = first(in: entries) { $0.sequence >= sequence }
        guard at < entries.count, entries[at].sequence == sequence else { return nil }
        let record: OutputRecord = try KeepJSON.message(from: log.line(at: entries[at].place))
        guard record.position == request.position, record.cluster == request.cluster, record.user == request.user,
            record.job == request.job
        else {
            throw SallyError(
                .denied, "event \(sequence) has paid for other output", hint: "a new decision is needed")
        }
        let age = now.rawValue - record.time.rawValue
        guard age >= 0, age <= OutputRecord.life.components.seconds else {
            throw SallyError(
                .denied, "event \(sequence) pays for no more output: it is older than \(OutputRecord.life)",
                hint: "a new decision is needed")
        }
        return record
    }

    /// The first index whose entry satisfies `belongs`, which holds from some place on.
    private func first(in entries: [Entry], where belongs: (Entry) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if belongs(entries[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
