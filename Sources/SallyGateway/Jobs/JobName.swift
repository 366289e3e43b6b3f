// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel

/// A job as lists show it: what Slurm's commands take (`JobTarget`), and `123_[5-9%2]`, the record of those tasks of an array that
/// wait.
struct JobName: Sendable, CustomStringConvertible {
    private enum Meaning {
        case target(JobTarget)
        /// What waits in one record changes from moment to moment: the list is that record's name, and no list of tasks.
        case waiting(JobID)
    }

    private let meaning: Meaning
    let description: String

    private init(_ meaning: Meaning, _ description: String) {
        self.meaning = meaning
        self.description = description
    }

    init(_ target: JobTarget) { self.init(.target(target), "\(target)") }

    /// - Throws: `.invalidRequest`.
    init(_ text: String) throws {
        guard text.hasSuffix("]"), let open = text.firstRange(of: "_[") else {
            self.init(try JobTarget(text))
            return
        }
        let tasks = text[open.upperBound...].dropLast()
        guard let job = try? JobID(text[..<open.lowerBound]),  // the refusal names all that is taken
            !tasks.isEmpty, tasks.utf8.allSatisfy(JobName.isOfTasks)
        else { throw JobTarget.refusal(text) }
        self.init(.waiting(job), "\(job)_[\(tasks)]")
    }

    /// What a path has: `RequestRules` lets through such escapes alone as a name needs.
    init(path: String) throws {
        let escapes = [("%5B", "["), ("%5D", "]"), ("%2C", ","), ("%3A", ":"), ("%25", "%")]
        let text = path.contains("%") ? path.uppercased() : path
        try self.init(escapes.reduce(text) { $0.replacing($1.0, with: $1.1) })
    }

    /// Indexes, ranges, steps, the throttle, and the dots where Slurm cuts a long list short.
    private static func isOfTasks(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || "-,:%.".utf8.contains(byte)
    }

    /// The number that was submitted.
    var job: JobID {
        switch meaning {
        case .target(let target): target.job
        case .waiting(let job): job
        }
    }

    /// The number by which the queue finds it.
    var number: JobID {
        switch meaning {
        case .target(let target): target.number
        case .waiting(let job): job
        }
    }

    enum Found {
        case one(QueuedJob)
        /// Several, none of which has that very name.
        case several
        case nothing
    }

    /// The one that is meant. A number that is an array's means what of it waits, or else its lowest task. Of one job that stands
    /// there several times, since it began again, the last counts.
    func find(among records: [QueuedJob]) -> Found {
        switch meaning {
        case .target(let target):
            guard target.part != nil else { return whole(target.job, records).map(Found.one) ?? .nothing }
            if let exact = records.last(where: { $0.view.displayID == description }) { return .one(exact) }
            let named = records.filter { $0.isNamed(by: target) }
            guard let last = named.last else { return .nothing }
            return named.allSatisfy { $0.id == last.id } ? .one(last) : .several
        case .waiting(let job):
            if let exact = records.last(where: { $0.view.displayID == description }) { return .one(exact) }
            return records.contains { $0.array == job } ? .several : .nothing
        }
    }

    private func whole(_ job: JobID, _ records: [QueuedJob]) -> QueuedJob? {
        let parts = records.filter { $0.array == job }
        guard !parts.isEmpty else { return records.last { $0.id == job } }
        if let rest = parts.last(where: \.isWaitingRest) { return rest }
        return parts.reduce(nil as QueuedJob?) { lowest, job in
            guard let lowest, lowest.task ?? .max < job.task ?? .max else { return job }
            return lowest
        }
    }
}

extension QueuedJob {
    /// Its index in its array; nil where it is no task, or several.
    fileprivate var task: Int? {
        guard case .task(let index) = try? JobTarget(view.displayID).part else { return nil }  // a list of tasks
        return index
    }
}
