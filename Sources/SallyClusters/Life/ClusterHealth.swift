// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// Asks a cluster how it is, and waits for it with a deadline, saying what for.
struct ClusterHealth {
    let record: ClusterRecord
    let keys: ClusterKeys
    let engine: PodmanEngine
    let progress: Progress

    private static let patience = Duration.seconds(300)

    private var transport: PodmanTransport { PodmanTransport(containers: record.nodeContainers, podman: engine.podman) }

    /// slurmctld, slurmrestd and every slurmd answer.
    func waitForDaemons() async throws {
        try await waitForController()
        try await waitForNodes()
    }

    /// slurmctld answers and slurmrestd listens.
    func waitForController() async throws {
        try await wait("slurmctld") { try await script("scontrol ping | grep -q ' is UP'").succeeded }
        try await wait("slurmrestd's socket") { try await script("test -S /run/slurmrestd/socket").succeeded }
    }

    /// Every node that Slurm may use can run jobs.
    func waitForNodes() async throws {
        let wanted = Set(record.readyNodes.map(\.hostname.rawValue))
        let count = wanted.count
        try await wait("\(count) \(count == 1 ? "node" : "nodes")") {
            let states = try await script("sinfo --noheader --Node --format '%N %T' --partition debug")
            return states.succeeded && wanted.isSubset(of: ClusterHealth.usable(states.output))
        }
    }

    /// The nodes of sinfo's `NAME STATE` lines that can run jobs.
    static func usable(_ states: String) -> Set<String> {
        let good: Set<Substring> = ["idle", "mixed", "allocated", "completing"]
        let names = states.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            return fields.count == 2 && good.contains(fields[1]) ? String(fields[0]) : nil
        }
        return Set(names)
    }

    /// A job has run on all nodes.
    func waitForProbe() async throws {
        progress.say("waiting for a probe job on all nodes")
        let job = try await submit(.run(nodes: record.readyNodes.count))
        try await wait("probe job \(job) to end", announced: .no) {
            let shown = try await script("scontrol --oneliner show job \"$1\"", ["\(job)"])
            switch ProbeJob.value(of: "JobState", in: shown.output) {
            case "COMPLETED": return true
            case .some(let state) where ClusterHealth.failures.contains(state):
                throw SallyError(
                    .unavailable, "probe job \(job) ended as \(state)",
                    hint: "\(ProbeJob.value(of: "Reason", in: shown.output) ?? "no reason given")")
            default: return false
            }
        }
    }

    private static let failures: Set<String> = [
        "FAILED", "CANCELLED", "NODE_FAIL", "BOOT_FAIL", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE",
    ]

    /// The host that slurmrestd's submissions come from, as this version spells it: read off a held job, because 22.05
    /// gives an address and 24.11 a name.
    func submitHost() async throws -> String {
        let job = try await submit(.hold)
        let shown = try await script("scontrol --oneliner show job \"$1\" && scancel \"$1\"", ["\(job)"])
        guard shown.succeeded, let host = ProbeJob.submitHost(in: shown.output) else {
            throw SallyError(.unavailable, "job \(job) does not say where it was submitted", cause: shown.errorOutput)
        }
        return host
    }

    private func submit(_ purpose: ProbeJob.Purpose) async throws -> JobID {
        let probe = ProbeJob(release: record.release, purpose: purpose)
        var lastRefusal = SallyError(.timeout, "slurmrestd did not answer the probe")
        let end = ContinuousClock.now + .seconds(30)
        // A controller that has just started refuses for a moment, until it has heard from the accounting.
        repeat {
            let token = try await ProbeToken(keys: keys, key: record.tokenKey).mint(now: ClusterHealth.now())
            let answer = try await run(
                Invocation(
                    arguments: ["curl", "--config", "-"],
                    standardInput: Array(probe.curlConfiguration(token: token).utf8), deadline: .seconds(20)))
            do {
                return try ProbeJob.jobID(inAnswer: answer.standardOutput)
            } catch let refusal as SallyError { lastRefusal = refusal }
            try await Task.sleep(for: .milliseconds(200))
        } while ContinuousClock.now < end
        throw lastRefusal
    }

    private static func now() -> Timestamp {
        Timestamp(Int64(WallClock.seconds()))
    }

    enum Announced { case yes, no }

    /// Asks until `condition` holds. A container that ended ends the wait, with its last words.
    func wait(
        _ what: String, announced: Announced = .yes, _ condition: () async throws -> Bool
    ) async throws {
        if announced == .yes { progress.say("waiting for \(what)") }
        let end = ContinuousClock.now + ClusterHealth.patience
        while true {
            do {
                if try await condition() { return }
            } catch TransportError.unreachable {
                try await reportStopped()
            } catch TransportError.deadlineExceeded {
                // asked again until our own deadline
            }
            guard ContinuousClock.now < end else {
                for container in record.containers { try await tellLog(of: container) }
                throw SallyError(
                    .timeout,
                    "waited \(ClusterHealth.patience.components.seconds) s for \(what) of cluster \(record.name)",
                    hint: "the lines above are the last of each container's log")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func reportStopped() async throws {
        let running = Set(try await engine.containers(of: record.name).filter { $0.state == "running" }.map(\.name))
        guard let stopped = record.containers.first(where: { !running.contains($0.name) }) else { return }
        try await tellLog(of: stopped)
        throw SallyError(
            .unavailable, "container \(stopped.name) has stopped", hint: "the lines above are the last of its log")
    }

    private func tellLog(of container: ClusterRecord.Container) async throws {
        let log = try await engine.run(["logs", "--tail", "12", container.name], deadline: .seconds(20))
        for line in (log.output + log.errorOutput).split(separator: "\n").suffix(12) {
            progress.detail("\(container.hostname): \(line)")
        }
    }

    /// Runs a script on the controller.
    func script(_ text: String, _ arguments: [String] = [], deadline: Duration = .seconds(30)) async throws
        -> Completion
    {
        try await run(.script(text, arguments: arguments, deadline: deadline))
    }

    func run(_ invocation: Invocation, on container: ClusterRecord.Container? = nil) async throws -> Completion {
        guard let target = container ?? record.controller else {
            throw SallyError(.internal, "the cluster has no controller")
        }
        return try await transport.run(invocation, on: target.hostname)
    }
}
