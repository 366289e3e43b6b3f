// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy

/// Compares what the steward says it read with the chain. Pure: events go in one after the other.
struct ReadVerifier {
    private var open: [Int64: AuditRead] = [:]
    private(set) var problems: [AuditProblem] = []

    init(_ reads: [AuditRead]) {
        for read in reads where open.updateValue(read, forKey: read.position.sequence) != nil {
            note(read.position.sequence, "the steward names event \(read.position.sequence) twice")
        }
    }

    mutating func check(_ event: AuditEvent) {
        guard let read = open.removeValue(forKey: event.sequence) else { return }
        guard event.hash == read.position.hash else { return missing(read) }
        guard event.action == ReadOutput.name, event.outcome == .allowed, event.cluster == read.cluster.rawValue,
            event.target == "\(read.job)", event.actor.hasPrefix("person:"), event.actor.hasSuffix(":\(read.user)")
        else {
            return note(
                event.sequence,
                "output of job \(read.job) on \(read.cluster) was read as \(read.user) for event \(event.sequence), which is about something else"
            )
        }
        guard AuditPosition.pays(for: read.time, decided: event.time) else {
            return note(
                event.sequence,
                "output of job \(read.job) on \(read.cluster) was read at \(read.time), for event \(event.sequence) of \(event.time)",
                .readOutOfTime)
        }
    }

    /// After the last event.
    mutating func finish() {
        for read in open.values.sorted(by: { $0.position.sequence < $1.position.sequence }) { missing(read) }
    }

    private mutating func missing(_ read: AuditRead) {
        let sequence = read.position.sequence
        note(
            sequence,
            "output of job \(read.job) on \(read.cluster) was read as \(read.user) for event \(sequence), which is not in the chain"
        )
    }

    private mutating func note(_ sequence: Int64, _ message: String, _ kind: AuditProblem.Kind = .readWithoutEvent) {
        problems.append(AuditProblem(kind: kind, sequence: sequence, message: message))
    }
}
