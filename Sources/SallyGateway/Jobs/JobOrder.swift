// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire

/// How a list of jobs is sorted. Among equals by job id, so that every order is total.
struct JobOrder: Sendable, Equatable {
    enum Field: String, Sendable, CaseIterable {
        case job, name, partition, account, state, submitted, started, ended
    }

    enum Direction: Sendable { case ascending, descending }

    var field: Field
    var direction: Direction

    static let byJob = JobOrder(field: .job, direction: .ascending)

    var isByJob: Bool { self == .byJob }

    /// As in the query: `submitted`, `-submitted`.
    var text: String { (direction == .descending ? "-" : "") + field.rawValue }

    /// - Throws: `.invalidRequest`.
    init(_ text: String) throws {
        let name = text.hasPrefix("-") ? String(text.dropFirst()) : text
        guard let field = Field(rawValue: name) else {
            throw SallyError(
                .invalidRequest, "sort \(quoted(text)) is not valid",
                hint: "one of \(Field.allCases.map(\.rawValue).joined(separator: ", ")), or with - for descending")
        }
        self.init(field: field, direction: name == text ? .ascending : .descending)
    }

    init(field: Field, direction: Direction) {
        self.field = field
        self.direction = direction
    }

    /// Short whatever a job is called: a cursor holds one and has to come back in a URL.
    struct Key: Sendable, Equatable {
        let number: Int64
        let text: String
        let job: JobID
        let displayID: String

        /// Bytes of a text that count.
        static let longest = 256

        /// - Parameters:
        ///   - text: its start counts, and among equals the job's number.
        init(number: Int64, text: String, job: JobID, displayID: String) {
            self.number = number
            self.text = Key.start(of: text)
            self.job = job
            self.displayID = Key.start(of: displayID)
        }

        /// Whole characters of Unicode.
        private static func start(of text: String) -> String {
            guard text.utf8.count > longest else { return text }
            var bytes = Array(text.utf8.prefix(longest))
            while true {
                if let start = String(validating: bytes, as: UTF8.self) { return start }
                bytes.removeLast()
            }
        }

        func precedes(_ other: Key, _ order: JobOrder) -> Bool {
            switch order.direction {
            case .ascending: isLess(than: other)
            case .descending: other.isLess(than: self)
            }
        }

        private func isLess(than other: Key) -> Bool {
            if number != other.number { return number < other.number }
            if !haveSameBytes(text, other.text) { return text.utf8.lexicographicallyPrecedes(other.text.utf8) }
            if job != other.job { return job < other.job }
            return displayID.utf8.lexicographicallyPrecedes(other.displayID.utf8)
        }
    }

    func key(_ job: QueuedJob) -> Key {
        let view = job.view
        let number: Int64 =
            switch field {
            case .job, .name, .partition, .account, .state: 0
            case .submitted: view.submitted?.rawValue ?? 0
            case .started: view.started?.rawValue ?? 0
            case .ended: view.ended?.rawValue ?? 0
            }
        let text =
            switch field {
            case .job, .submitted, .started, .ended: ""
            case .name: view.name
            case .partition: view.partition
            case .account: view.account
            case .state: view.states.first ?? ""
            }
        return Key(number: number, text: text, job: view.job, displayID: view.displayID)
    }
}
