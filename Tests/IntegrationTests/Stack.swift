// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The stack that `scripts/test-integration` started: clusters `it12` (Slurm 22.05, HS256) and `it13` (24.11, RS256), the
/// provider, and the three daemons.
struct Stack: Sendable {
    /// The folder that scripts/stack keeps everything in.
    let state: String
    /// The checkout.
    let root: String
    let port: Int

    /// Set by scripts/test-integration; without it the suites of this target are skipped, saying so.
    static let current: Stack? = {
        guard let state = variable("SALLYPORT_TEST_STACK"), let root = variable("SALLYPORT_TEST_ROOT"),
            let port = variable("SALLYPORT_TEST_PORT").flatMap(Int.init)
        else { return nil }
        return Stack(state: state, root: root, port: port)
    }()

    static let skipped: Comment = "no stack: run scripts/test-integration (make test-integration)"

    /// The stack of this run.
    static func required() throws -> Stack {
        try #require(current, skipped)
    }

    static let clusters = ["it12", "it13"]

    static func other(than cluster: String) -> String { cluster == "it12" ? "it13" : "it12" }

    /// The newest API version that the cluster's slurmrestd serves.
    static func version(of cluster: String) -> String { cluster == "it12" ? "v0.0.38" : "v0.0.42" }

    /// slurmrestd's options for that version alone.
    static func plugins(of cluster: String) -> String {
        cluster == "it12" ? "-s v0.0.38,dbv0.0.38" : "-s slurmctld,slurmdbd -d v0.0.42"
    }

    var gateway: String { "http://127.0.0.1:\(port)" }

    private var environment: [String: String] {
        [
            "PATH": "\(state)/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
            "HOME": "/root", "SALLY_CONFIG_DIR": "\(state)/contexts", "SALLYPORT_STATE": "\(state)/clusters",
        ]
    }

    /// What an administrator of the clusters has around.
    var administrator: [String: String] {
        var result = environment
        for name in ["CONTAINERS_CONF", "XDG_RUNTIME_DIR"] { result[name] = variable(name) }
        return result
    }

    /// Runs `sally` in the context of `user`; `extra` is put over its environment.
    func sally(
        _ user: String, _ arguments: [String], input: String = "", with extra: [String: String] = [:]
    ) async throws -> ProgramResult {
        try await runProgram(
            "\(state)/bin/sally", arguments,
            environment: environment.merging(["SALLY_CONTEXT": user]) { $1 }.merging(extra) { $1 }, input: input)
    }

    /// Runs a program in the surroundings of `sally`; `extra` is put over its environment.
    func run(
        _ program: String, _ arguments: [String], input: String = "", with extra: [String: String] = [:]
    ) async throws -> ProgramResult {
        try await runProgram(program, arguments, environment: environment.merging(extra) { $1 }, input: input)
    }

    /// Signs in through the real provider, as a person does, but with a program for a browser. Contexts for everybody are
    /// there before the tests begin: sign-ins are limited per address and minute.
    ///
    /// - Parameters:
    ///   - gateway: another one than the stack's own.
    ///   - more: further arguments of `sally login`.
    ///   - extra: put over the environment.
    func signIn(
        _ user: String, context: String, at gateway: String? = nil, _ more: [String] = [],
        with extra: [String: String] = [:]
    ) async throws -> ProgramResult {
        let browser = ["SALLY_BROWSER": "\(root)/scripts/sign-in \(state)/provider \(user)"]
        return try await runProgram(
            "/usr/bin/timeout",
            ["60", "\(state)/bin/sally", "login", gateway ?? self.gateway, "--context", context] + more,
            environment: environment.merging(browser) { $1 }.merging(extra) { $1 })
    }

    /// The session token of `user`, for requests by hand.
    func token(_ user: String) async throws -> String {
        let result = try await sally(user, ["token"])
        guard result.status == 0 else { throw Failure("no token for \(user): \(result)") }
        return result.output.filter { !$0.isWhitespace }
    }

    /// Runs a command as root on a node of a cluster.
    func onNode(_ cluster: String, _ node: String = "master", _ command: [String]) async throws -> ProgramResult {
        try await script("stack", ["exec", state, cluster, node] + command)
    }

    /// Runs one of the project's scripts; `extra` is put over its environment.
    func script(
        _ name: String, _ arguments: [String], with extra: [String: String] = [:]
    ) async throws -> ProgramResult {
        try await runProgram(
            "\(root)/scripts/\(name)", arguments, environment: environment.merging(extra) { $1 })
    }

    /// What Slurm says to a command on the controller that reads and has to succeed: its programs give up after ten seconds, and
    /// are asked again.
    func asked(_ cluster: String, _ command: [String]) async throws -> ProgramResult {
        var result = try await onNode(cluster, "master", command)
        if result.status != 0 {
            try await eventually("\(command) is answered on \(cluster), which says \(result)") {
                result = try await onNode(cluster, "master", command)
                return result.status == 0
            }
        }
        return result
    }

    /// Submits and returns the job id.
    func submit(_ user: String, _ cluster: String, _ arguments: [String], script: String) async throws -> String {
        let result = try await sally(user, ["submit", "-M", cluster] + arguments, input: script)
        guard result.status == 0, let id = result.output.split(whereSeparator: \.isWhitespace).last else {
            throw Failure("no job: \(result)")
        }
        return String(id)
    }

    /// The state of a job by Slurm's own accounting.
    func jobState(_ cluster: String, _ job: String) async throws -> String {
        let result = try await asked(cluster, ["sacct", "-n", "-X", "-P", "-j", job, "-o", "State"])
        return String(result.output.split(separator: "\n").first ?? "")
    }

    func waitForState(_ cluster: String, _ job: String, _ wanted: String) async throws {
        try await eventually("job \(job) of \(cluster) to be \(wanted)") {
            try await jobState(cluster, job).hasPrefix(wanted)
        }
    }

    /// How many jobs Slurm's own accounting knows of a user.
    func jobCount(_ cluster: String, user: String, _ more: [String] = []) async throws -> Int {
        let result = try await asked(
            cluster, ["sacct", "-a", "-n", "-X", "-P", "--user", user, "-o", "JobID"] + more)
        return result.output.split(separator: "\n").count
    }
}

/// A precondition of a test did not hold.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Asks again while `sally` ends with 69: there was no answer in time, or a step is left.
func untilAnswered(_ ask: () async throws -> ProgramResult) async throws -> ProgramResult {
    var result = try await ask()
    if result.status == 69 {
        try await eventually("an answer after \(result)") {
            result = try await ask()
            return result.status != 69
        }
    }
    return result
}

func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}
