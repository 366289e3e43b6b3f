// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// `sallyd serve` is killed at every step between reservation and answer, started again, and asked again with the same key:
/// exactly one job, always the same. The steps inside the gateway are reached by a hook of debug builds, those on the way to Slurm
/// by a proxy that holds a request or an answer while the gateway dies.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct CrashTests {
    /// See FaultPoint. The outcomes of both clusters are waited for together: where nothing was sent that is the longest wait of all.
    @Test(arguments: ["reserved", "prepared", "minted", "answered", "told", "recorded"])
    func aGatewayThatDiesByItself(_ point: String) async throws {
        let stack = try Stack.required()
        var submissions: [Keyed] = []
        for cluster in Stack.clusters {
            submissions.append(try await Keyed(stack, cluster, "crash-\(point)-\(cluster)"))
        }
        var told: [Answer] = []
        for submission in submissions {
            try await stack.restart(with: ["SALLYPORT_FAULT": point])
            told.append(try await submission.ask())
            try await eventually("the gateway has died at \(point)") { try await !stack.isUp }
        }
        try await stack.restart()
        for (submission, first) in zip(submissions, told) {
            let answer = try await submission.answer()
            // Whoever was told, was told the truth.
            if first.status == 201 { #expect(first.body == answer.body) }
            try await submission.expectOneJob(answer)
        }
    }

    /// On the way to Slurm.
    enum Way: CaseIterable, Sendable {
        /// The request waits before slurmrestd, and reaches it after the gateway is dead and its token lives.
        case before
        /// It reaches it when its token is dead.
        case late
        /// It never does.
        case never
        /// Slurm has answered, and nobody hears it.
        case after
    }

    @Test(arguments: Stack.clusters, Way.allCases)
    func aGatewayThatIsKilledOnTheWay(_ cluster: String, _ way: Way) async throws {
        let stack = try Stack.required()
        let submission = try await Keyed(stack, cluster, "killed-\(way)-\(cluster)")
        let known = try await runProgram(
            "/usr/bin/jq", ["-er", ".socket", "\(stack.state)/clusters/\(cluster)/cluster.json"])
        let upstream = known.output.filter { !$0.isNewline }
        try await withScratchFolder { folder in
            try await stack.open(folder)
            let proxy = SlurmProxy(path: "\(folder)/slurm.sock", upstream: upstream)
            try await proxy.start()
            do {
                try await stack.restart(leading: cluster, to: proxy.path)
                proxy.behave(way == .after ? .held : .waiting, only: "POST")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await submission.ask() }
                    try await eventually("the request is on its way") {
                        way == .after ? proxy.answersHeld == 1 : proxy.requestsHeld == 1
                    }
                    #expect(try await stack.script("stack", ["kill-serve", stack.state]).status == 0)
                    try await group.waitForAll()
                }
                proxy.behave(.through)
                if way == .before { proxy.release() }
                try await stack.restart(leading: cluster, to: proxy.path)
                if way == .late {
                    // A token lives 15 s by a clock that is this machine's.
                    let dead = ContinuousClock.now + .seconds(16)
                    try await eventually("its token is dead") { ContinuousClock.now > dead }
                    proxy.release()
                }
                try await submission.expectOneJob(try await submission.answer())
            } catch {
                try await proxy.stop()
                try await stack.restart()
                throw error
            }
            try await proxy.stop()
            try await stack.restart()
        }
    }
}

/// One submission of bob's, asked for as often as a test likes.
private struct Keyed: Sendable {
    let stack: Stack
    let cluster: String
    let name: String
    let key: String
    private let token: String

    init(_ stack: Stack, _ cluster: String, _ name: String) async throws {
        self.stack = stack
        self.cluster = cluster
        self.name = "\(name)-\(stack.port)-\(UInt32.random(in: 0...UInt32.max))"
        key = "key-of-\(self.name)"
        token = try await stack.token("bob")
    }

    /// Once; status 0 where nobody answered.
    func ask() async throws -> Answer {
        let body = ##"{"job_name":"\##(name)","script":"#!/bin/bash\ntrue\n","begin":"now+1hour","time":"1"}"##
        let lines = ["Authorization: Bearer \(token)", "Idempotency-Key: \(key)", "Content-Type: application/json"]
        let result = try await runProgram(
            "/usr/bin/curl",
            [
                "-sS", "-m", "60", "-w", "\n%{http_code}", "-H", "@-", "--data-binary", body,
                "\(stack.gateway)/v1/clusters/\(cluster)/jobs",
            ], input: lines.map { "\($0)\n" }.joined())
        guard result.status == 0 else { return Answer(status: 0, body: "") }
        let end = result.output.lastIndex(of: "\n") ?? result.output.startIndex
        return Answer(
            status: Int(result.output[end...].filter(\.isNumber)) ?? 0, body: String(result.output[..<end]))
    }

    /// Until it is known.
    func answer() async throws -> Answer {
        var answer = Answer(status: 0, body: "")
        try await eventually("the outcome of \(name)", within: .seconds(400)) {
            // As Retry-After says, and no more often than a person may ask.
            if answer.status != 0 { try await Task.sleep(for: .seconds(2)) }
            answer = try await ask()
            #expect([0, 201, 202, 503].contains(answer.status), "\(answer)")
            return answer.status == 201
        }
        return answer
    }

    func expectOneJob(_ answer: Answer) async throws {
        let jobs = try await stack.jobs(cluster, named: name)
        #expect(jobs.count == 1, "\(jobs)")
        #expect(answer.body.contains("\"job\":\(jobs.first ?? "none"),"), "\(answer) \(jobs)")
        let again = try await ask()
        #expect(again.status == 201 && again.body == answer.body, "\(again)")
        try await stack.cancelOnly(cluster, named: name)
    }
}

extension Stack {
    fileprivate var isUp: Bool {
        get async throws {
            try await runProgram("/usr/bin/curl", ["-sS", "-m", "5", "-o", "/dev/null", "\(gateway)/healthz"]).status
                == 0
        }
    }

    /// Kills the gateway if it runs, and starts it again.
    ///
    /// - Parameters:
    ///   - cluster: whose slurmrestd it reaches by `socket`, for this one start.
    ///   - extra: put over its environment.
    fileprivate func restart(
        leading cluster: String? = nil, to socket: String = "", with extra: [String: String] = [:]
    ) async throws {
        #expect(try await script("stack", ["kill-serve", state]).status == 0)
        let file = "\(state)/etc/gateway.yaml"
        let usual = try await runProgram("/bin/cat", [file]).output
        if let cluster {
            var text = GatewayText(usual)
            text.set("slurmrestd", "unix:\(socket)", cluster: cluster)
            try writeFile(file, text.text, mode: 0o644)
        }
        let start = try await script("stack", ["start-serve", state], with: extra)
        if cluster != nil { try writeFile(file, usual, mode: 0o644) }
        guard start.status == 0 else { throw Failure("the gateway does not start: \(start)") }
    }
}
