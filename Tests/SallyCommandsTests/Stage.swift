// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyCommands
import SallyModel
import SallyTestSupport
import Synchronization
import Testing

/// A gateway of prepared answers that remembers what it was asked.
final class FakeExchange: HTTPExchange {
    struct Asked: Sendable, Equatable {
        var line: String
        var body: String
        var key: String?
        var bearer: String?
        var last: String?
    }

    private let answers: Mutex<[String: [WireReply]]>
    let asked = Mutex<[Asked]>([])
    private let told: @Sendable (WireRequest) -> Void

    /// - Parameters:
    ///   - answers: for `METHOD PATH`, one after the other, the last one again and again.
    ///   - stale: how old they say that they are.
    ///   - told: of every request.
    init(
        _ answers: [String: [(Int, String)]], stale: Int?, _ told: @escaping @Sendable (WireRequest) -> Void
    ) {
        self.told = told
        self.answers = Mutex(
            answers.mapValues {
                $0.map {
                    WireReply(
                        status: $0.0, contentType: "application/json", body: Array($0.1.utf8), stale: stale)
                }
            })
    }

    func perform(_ request: WireRequest) async throws -> WireReply {
        told(request)
        let line = "\(request.method.rawValue) \(request.path)"
        func header(_ name: String) -> String? { request.headers.first { $0.name == name }?.value }
        asked.withLock {
            $0.append(
                Asked(
                    line: line, body: String(decoding: request.body ?? [], as: UTF8.self),
                    key: header("Idempotency-Key"), bearer: header("Authorization"), last: header("Last-Event-ID")))
        }
        let reply = answers.withLock { answers -> WireReply? in
            guard let list = answers[line], let first = list.first else { return nil }
            if list.count > 1 { answers[line] = Array(list.dropFirst()) }
            return first
        }
        if reply == nil, request.path.contains("/job-events") {
            // A gateway that has none.
            return WireReply(status: 404, contentType: "application/json", body: Array("{}".utf8))
        }
        guard let reply else {
            Issue.record("unexpected request: \(line)")
            throw SallyError(.internal, "unexpected request \(line)")
        }
        if reply.status == 0 { throw SallyError(.unavailable, "the gateway at https://a.example does not answer") }
        return reply
    }

    func close() async {}
}

final class Kept: ByteOutput {
    let bytes = Mutex<[UInt8]>([])
    let isTerminal: Bool
    let window: WindowSize?
    init(isTerminal: Bool = false, window: WindowSize? = nil) {
        self.isTerminal = isTerminal
        self.window = window
    }
    func write(_ more: [UInt8]) throws { bytes.withLock { $0 += more } }
    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
}

/// 2033-05-18T03:33:20Z, and each time it is looked at `step` later.
final class StageClock: WallClock {
    private let looks = Mutex<Int64>(0)
    private let step: Int64

    init(step: Duration = .zero) { self.step = step.components.seconds }

    var now: Timestamp {
        looks.withLock { looks in
            defer { looks += 1 }
            return Timestamp(2_000_000_000 + looks * step)
        }
    }
}

/// What a run of sally did.
struct Performance {
    var status: Int32
    var output: String
    var talk: String
    /// What it would have said if it had been interrupted, in order; nil for nothing.
    var notes: [String?]
    var asked: [FakeExchange.Asked]
    var lines: [String] { asked.map(\.line) }
}

/// Runs sally, signed in as alice in context `c`, cluster `demo`, against prepared answers.
func sally(
    _ arguments: [String], answers: [String: [(Int, String)]] = [:], environment: [String: String] = [:],
    files: [String: String] = [:], input: String? = nil, typed: [String] = [], terminal: Bool = false,
    window: WindowSize? = nil, clock: StageClock = StageClock(),
    zone: @escaping @Sendable (Timestamp) -> Int64 = { _ in 0 },
    signedIn: Bool = true, stale: Int? = nil, start: @escaping @Sendable ([String]) -> StartedProgram? = { _ in nil },
    asked: @escaping @Sendable (WireRequest) -> Void = { _ in }
) async throws -> Performance {
    try await withScratchFolder { folder in
        let store = ContextStore(folder: folder)
        let gateway = try GatewayAddress("https://a.example")
        if signedIn {
            let context = GatewayContext(
                name: try ContextName("c"), gateway: gateway, cluster: try ClusterName("demo"), caFile: nil)
            try await store.update {
                $0.put(context)
                $0.current = context.name
            }
            try store.save(
                StoredSession(
                    gateway: gateway, user: try UserName("alice"), accessToken: Secret("the-access-token"),
                    expires: Timestamp(3_000_000_000), refreshToken: Secret("the-refresh-token"),
                    sessionExpires: Timestamp(3_000_000_000)), context.name)
        }
        let exchange = FakeExchange(answers, stale: stale, asked)
        let output = Kept(isTerminal: terminal, window: window)
        let talk = Kept()
        let lines = Mutex(typed)
        let notes = Mutex<[String?]>([])
        let here = Surroundings(
            environment: environment.merging(["SALLY_CONFIG_DIR": folder]) { _, new in new }, output: output,
            talk: talk,
            inputIsTerminal: input == nil && terminal,
            readLine: { lines.withLock { $0.isEmpty ? nil : $0.removeFirst() } },
            readInput: { _ in Array((input ?? "").utf8) },
            readFile: { path, _ in
                guard let text = files[path] else { throw SallyError(.invalidRequest, "cannot open \(path)") }
                return Array(text.utf8)
            },
            clock: clock, zone: zone, sleep: { _ in }, exchange: { _, _ in exchange }, start: start,
            replace: { _, _ in },
            ifInterrupted: { note in notes.withLock { $0.append(note) } },
            program: "/nowhere/sally", host: "laptop")
        let status = await SallyMain.run(arguments, in: here)
        return Performance(
            status: status, output: output.text, talk: talk.text, notes: notes.withLock { $0 },
            asked: exchange.asked.withLock { $0 })
    }
}

/// JSON of a job as the gateway gives it.
func job(_ states: String, _ more: String = "") -> String {
    """
    {"job":7,"id":"7","cluster":"demo","name":"train","user":"alice","account":"lab","partition":"debug","states":[\(states)]\(more)}
    """
}
