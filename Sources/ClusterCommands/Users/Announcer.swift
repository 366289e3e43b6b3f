// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyModel
import Synchronization

/// Tells what goes on as StarCluster's documentation shows it: headings with `>>>` and bars on a terminal, plain lines
/// elsewhere. Bars show true counts, each once.
final class Announcer: Sendable {
    private let surroundings: Surroundings
    private let isSilent: Bool
    private let last = Mutex<(text: String, isOpen: Bool)>(("", false))

    /// - Parameter isSilent: nothing but warnings, for those who asked for JSON.
    init(_ surroundings: Surroundings, isSilent: Bool) {
        self.surroundings = surroundings
        self.isSilent = isSilent
    }

    func say(_ text: String) {
        guard !isSilent else { return }
        endBar()
        surroundings.tell(surroundings.isTerminal ? ">>> \(text)" : text)
    }

    func warn(_ text: String) {
        endBar()
        for line in text.split(separator: "\n") { surroundings.tell("*** WARNING - \(line)") }
    }

    /// `12/30 ||||||              40%`; off a terminal only the last one, without the bar.
    func bar(_ done: Int, of total: Int) {
        guard !isSilent, total > 0 else { return }
        let text = Announcer.bar(done, of: total)
        let line: String? = last.withLock { last in
            guard last.text != text else { return nil }
            last = (text, done < total)
            if surroundings.isTerminal { return "\r\(text)" + (done < total ? "" : "\n") }
            return done < total ? nil : "\(done)/\(total) 100%\n"
        }
        if let line { surroundings.tellPart(line) }
    }

    /// In the 79 columns of StarCluster's bars.
    static func bar(_ done: Int, of total: Int) -> String {
        let share = min(done, total) * 100 / max(total, 1)
        let head = "\(done)/\(total) |"
        let tail = "| " + String(repeating: " ", count: 3 - min(3, "\(share)".count)) + "\(share)%  "
        let room = max(1, 79 - head.count - tail.count)
        let marks = share == 100 ? room : room * share / 100
        return head + String(repeating: "|", count: marks) + String(repeating: " ", count: room - marks) + tail
    }

    private func endBar() {
        let wasOpen = last.withLock { last in
            defer { last.isOpen = false }
            return last.isOpen
        }
        if wasOpen, surroundings.isTerminal { surroundings.tellPart("\n") }
    }

    /// `Configuring scratch space for user(s): a, b, c`, in lines of 60 columns.
    func list(_ heading: String, _ names: [String]) {
        var line = heading
        for (index, name) in names.enumerated() {
            let word = name + (index == names.count - 1 ? "" : ",")
            if line.count + 1 + word.count > 60 {
                say(line)
                line = word
            } else {
                line += " \(word)"
            }
        }
        say(line)
    }
}
