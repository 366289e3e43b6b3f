// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyModel
import Synchronization

/// Tells what goes on as StarCluster's documentation shows it: headings with `>>>` and bars on a terminal, plain lines
/// elsewhere. Bars show true counts, each once.
final class Announcer: Sendable {
    private let surroundings: Surroundings
    private let isSilent: Bool
    private let bars = Mutex(Bars())

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

    /// What failed, while something else goes on. Also told to those who asked for JSON.
    func fail(_ text: String) {
        endBar()
        for line in text.split(separator: "\n") { surroundings.tell("!!! ERROR - \(line)") }
    }

    /// What is heard while users are made.
    @Sendable func tell(_ news: ClusterRun.News) {
        switch news {
        case .waiting(let who): say("waiting for \(who), who changes accounts on this cluster")
        case .machines(let done, let total): bar(done, of: total)
        }
    }

    /// `12/30 ||||||              40%`; off a terminal only the last one, without the bar.
    func bar(_ done: Int, of total: Int) {
        guard !isSilent, total > 0 else { return }
        let line = bars.withLock { $0.next(done, of: total, onTerminal: surroundings.isTerminal) }
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
        if bars.withLock({ $0.end() }), surroundings.isTerminal { surroundings.tellPart("\n") }
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

/// Which bars are written: each once, and off a terminal only that one is full.
struct Bars {
    private var text = ""
    private var isOpen = false

    /// What is to be written now.
    mutating func next(_ done: Int, of total: Int, onTerminal: Bool) -> String? {
        let bar = Announcer.bar(done, of: total)
        guard bar != text else { return nil }
        text = bar
        isOpen = done < total
        if onTerminal { return "\r\(bar)" + (isOpen ? "" : "\n") }
        return isOpen ? nil : "\(done)/\(total) 100%\n"
    }

    /// - Returns: whether a line was begun that has not ended.
    mutating func end() -> Bool {
        defer { isOpen = false }
        return isOpen
    }
}
