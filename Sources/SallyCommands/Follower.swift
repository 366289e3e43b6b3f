// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import SlurmModel

/// Watches one job, or a part of one, until it has ended: says why it waits, passes its output on.
///
/// The gateway may be away for a while (it is restarted, the laptop sleeps): questions are asked again for ten minutes.
struct Follower {
    private static let patience: Duration = .seconds(600)

    let gateway: GatewayClient
    let cluster: ClusterName
    let job: JobTarget
    let here: Surroundings
    private let news: JobNews

    /// A job that waits is looked at so often whatever is heard of it.
    private static let longestWait = Duration.seconds(60)

    init(gateway: GatewayClient, cluster: ClusterName, job: JobTarget, here: Surroundings) {
        self.gateway = gateway
        self.cluster = cluster
        self.job = job
        self.here = here
        news = JobNews(gateway: gateway, cluster: cluster, here: here)
    }

    /// - Returns: the job, ended.
    /// - Throws: what the gateway refuses; `SallyError(.unavailable)` when it is away for more than ten minutes.
    @discardableResult
    func stream(_ reader: inout OutputReader, _ put: (OutputView, [UInt8]) throws -> Void) async throws -> JobView {
        var said = ""
        var pause = Pause()
        var readable = true
        var lateReads = 0
        while true {
            let job = try await patiently { try await view() }
            if let text = Follower.saying(job), text != said {
                said = text
                try here.say(text)
                pause.reset()
            }
            var progress = OutputReader.Progress.caughtUp
            if readable, !job.isPending {
                do {
                    let before = reader.offset
                    progress = try await read(&reader, put)
                    if reader.offset > before { pause.reset() }
                } catch let error as SallyError where [.denied, .unsupported].contains(error.code) {
                    readable = false
                    try here.say(error.told("the output cannot be shown: "))
                }
            }
            if job.hasEnded {
                // The output's end may come a moment after the job's: shared file systems lag.
                lateReads += 1
                if progress == .ended || !readable || lateReads > 10 { return job }
            }
            if job.isPending {
                try await waitForNews(of: job.job, orAfter: pause.next())
            } else if progress != .more {
                try await here.sleep(pause.next())
            }
        }
    }

    /// - Parameter record: of one job, or an array, whose tasks are then all meant.
    func waitForNews(of record: JobID, orAfter pause: Duration) async throws {
        try await news.wait(for: record, upTo: Follower.longestWait, orAfter: pause)
    }

    private func read(
        _ reader: inout OutputReader, _ put: (OutputView, [UInt8]) throws -> Void
    ) async throws -> OutputReader.Progress {
        do {
            return try await reader.next(put)
        } catch let error as SallyError where [.notFound, .unavailable, .timeout, .rateLimited].contains(error.code) {
            return .caughtUp  // the file is not there yet, or the gateway is away: the next look says
        }
    }

    private func view() async throws -> JobView { try await gateway.get(Path.job(cluster, job)) }

    func patiently<Value>(_ ask: () async throws -> Value) async throws -> Value {
        var waited: Duration = .zero
        var pause = Pause()
        while true {
            do {
                return try await ask()
            } catch let error as SallyError
                where [.unavailable, .timeout, .rateLimited].contains(error.code) && waited < Follower.patience
            {
                if waited == .zero {
                    try here.say("\(printable(error.message)); trying again, the job goes on without it")
                }
                let time = pause.next()
                waited += time
                try await here.sleep(time)
            }
        }
    }

    /// What there is to say of a job's state; nil where it only runs on.
    static func saying(_ job: JobView) -> String? {
        let id = printable(job.displayID)
        guard let base = job.states.first else { return nil }
        switch base {
        case "PENDING":
            guard let reason = job.reason, !reason.isEmpty, reason != "None" else { return "job \(id) waits" }
            return "job \(id) waits: \(PendingReason.sentence(reason))"
        case "RUNNING": return "job \(id) runs on \(printable(job.nodeList ?? "its nodes"))"
        case _ where job.hasEnded:
            let how = base == "COMPLETED" ? "has completed" : "ended: \(printable(base))"
            return "job \(id) \(how)\(job.exitCode == 0 ? "" : ", exit status \(job.exitCode)")"
        default: return "job \(id): \(printable(job.states.joined(separator: "+")))"
        }
    }
}

/// Half a second at first, then longer, at most five seconds.
struct Pause {
    private var milliseconds = 500

    mutating func next() -> Duration {
        defer { milliseconds = min(5000, milliseconds * 3 / 2) }
        return .milliseconds(milliseconds)
    }

    mutating func reset() { milliseconds = 500 }
}
