// SPDX-License-Identifier: Apache-2.0

/// Where a conversation stands: what was heard from the shell, and what somebody waits for.
///
/// Pure: `ShellLine` holds it in a lock and does what it answers.
struct ShellState {
    enum Phase: Equatable {
        /// Started; has not said that it is ready.
        case opening
        case idle
        case running
        /// A script ended the shell.
        case exited
        /// Given up: a deadline, a limit, a cancellation. What runs there is killed at the end.
        case broken
        /// There never was a shell.
        case refused
        /// The connection or the shell is gone. What it started may still be there.
        case lost
    }
    enum Stream: CaseIterable { case output, error }
    enum Refusal: Error, Equatable {
        case busy
        case ended
        /// With the end of what was written on standard error.
        case lost(opened: Bool, said: String)
        case killed(status: Int32)
        case outputLimit
    }

    private(set) var phase = Phase.opening
    private let limit: Int
    private var streams: [Stream: MarkedStream]
    private var ends: [Stream: MarkedStream.End] = [:]
    private var open = Set(Stream.allCases)
    /// What came on standard error before the shell was ready: words of ssh, podman or a login shell.
    private var prelude: [UInt8] = []

    init(mark: ShellMark, outputLimit: Int) {
        limit = outputLimit
        streams = [.output: MarkedStream(mark), .error: MarkedStream(mark)]
    }

    /// A script is about to be sent.
    mutating func begin() throws(Refusal) {
        switch phase {
        case .idle: phase = .running
        case .opening, .running: throw .busy
        case .exited, .broken, .refused: throw .ended
        case .lost: throw lost(opened: true)
        }
    }

    /// - Returns: how what was waited for ended, nil while it has not.
    mutating func heard(_ bytes: [UInt8], on stream: Stream) -> Result<Completion, Refusal>? {
        guard phase == .opening || phase == .running || phase == .idle, var heard = streams[stream] else { return nil }
        heard.append(bytes)
        if ends[stream] == nil, phase != .idle, let end = heard.next() { ends[stream] = end }
        streams[stream] = heard
        // What has no end yet may hold the beginning of one.
        if max(heard.bytes.count - MarkedStream.longestEnd, ends[stream]?.before.count ?? 0) > limit {
            phase = .broken
            return .failure(.outputLimit)
        }
        guard let output = ends[.output], let error = ends[.error] else { return nil }
        ends = [:]
        return settle(output, error)
    }

    private mutating func settle(
        _ output: MarkedStream.End, _ error: MarkedStream.End
    ) -> Result<Completion, Refusal> {
        switch output.word {
        case .ready:
            phase = .idle
            prelude = error.before
            return .success(Completion(status: 0, standardOutput: [], standardError: []))
        case .end: phase = .idle
        case .exit:
            phase = .exited
            // A shell says 128 and the signal; nobody exits with such a number of himself.
            if output.status > 128 { return .failure(.killed(status: output.status)) }
        }
        return .success(
            Completion(status: output.status, standardOutput: output.before, standardError: error.before))
    }

    /// One of the outputs has come to its end.
    mutating func closed(_ stream: Stream) -> Result<Completion, Refusal>? {
        open.remove(stream)
        guard open.isEmpty else { return nil }
        switch phase {
        case .opening:
            phase = .refused
            return .failure(lost(opened: false))
        case .running:
            phase = .lost
            return .failure(lost(opened: true))
        case .idle:
            phase = .lost
            return nil
        case .exited, .broken, .refused, .lost: return nil
        }
    }

    mutating func giveUp() {
        switch phase {
        case .opening, .idle, .running: phase = .broken
        case .exited, .broken, .refused, .lost: break
        }
    }

    private func lost(opened: Bool) -> Refusal {
        let said = (ends[.error]?.before ?? []) + (streams[.error]?.bytes ?? [])
        return .lost(
            opened: opened, said: String(decoding: (opened ? said : prelude + said).suffix(4096), as: UTF8.self))
    }
}
