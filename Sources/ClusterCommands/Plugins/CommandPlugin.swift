// SPDX-License-Identifier: Apache-2.0

import SallyClusters
import SallyModel
import SallyTransport
import StrictJSON
import Synchronization

/// A program of somebody else's as a plugin: called once for each event (and each node of it), with the cluster as JSON on
/// standard input. docs/cluster-plugins.md says what it may expect.
struct CommandPlugin: ClusterPlugin {
    let name: String
    let settings: CommandPluginSettings
    let dryRun: Bool
    let surroundings: Surroundings
    let announcer: Announcer

    /// EX_TEMPFAIL of sysexits.h: done on some machines.
    static let statusOfPart: Int32 = 75
    /// How long a program may clean up after SIGTERM.
    private static let grace = Duration.seconds(5)

    func run(on cluster: ClusterMachines) async throws -> PluginOutcome? { try await call([.run], cluster) }

    func onAddNode(_ nodes: [ClusterMachine], to cluster: ClusterMachines) async throws -> PluginOutcome? {
        try await call(nodes.map(PluginEvent.addNode), cluster)
    }

    func onRemoveNode(_ nodes: [ClusterMachine], from cluster: ClusterMachines) async throws -> PluginOutcome? {
        try await call(nodes.map(PluginEvent.removeNode), cluster)
    }

    func onShutdown(_ cluster: ClusterMachines) async throws -> PluginOutcome? { try await call([.shutdown], cluster) }

    /// As StarCluster did: whoever was told of the end is told of the beginning.
    func onResume(_ cluster: ClusterMachines) async throws -> PluginOutcome? { try await call([.run], cluster) }

    /// One call after the other; one that fails keeps no other node from its own.
    private func call(_ events: [PluginEvent], _ cluster: ClusterMachines) async throws -> PluginOutcome? {
        guard !events.isEmpty else { return nil }
        announcer.say("Running plugin \(name)")
        var outcome = PluginOutcome(json: .null, madeSomething: false)
        var calls: [JSONValue] = []
        for event in events {
            let made = try await call(event, cluster)
            calls.append(made.json)
            outcome.lines += made.lines
            outcome.error = outcome.error ?? made.error
            outcome.madeSomething = outcome.madeSomething || made.madeSomething
            if let error = made.error, events.count > 1 { outcome.problems.append(error.message) }
        }
        outcome.json = [
            "schema": "sally.cluster.plugin/1", "cluster": .string(cluster.name.rawValue), "plugin": .string(name),
            "dry_run": .bool(dryRun), "complete": .bool(outcome.error == nil), "calls": .array(calls),
        ]
        return outcome
    }

    private func call(_ event: PluginEvent, _ cluster: ClusterMachines) async throws -> PluginOutcome {
        let program = try PluginProgram.check(settings.path, of: name)
        let document = PluginDocument(event: event, plugin: name, cluster: cluster, settings: settings.settings).json
        var json: JSONObject = JSONObject([
            ("event", .string(event.name)), ("node", event.node.map { .string($0.name.rawValue) } ?? .null),
            ("program", .string(program)),
        ])
        if dryRun {
            json["input"] = document
            return PluginOutcome(
                json: .object(json), madeSomething: false,
                lines: ["\(program) would get on standard input:", document.text(.indented)])
        }
        let said = PluginWords()
        var status: Int32?
        var error: SallyError?
        do {
            let ended = try await LinedCall(
                ProgramCall(
                    program: program, arguments: [], environment: environment(cluster),
                    standardInput: Array(document.text().utf8) + [0x0a], deadline: .seconds(settings.timeout),
                    grace: CommandPlugin.grace),
                heard: { stream, line in
                    said.add(stream, line)
                    announcer.say(line.replacing("\t", with: " "))
                }
            ).run()
            status = ended
            error = failure(ended, said.last)
        } catch let reason as ProgramFailure {
            error = failure(reason, program)
        }
        json["status"] = status.map { .integer($0) } ?? .null
        json["output"] = said.json
        json["lines_dropped"] = .integer(said.dropped)
        json["error"] = error.map { .string($0.message) } ?? .null
        return PluginOutcome(
            json: .object(json), error: error, madeSomething: status == 0 || status == CommandPlugin.statusOfPart)
    }

    /// What podman or ssh need, and nothing that somebody exported.
    private func environment(_ cluster: ClusterMachines) -> [String: String] {
        switch cluster.access {
        case .podman(let podman): podman.variables
        case .openSSH(_, let environment): CleanEnvironment.make(from: environment)
        }
    }

    private func failure(_ status: Int32, _ last: String?) -> SallyError? {
        let words = last.map { ": \(Surroundings.harmless(String($0.prefix(300))))" } ?? ""
        switch status {
        case 0: return nil
        case CommandPlugin.statusOfPart:
            return SallyError(
                .unavailable, "plugin \(quoted(name)) did a part of its work (status \(status))\(words)",
                hint: "the same command again does what is missing")
        default:
            return SallyError(.unavailable, "plugin \(quoted(name)) ended with status \(status)\(words)")
        }
    }

    private func failure(_ reason: ProgramFailure, _ program: String) -> SallyError {
        switch reason {
        case .notFound:
            SallyError(
                .misconfigured, "plugin \(quoted(name)): \(quoted(program)) cannot be started",
                hint: "is what its first line names (#!) there?")
        case .deadlineExceeded(let after):
            SallyError(
                .timeout, "plugin \(quoted(name)) did not end within \(after.components.seconds) s, and was ended",
                hint: "`timeout` in its settings gives it more seconds")
        case .outputLimit, .system:
            SallyError(
                .misconfigured, "plugin \(quoted(name)): \(quoted(program)) cannot be started",
                hint: "a script begins with #! and the path of what runs it")
        }
    }
}

/// What a program said, as far as there is room: the last lines.
private final class PluginWords: Sendable {
    private struct State {
        var lines: [(stream: LinedCall.Stream, text: String)] = []
        var bytes = 0
        var dropped = 0
    }

    private static let mostLines = 1000
    private static let mostBytes = 256 << 10
    private let state = Mutex(State())

    func add(_ stream: LinedCall.Stream, _ text: String) {
        state.withLock { state in
            state.lines.append((stream, text))
            state.bytes += text.utf8.count
            var first = 0
            while state.lines.count - first > PluginWords.mostLines || state.bytes > PluginWords.mostBytes {
                state.bytes -= state.lines[first].text.utf8.count
                first += 1
            }
            state.lines.removeFirst(first)
            state.dropped += first
        }
    }

    var dropped: Int { state.withLock { $0.dropped } }
    /// The last line on standard error, else on standard output.
    var last: String? {
        state.withLock { state in (state.lines.last { $0.stream == .error } ?? state.lines.last)?.text }
    }
    var json: JSONValue {
        .array(
            state.withLock { $0.lines }.map { ["stream": .string($0.stream.rawValue), "text": .string($0.text)] })
    }
}
