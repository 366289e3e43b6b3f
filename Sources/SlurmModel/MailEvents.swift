// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What Slurm writes mail about (sbatch(1) --mail-type).
package struct MailEvents: Sendable, Hashable, CustomStringConvertible {
    enum Event: String, Sendable, CaseIterable {
        case begin = "BEGIN"
        case end = "END"
        case fail = "FAIL"
        case requeue = "REQUEUE"
        case invalidDependency = "INVALID_DEPEND"
        case stageOut = "STAGE_OUT"
        case timeLimit = "TIME_LIMIT"
        case timeLimit90 = "TIME_LIMIT_90"
        case timeLimit80 = "TIME_LIMIT_80"
        case timeLimit50 = "TIME_LIMIT_50"
        case arrayTasks = "ARRAY_TASKS"

        /// In the words of v0.0.40 and later (JOB_MAIL_FLAGS in parsers.c).
        var flag: String {
            switch self {
            case .begin, .end, .fail, .requeue, .stageOut, .arrayTasks: rawValue
            case .invalidDependency: "INVALID_DEPENDENCY"
            case .timeLimit: "TIME=100%"
            case .timeLimit90: "TIME=90%"
            case .timeLimit80: "TIME=80%"
            case .timeLimit50: "TIME=50%"
            }
        }
    }

    /// In the order of the manual; empty for NONE.
    let events: [Event]

    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        var asked: Set<Event> = []
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.uppercased() }
        for word in words {
            switch (word, Event(rawValue: word)) {
            case ("NONE", _) where words.count == 1: break
            case ("ALL", _): asked.formUnion([.begin, .end, .fail, .invalidDependency, .requeue, .stageOut])
            case (_, let event?): asked.insert(event)
            case (_, nil):
                throw SallyError(
                    .invalidRequest, "mail_type \(quoted(text)) is not valid",
                    hint: "NONE, ALL, or a list of " + Event.allCases.map(\.rawValue).joined(separator: ", "))
            }
        }
        events = Event.allCases.filter(asked.contains)
    }

    /// The words of v0.0.40 and later, and texts with several, as --mail-type has them.
    static func option(_ words: [String]) -> String {
        words.flatMap { $0.split(separator: ",") }.map { word in
            let word = word.uppercased()
            return Event.allCases.first { $0.flag == word }?.rawValue ?? word
        }.joined(separator: ",")
    }

    package var description: String {
        events.isEmpty ? "NONE" : events.map(\.rawValue).joined(separator: ",")
    }
}
