// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// Podman's commands that the provider needs, each with a deadline and one clear error.
struct PodmanEngine: Sendable {
    let podman: PodmanEnvironment

    static let clusterLabel = "sallyport.cluster"
    static let stateLabel = "sallyport.state"
    static let roleLabel = "sallyport.role"

    struct Found: Equatable {
        var name: String
        var state: String
        /// The state folder it belongs to.
        var folder: String
    }

    /// - Throws: `SallyError(.misconfigured)` when podman is missing or does not work here.
    func check() async throws {
        let completion = try await run(["info", "--format", "{{.Host.OS}}"], deadline: .seconds(60))
        guard completion.succeeded else {
            throw SallyError(
                .misconfigured, "podman does not work here: \(lastLine(completion.errorOutput))",
                hint: "try `podman info`")
        }
    }

    /// The containers with this cluster's label, whatever their state.
    func containers(of cluster: ClusterName) async throws -> [Found] {
        let names = try await succeed(
            ["ps", "--all", "--filter", "label=\(PodmanEngine.clusterLabel)=\(cluster)", "--format", "{{.Names}}"],
            "list containers")
        return try await inspect(
            ["container", "inspect"], names.output,
            "{{.Name}}|{{.State.Status}}|{{index .Config.Labels \"\(PodmanEngine.stateLabel)\"}}")
    }

    func networks(of cluster: ClusterName) async throws -> [Found] {
        let names = try await succeed(
            ["network", "ls", "--quiet", "--filter", "label=\(PodmanEngine.clusterLabel)=\(cluster)"], "list networks")
        return try await inspect(
            ["network", "inspect"], names.output,
            "{{.Name}}|network|{{index .Labels \"\(PodmanEngine.stateLabel)\"}}")
    }

    /// What `command` shows of each name. One that goes away meanwhile makes podman fail; what it printed of the others
    /// still counts.
    private func inspect(_ command: [String], _ names: String, _ format: String) async throws -> [Found] {
        let names = names.split(separator: "\n").map(String.init)
        guard !names.isEmpty else { return [] }
        return try await run(command + ["--format", format] + names, deadline: .seconds(60)).output
            .split(separator: "\n").compactMap(PodmanEngine.found)
    }

    static func found(_ line: Substring) -> Found? {
        let fields = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { return nil }
        return Found(name: String(fields[0]), state: String(fields[1]), folder: String(fields[2]))
    }

    /// The image that a container was made of, by its id.
    func image(of container: String) async throws -> String {
        let shown = try await succeed(
            ["container", "inspect", "--format", "{{.Image}}", container], "look at container \(container)")
        return String(shown.output.filter { !$0.isWhitespace })
    }

    /// Whether there is a container of this name, whoever made it (podman-container-exists(1)).
    func exists(_ container: String) async throws -> Bool {
        let asked = try await run(["container", "exists", container], deadline: .seconds(60))
        guard [0, 1].contains(asked.status) else {
            throw SallyError(
                .unavailable, "podman could not look for container \(container)", cause: asked.errorOutput)
        }
        return asked.status == 0
    }

    /// State and start of these containers, as far as they are there.
    func states(of names: [String]) async throws -> [String: (state: ClusterMachine.State, startedAt: Timestamp?)] {
        guard !names.isEmpty else { return [:] }
        let format = "{{.Name}}|{{.State.Status}}|{{.State.StartedAt.Unix}}"
        let shown = try await run(["container", "inspect", "--format", format] + names, deadline: .seconds(60))
        var result: [String: (state: ClusterMachine.State, startedAt: Timestamp?)] = [:]
        for line in shown.output.split(separator: "\n") {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isRunning = fields[1] == "running"
            // What podman calls exited, created or configured was stopped, or never came up.
            let stopped: Set<Substring> = ["exited", "stopped", "created", "configured", "initialized"]
            result[String(fields[0])] = (
                isRunning ? .running : .down(stopped.contains(fields[1]) ? "stopped" : String(fields[1])),
                isRunning ? Int64(fields[2]).map { Timestamp($0) } : nil
            )
        }
        // Where a container is missing podman fails and shows the others; where it shows none it may not work at all.
        if result.isEmpty, !shown.succeeded { try await check() }
        return result
    }

    /// The subnets of all of podman's networks.
    func subnets() async throws -> [Subnet] {
        let names = try await succeed(["network", "ls", "--quiet"], "list networks").output.split(separator: "\n")
        guard !names.isEmpty else { return [] }
        // A network that goes away between the two calls makes the second fail in part: what it printed still counts.
        let shown = try await run(
            ["network", "inspect", "--format", "{{range .Subnets}}{{.Subnet}} {{end}}"] + names.map(String.init),
            deadline: .seconds(30))
        return shown.output.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { Subnet(String($0)) }
    }

    /// Runs podman and requires success.
    @discardableResult
    func succeed(_ arguments: [String], _ what: String, deadline: Duration = .seconds(60)) async throws -> Completion {
        let completion = try await run(arguments, deadline: deadline)
        guard completion.succeeded else {
            throw SallyError(
                .unavailable, "podman could not \(what): \(lastLine(completion.errorOutput))",
                cause: completion.errorOutput)
        }
        return completion
    }

    func run(_ arguments: [String], deadline: Duration) async throws -> Completion {
        do {
            return try await podman.call(arguments, deadline: deadline, outputLimit: 4 << 20).run()
        } catch let failure as ProgramFailure {
            switch failure {
            case .notFound:
                throw SallyError(
                    .misconfigured, "podman is not installed", hint: "scripts/install-dependencies installs it")
            case .deadlineExceeded(let after):
                throw SallyError(.timeout, "podman \(arguments[0]) did not end within \(after)")
            case .outputLimit, .system:
                throw SallyError(.unavailable, "podman \(arguments[0]) could not be run", cause: "\(failure)")
            }
        }
    }

    private func lastLine(_ text: String) -> String {
        let line = text.split(separator: "\n").last { !$0.allSatisfy { $0 == " " } } ?? "no reason given"
        return String(line.hasPrefix("Error: ") ? line.dropFirst(7) : line)
    }
}
