// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport

/// What one machine has reported so far. It is kept when the conversation breaks off.
actor SaidSteps {
    private(set) var steps: [ClusterReport.UserStep] = []

    func add(_ more: [ClusterReport.UserStep]) { steps += more }

    /// Users with a failed step.
    var failed: Set<String> { Set(steps.filter { $0.step.outcome == .failed }.compactMap(\.user)) }

    func failed(in names: Set<String>) -> Set<String> {
        Set(steps.filter { $0.step.outcome == .failed && names.contains($0.step.name) }.compactMap(\.user))
    }
}

/// One machine's end of a removal: scripts are sent and answers read.
struct RemovalTalk: Sendable {
    let shell: NodeShell
    let layout: ClusterLayout
    let said: SaidSteps

    /// Throws where nobody answers.
    func greet() async throws { _ = try await shell.run("true\n", deadline: .seconds(60)) }

    func look(_ script: String) async throws -> UsersObservation {
        let completion = try await shell.run(script, deadline: .seconds(120))
        guard completion.succeeded else {
            throw SallyError(
                .unavailable, "node \(shell.node) cannot be looked at",
                cause: "status \(completion.status): \(quoted(completion.errorOutput))")
        }
        return try UsersObservation(parsing: completion.output, node: shell.node)
    }

    /// Some minutes for processes that resist (MassSessionScript), and some for a crowd of users.
    func act(_ script: String, deadline: Duration = .seconds(1200)) async throws {
        let completion = try await shell.run(script, deadline: deadline)
        let steps = try StepReport.parseUsers(completion, on: shell.node)
        await said.add(steps)
        guard completion.succeeded else {
            throw SallyError(
                .unavailable, "node \(shell.node): \(steps.last?.step.detail ?? "status \(completion.status)")",
                hint: "ask again: every step may be repeated")
        }
    }

    /// - Throws: `SallyError(.unavailable)` when the record could not be written: what stands on it must not be done.
    func record(_ change: (lines: [ManagedRecord], before: [String])) async throws {
        guard !change.lines.isEmpty else { return }
        let completion = try await shell.run(
            RemovalScript.record(change.lines, replacing: change.before, in: layout), deadline: .seconds(120))
        let steps = try StepReport.parseUsers(completion, on: shell.node)
        await said.add(steps)
        if let failed = steps.first(where: { $0.step.outcome == .failed }) {
            throw SallyError(
                .unavailable, "the managed record on \(shell.node) was not written: \(failed.step.detail)")
        }
    }

    /// Jobs that have not ended, by uid.
    ///
    /// - Throws: `SallyError(.unavailable)` when slurmctld does not say.
    func jobs(of users: [RemovalScript.Row]) async throws -> [UserID: [JobID]] {
        let completion = try await shell.run(RemovalScript.jobs(of: users, in: layout), deadline: .seconds(120))
        var jobs: [UserID: [JobID]] = [:]
        var ended = false
        for fields in ReportLines.fields(completion.output) {
            if fields == ["end"] {
                ended = true
            } else if fields.count == 3, fields[0] == "job", let number = UInt32(fields[1]),
                let uid = UserID(rawValue: number)
            {
                jobs[uid, default: []].append(try JobID(fields[2]))
            }
        }
        guard ended, completion.succeeded else {
            throw SallyError(
                .unavailable, "slurmctld on \(shell.node) does not say which jobs are left",
                hint: "the users are locked; ask again",
                cause: "status \(completion.status): \(quoted(completion.errorOutput))")
        }
        return jobs
    }
}
