// SPDX-License-Identifier: Apache-2.0

import SallyModel
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

    /// Starts a cluster whose name begins with `prefix`, and takes it away after `body`, whatever that did.
    ///
    /// Its record is in the stack's own folder, so that `scripts/stack down` takes away what was not taken away here.
    static func with(
        _ prefix: String, _ template: String, in folder: String, _ body: (OwnCluster) async throws -> Void
    ) async throws {
        let number = String(UInt16.random(in: .min ... .max), radix: 16)
        let cluster = OwnCluster(stack: try Stack.required(), folder: folder, name: "\(prefix)x\(number)")
        do {
            _ = try await cluster.done(["start", template, cluster.name])
            try await body(cluster)
        } catch {
            do {
                try await cluster.end()
            } catch let left {
                throw Failure("\(error); and then: \(left)")
            }
            throw error
        }
        try await cluster.end()
    }

    /// One that is not there is no failure: a start that fails leaves nothing.
    private func end() async throws {
        // An unstructured task, because ours may be cancelled and nothing may be left behind.
        let ran = try await Task { try await cluster(["terminate", "--yes", name]) }.value
        guard ran.status == 0 || ran.status == SallyError.Code.notFound.exitStatus else {
            throw Failure(
                "cluster \(name) is still there (`scripts/stack down \(stack.state)` takes it away too): \(ran)")
        }
    }
}
