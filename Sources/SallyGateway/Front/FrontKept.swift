// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmClient
import SlurmModel

/// One list of slurmrestd's as it is kept: the records packed, and found by what names them. Nothing in it changes.
final class FrontKept: Sendable {
    /// When it was asked for.
    let at: Timestamp
    /// What it takes of memory, nearly.
    let bytes: Int
    /// What the list lacks, as warnings of an answer.
    let warnings: [SlurmWarningEntry]
    /// Whether records are missing, and nobody knows which.
    let isPartial: Bool
    private let packed: [[UInt8]]
    private let places: [String: [Int32]]
    private let key: String

    /// A record on its way in.
    struct Row: Sendable {
        let name: String
        let packed: [UInt8]

        /// - Parameter key: of the field that it is found by.
        init(_ record: SlurmRecord, key: String) {
            name = record.text(key) ?? ""
            packed = record.packed
        }

        /// With what an array and an entry of the index take.
        var bytes: Int { packed.count + 80 }
    }

    init(_ list: ListedRecords<Row>, key: String, at: Timestamp) {
        let rows = list.elements
        warnings = list.warnings
        isPartial = list.passedOver > 0
        var places: [String: [Int32]] = [:]
        for (place, row) in rows.enumerated() { places[row.name, default: []].append(Int32(truncatingIfNeeded: place)) }
        packed = rows.map(\.packed)
        bytes = rows.reduce(0) { $0 + $1.bytes }
        self.places = places
        self.key = key
        self.at = at
    }

    var count: Int { packed.count }

    /// Unpacked for whoever asks: hold no more of them than need be.
    func record(_ place: Int) -> SlurmRecord? { SlurmRecord(packed: packed[place]) }

    /// Those of that name, byte for byte.
    func records(named name: String) -> [SlurmRecord] {
        (places[name] ?? []).compactMap { record(Int($0)) }
            .filter { haveSameBytes($0.text(key) ?? "", name) }
    }
}

extension ListedRecords {
    fileprivate var warnings: [SlurmWarningEntry] {
        let limit = "\(SlurmClient.largestRecord >> 20) MiB"
        var texts: [String] = []
        if lacksSteps { texts.append("no steps are listed: with them a job takes more than \(limit)") }
        if passedOver > 0 {
            texts.append("\(passedOver) of the jobs in accounting are missing: each takes more than \(limit)")
        }
        return texts.map { SlurmWarningEntry(description: $0, source: "sallyport") }
    }
}
