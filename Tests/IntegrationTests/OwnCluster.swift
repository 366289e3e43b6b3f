// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON

/// A cluster of a test's own, with the settings of its templates and plugins in `clusters.yaml` of `folder`.
struct OwnCluster {
    let stack: Stack
    let folder: String
    let name: String

    func cluster(_ arguments: [String], input: String = "") async throws -> ProgramResult {
        let own = [
            "HOME": folder, "SALLYPORT_CLUSTERS": "\(folder)/clusters.yaml",
            "SALLYPORT_IMAGES": "\(stack.root)/images", "SALLYPORT_TEMPLATES": "\(stack.root)/templates",
        ]
        return try await runProgram(
            "\(stack.state)/bin/sally-cluster", arguments, environment: stack.administrator.merging(own) { $1 },
            input: input)
    }

    func done(_ arguments: [String]) async throws -> ProgramResult {
        let ran = try await cluster(arguments)
        guard ran.status == 0 else { throw Failure("\(arguments): \(ran)") }
        return ran
    }

    /// What a line for root's shell says on a machine.
    func on(_ node: String, _ line: String) async throws -> String {
        try await done(["sshnode", name, node, line]).output
    }

    func said(by user: String, on node: String = "master", _ line: String) async throws -> String {
        try await done(["sshnode", "-u", user, name, node, line]).output
    }

    func submit(_ user: String, node: String, _ command: String) async throws -> String {
        let line = "sbatch --parsable -o /dev/null -w \(node) --wrap '\(command)'"
        return try await said(by: user, line).filter(\.isNumber)
    }

    func state(of job: String) async throws -> String {
        try await on("master", "scontrol --oneliner show job \(job) | grep -o 'JobState=[A-Z]*'")
            .replacing("JobState=", with: "").filter(\.isLetter)
    }

    func waitForState(_ job: String, _ wanted: String) async throws {
        try await eventually("job \(job) to be \(wanted)") { try await state(of: job) == wanted }
    }

    var machines: [String] {
        get async throws {
            let said = try await done(["list", "--json", name])
            let list = try JSONValue(parsing: Array(said.output.utf8))
            return list["clusters"]?.array?.first?["machines"]?.array?.compactMap { $0["name"]?.string } ?? []
        }
    }

    /// Starts a cluster, and takes it away after `body`, whatever that did.
    static func with(
        _ name: String, _ template: String, in folder: String, _ body: (OwnCluster) async throws -> Void
    ) async throws {
        let cluster = OwnCluster(stack: try Stack.required(), folder: folder, name: name)
        func end() async throws { _ = try await cluster.cluster(["terminate", "--yes", name]) }
        do {
            _ = try await cluster.done(["start", template, name])
            try await body(cluster)
        } catch {
            try? await end()  // the body's error is the one to report
            throw error
        }
        try await end()
    }
}
