// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `sally jobs --watch`, running beside a test.
struct WatchingProgram: Sendable {
    fileprivate let folder: String

    fileprivate func read(_ name: String) async throws -> String {
        try await runProgram("/bin/cat", ["\(folder)/\(name)"]).output
    }

    /// What it has shown so far.
    var output: String { get async throws { try await read("out") } }

    /// Waits for a line of this job that has all of `words`.
    func shows(_ job: String, _ words: String...) async throws {
        try await eventually("job \(job) is shown with \(words)") {
            try await output.split(separator: "\n").contains { line in
                line.hasPrefix("\(job)  ") && words.allSatisfy { line.contains($0) }
            }
        }
    }

    /// Waits for a word beside the list.
    func says(_ word: String) async throws {
        try await eventually("it is said: \(word)") { try await read("errors").contains(word) }
    }
}

extension Stack {
    /// Runs `sally jobs --watch` for `body`, and interrupts it afterwards.
    func watchingJobs(
        _ user: String, _ arguments: [String], _ body: (WatchingProgram) async throws -> Void
    ) async throws {
        try await withScratchFolder { folder in
            let watch = WatchingProgram(folder: folder)
            let start = #"echo $$ >"$0/pid"; exec "$@" >"$0/out" 2>"$0/errors""#
            try await withThrowingTaskGroup(of: ProgramResult.self) { group in
                group.addTask {
                    try await run(
                        "/bin/sh", ["-c", start, folder, "\(state)/bin/sally", "jobs", "--watch"] + arguments,
                        with: ["SALLY_CONTEXT": user])
                }
                var found: Int32?
                try await eventually("it runs") {
                    found = Int32(try await watch.read("pid").filter(\.isNumber))
                    return found != nil
                }
                let process = try #require(found)
                do {
                    try await body(watch)
                } catch {
                    kill(process, SIGINT)
                    throw error
                }
                kill(process, SIGINT)
                let ended = try #require(try await group.next())
                let talk = try await watch.read("errors")
                #expect(ended.status == 130, "\(ended) \(talk)")
            }
        }
    }
}
