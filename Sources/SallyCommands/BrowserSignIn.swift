// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel

/// The browser's part of a sign-in: opens the page, waits for the code at the loopback address, and says at once when
/// the program that should have opened it failed.
struct BrowserSignIn {
    private enum Event: Sendable {
        case code(String)
        case ended(Int32)
    }

    private static let patience: Duration = .seconds(300)

    let page: String
    let listener: LoopbackListener
    let here: Surroundings

    /// - Throws: `SallyError(.unavailable)` when the browser's program failed and nobody is there to open the page;
    ///   what the listener throws.
    func code() async throws -> String {
        guard let words = Browser.program(here.environment) else {
            try here.say(
                "open this page in a browser on this machine (elsewhere: `sally login --no-browser`):\n\n  \(page)\n")
            return try await listener.code(within: BrowserSignIn.patience)
        }
        guard let started = here.start(words + [page]) else {
            try failed("cannot start the browser program \(quoted(words[0]))")
            return try await listener.code(within: BrowserSignIn.patience)
        }
        try here.say("a browser opens for signing in; if none does, open this page on this machine:\n\n  \(page)\n")
        return try await watched(started, words[0])
    }

    private func watched(_ started: StartedProgram, _ name: String) async throws -> String {
        try await withThrowingTaskGroup(of: Event.self) { group in
            group.addTask { [listener] in .code(try await listener.code(within: BrowserSignIn.patience)) }
            group.addTask { .ended(try await started.exitStatus()) }
            defer { group.cancelAll() }
            while let event = try await group.next() {
                switch event {
                case .code(let code): return code
                case .ended(0): break  // it handed the page to a browser that runs already
                case .ended(let status): try failed("the browser program \(quoted(name)) failed with status \(status)")
                }
            }
            throw CancellationError()
        }
    }

    /// A person at a terminal can still open the page; a script would wait in vain.
    private func failed(_ what: String) throws {
        let hint = "set SALLY_BROWSER to a program that opens pages, or run `sally login --no-browser`"
        guard here.inputIsTerminal else {
            throw SallyError(.unavailable, what, hint: "\(hint); the page was \(page)")
        }
        try here.say(
            "sally: \(what)\n  open this page in a browser on this machine:\n\n  \(page)\n\n  or interrupt; \(hint)")
    }
}

/// Which program opens pages.
enum Browser {
    /// The program and its first arguments; nil where there is no screen.
    static func program(_ environment: [String: String]) -> [String]? {
        for name in ["SALLY_BROWSER", "BROWSER"] {
            let words = (environment[name] ?? "").split(separator: " ").map(String.init)
            if !words.isEmpty { return words }
        }
        #if os(macOS)
        return ["open"]
        #else
        let screen = ["DISPLAY", "WAYLAND_DISPLAY"].contains { environment[$0]?.isEmpty == false }
        return screen ? ["xdg-open"] : nil
        #endif
    }
}
