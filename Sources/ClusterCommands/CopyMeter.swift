// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import Synchronization

/// Shows how far a copy is: a line that changes on a terminal, one line for each thing elsewhere.
final class CopyMeter: Sendable {
    private struct Shown {
        var name: String?
        var begun = ContinuousClock.now
        var last = ContinuousClock.now
    }

    private let surroundings: Surroundings
    private let shown = Mutex(Shown())

    init(_ surroundings: Surroundings) { self.surroundings = surroundings }

    @Sendable func show(_ step: FileCopy.Step) {
        let now = ContinuousClock.now
        // Ten times a second is what an eye follows.
        let line: String? = shown.withLock { shown in
            if shown.name != step.name { shown = Shown(name: step.name, begun: now, last: now - .seconds(1)) }
            let isDue = surroundings.isTerminal && now - shown.last >= .milliseconds(100)
            guard step.isComplete || isDue else { return nil }
            shown.last = now
            let text = CopyMeter.line(step, after: now - shown.begun)
            return (surroundings.isTerminal ? "\r\(text)\u{1b}[K" : text) + (step.isComplete ? "\n" : "")
        }
        if let line { surroundings.tellPart(line) }
    }

    /// `data.tar  12.0 MiB of 48.0 MiB  25%  6.0 MiB/s`.
    static func line(_ step: FileCopy.Step, after time: Duration) -> String {
        let share = step.total == 0 ? 100 : step.done * 100 / step.total
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        let rate = seconds > 0 ? Int64(Double(step.done) / seconds) : 0
        return "\(step.name)  \(size(step.done)) of \(size(step.total))  \(share)%  \(size(rate))/s"
    }

    static func size(_ bytes: Int64) -> String {
        var value = bytes * 10
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 10240 { return unit == "B" ? "\(bytes) B" : "\(value / 10).\(value % 10) \(unit)" }
            value /= 1024
        }
        return "\(value / 10).\(value % 10) TiB"
    }
}
