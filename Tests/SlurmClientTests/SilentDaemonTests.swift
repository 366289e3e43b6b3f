// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import SallyModel
import SallyTestSupport
import SlurmModel
import Testing

@testable import SallyPolicy
@testable import SlurmClient

/// A daemon that does not answer, answers in part, is replaced by another version, or speaks TLS.
@Suite struct SilentDaemonTests: ClientBench {
    private let noJobs = #"{"jobs":[],"errors":[]}"#
    private let notServed = FakeSlurmrestd.Answer.reply(404, "Unable find requested URL.")

    @Test func aDaemonThatIsSilentIsNotAskedByEverybody() async throws {
        try await FakeSlurmrestd.with({ _, _ in .close }) { server in
            try await withClient(server.path) { client in
                for _ in 0..<20 {
                    await #expect(throws: SlurmError.self) { try await client.submit(submission(), token: token) }
                }
                let last = await #expect(throws: SlurmError.self) {
                    try await client.submit(submission(), token: token)
                }
                #expect(last?.outcomeIsUnknown == false, "nothing was sent: \(String(describing: last))")
            }
            #expect(server.requests.count { $0.line.hasPrefix("POST") } == 5)
        }
    }

    /// As 22.05 answers. Who did not ask for changes does not take it for a queue without jobs.
    @Test func notModifiedIsAnAnswerToWhoAsksForChanges() async throws {
        try await FakeSlurmrestd.with({ _, _ in .raw("HTTP/1.1 304 X\r\nContent-Length: 0\r\n\r\n") }) { server in
            try await withClient(server.path, 38) { client in
                let none = try await client.jobs(changedSince: Timestamp(5), read, token: token) { job, _ in job }
                #expect(none.jobs.isEmpty && none.readAt == nil)
                await #expect(throws: SlurmError.self) { try await client.jobs(read, token: token) }
            }
        }
    }

    /// What is asked of a daemon, and how it begins there.
    enum Work: String, CaseIterable {
        case submit = "POST /slurm/v0.0.42/job/submit"
        case queue = "GET /slurm/v0.0.42/jobs"
        case job = "GET /slurm/v0.0.42/job/7"
        case states = "GET /slurm/v0.0.42/jobs/state/"
    }

    private func perform(_ work: Work, _ client: SlurmClient) async throws {
        switch work {
        case .submit: _ = try await client.submit(submission(), token: token)
        case .queue: _ = try await client.jobs(read, token: token)
        case .job: _ = try await client.job(job, read, token: token)
        case .states: _ = try await client.states(read, token: token)
        }
    }

    /// Before anything else is sent, a ping shows that the daemon is back; and then it is sent at once.
    @Test(arguments: Work.allCases) func aDaemonThatIsBackIsFoundByAPing(_ work: Work) async throws {
        try await FakeSlurmrestd.with({ request, count in
            guard count >= 5 else { return .close }
            if request.line.contains("ping") { return .reply(200, #"{"pings":[]}"#) }
            return .reply(200, request.line.hasPrefix("GET") ? noJobs : ok)
        }) { server in
            try await withClient(server.path) { client in
                for _ in 0..<5 { _ = try? await client.submit(submission(), token: token) }  // these fail
                try await eventually("it answers") {
                    do {
                        try await perform(work, client)
                        return true
                    } catch SlurmError.unreachable {
                        return false
                    }
                }
            }
            #expect(
                server.requests.dropFirst(5).map(\.line) == [
                    "GET /slurm/v0.0.42/ping HTTP/1.1", "\(work.rawValue) HTTP/1.1",
                ])
        }
    }

    /// Whatever becomes of the ping, the request proper was not sent.
    @Test(
        arguments: [
            .close, .reply(200, "text"), .reply(500, "text"), .raw("garbage\r\n\r\n"),
            .stall("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"pings\":"),
        ] as [FakeSlurmrestd.Answer])
    func aLookThatFailsLeavesNothingOpen(answer: FakeSlurmrestd.Answer) async throws {
        try await FakeSlurmrestd.with({ request, _ in request.line.contains("ping") ? answer : .close }) { server in
            try await withClient(server.path, silence: .milliseconds(500)) { client in
                for _ in 0..<5 { _ = try? await client.submit(submission(), token: token) }  // these fail
                try await eventually("it was looked for") {
                    let error = await #expect(throws: SlurmError.self) {
                        try await client.submit(submission(), token: token)
                    }
                    #expect(error?.outcomeIsUnknown == false, "\(String(describing: error))")
                    return server.requests.contains { $0.line.contains("ping") }
                }
            }
            #expect(server.requests.count { $0.line.hasPrefix("POST") } == 5)
        }
    }

    /// The version was replaced while the daemon was silent: that the ping finds it gone is an answer, too.
    @Test func anUpgradeDuringTheSilenceIsFound() async throws {
        try await FakeSlurmrestd.with({ request, count in
            // Four questions for the version, and five submissions without an answer.
            if (4..<9).contains(count) { return .close }
            guard request.line.contains(count < 4 ? "v0.0.42" : "v0.0.40") else { return notServed }
            return .reply(200, request.line.contains("/ping") ? #"{"pings":[]}"# : ok)
        }) { server in
            try await withClient(server.path, nil) { client in
                for _ in 0..<5 { _ = try? await client.submit(submission(), token: token) }  // these fail
                try await eventually("the job is taken") {
                    do {
                        return try await client.submit(submission(), token: token).id == job
                    } catch SlurmError.unreachable {
                        #expect(server.requests.count == 9, "an answer was not enough")
                        return false
                    }
                }
            }
            #expect(
                server.requests.dropFirst(9).first?.line == "GET /slurm/v0.0.42/ping HTTP/1.1"
                    && server.requests.last?.line == "POST /slurm/v0.0.40/job/submit HTTP/1.1")
        }
    }

    @Test func whoeverGivesUpStopsNobody() async throws {
        try await FakeSlurmrestd.with({ _, count in count < 6 ? .nothing : .reply(200, ok) }) { server in
            try await withClient(server.path) { client in
                for number in 1...6 {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { _ = try? await client.submit(submission(), token: token) }  // is cancelled
                        try await eventually("it was sent") { server.requests.count == number }
                        group.cancelAll()
                    }
                }
                #expect(try await client.submit(submission(), token: token).id == job)
            }
        }
    }

    @Test func slurmsRefusalsAreSignsOfLife() async throws {
        let refusal = #"{"errors":[{"error_number":2050,"error":"Job violates accounting/QOS policy"}]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(500, refusal) }) { server in
            try await withClient(server.path) { client in
                for _ in 0..<20 { _ = try? await client.submit(submission(), token: token) }  // refused
            }
            #expect(server.requests.count == 20)
        }
    }

    /// A kept connection may be ending while a submission goes out on it, and then nobody knows whether it arrived.
    @Test func changesHaveAConnectionOfTheirOwn() async throws {
        try await FakeSlurmrestd.with({ request, _ in .reply(200, request.line.hasPrefix("GET") ? noJobs : ok) }) {
            server in
            try await withClient(server.path) { client in
                _ = try await client.jobs(read, token: token)
                for _ in 0..<3 { _ = try await client.submit(submission(), token: token) }
                _ = try await client.jobs(read, token: token)
            }
            #expect(server.requests.map { $0.header("Connection") } == [[], ["close"], ["close"], ["close"], []])
            #expect(server.requests.map(\.connection) == [1, 2, 3, 4, 1])
        }
    }

    /// More at once than there are connections: those that wait are not sent on what another leaves.
    @Test func changesThatWaitHaveAConnectionOfTheirOwn() async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, ok) }) { server in
            try await withClient(server.path) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 { group.addTask { _ = try await client.submit(submission(), token: token) } }
                    try await group.waitForAll()
                }
            }
            #expect(server.requests.count == 20)
            #expect(server.requests.allSatisfy { $0.before == 0 }, "a change went out on a kept connection")
        }
    }

    /// It takes a second request on a connection and ends it, as a daemon does whose keep-alive has run out.
    @Test func aDaemonThatEndsKeptConnectionsLosesNoChange() async throws {
        try await FakeSlurmrestd.with({ request, _ in
            request.before > 0 ? .close : .reply(200, request.line.hasPrefix("GET") ? noJobs : ok)
        }) { server in
            try await withClient(server.path) { client in
                for _ in 0..<3 {
                    _ = try await client.jobs(read, token: token)
                    #expect(try await client.submit(submission(), token: token).id == job)
                }
            }
            #expect(server.requests.count { $0.line.hasPrefix("POST") } == 3)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"jobs\":",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"job\r\n",
    ])
    func anAnswerThatStopsInTheMiddleEnds(_ bytes: String) async throws {
        try await FakeSlurmrestd.with({ _, _ in .stall(bytes) }) { server in
            let error = await #expect(throws: SlurmError.self) {
                try await withClient(server.path, silence: .milliseconds(300)) { client in
                    try await client.submit(submission(), token: token)
                }
            }
            #expect(error == .timeout(sent: .maybeDone))
        }
    }

    /// 24.11 becomes 25.11, or is put back to an older one: the old paths are gone, and nothing was done there.
    @Test(arguments: [true, false])
    func anUpgradeUnderUsIsFound(submits: Bool) async throws {
        try await FakeSlurmrestd.with({ request, count in
            let served = count < 5 ? "v0.0.42" : "v0.0.40"
            guard request.line.contains(served) else { return notServed }
            if request.line.contains("/ping") { return .reply(200, #"{"pings":[]}"#) }
            return .reply(200, request.line.hasPrefix("GET") ? noJobs : ok)
        }) { server in
            try await withClient(server.path, nil) { client in
                _ = try await client.jobs(read, token: token)
                if submits {
                    #expect(try await client.submit(submission(), token: token).id == job)
                } else {
                    #expect(try await client.jobs(read, token: token) == [])
                }
            }
            #expect(server.requests.last?.line.contains("v0.0.40") == true)
            #expect(server.requests.count { $0.line.contains("POST /slurm/v0.0.40") } == (submits ? 1 : 0))
        }
    }

    @Test func aPinnedVersionStaysPinned() async throws {
        try await FakeSlurmrestd.with({ _, _ in notServed }) { server in
            await #expect(throws: SlurmError.self) {
                try await withClient(server.path, 42) { try await $0.jobs(read, token: token) }
            }
            #expect(server.requests.count == 1)
        }
    }

    /// A path that is not there although the version is: asked once more for the version, and not in a circle.
    @Test func aMissingPathOfTheSameVersionIsAnError() async throws {
        try await FakeSlurmrestd.with({ request, _ in
            request.line.contains("/ping") ? .reply(200, #"{"pings":[]}"#) : notServed
        }) { server in
            let error = await #expect(throws: SlurmError.self) {
                try await withClient(server.path, nil) { try await $0.submit(submission(), token: token) }
            }
            guard case .badReply(404?, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(server.requests.count { $0.line.hasPrefix("POST") } == 1)
        }
    }
}

@Suite struct VersionMemoryTests {
    /// Two callers meet the gone version; one has found the next before the other forgets.
    @Test func onlyTheVersionThatIsGoneIsForgotten() {
        let memory = VersionMemory(pinned: nil)
        memory.remember(APIVersion(rawValue: 40))
        memory.forget(APIVersion(rawValue: 42))
        #expect(memory.known == APIVersion(rawValue: 40))
        memory.forget(APIVersion(rawValue: 40))
        #expect(memory.known == nil)
    }
}

/// slurmrestd behind TLS, with a certificate of a site's own authority.
@Suite struct SlurmrestdTLSTests: ClientBench {
    /// Made for one test: the certificate signs itself, and is for `name` alone.
    private func withCertificate(
        for name: String, newest: TLSVersion? = nil,
        _ body: (_ file: String, _ context: NIOSSLContext) async throws -> Void
    ) async throws {
        try await withScratchFolder { folder in
            let made = try await runProgram(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=slurmrestd", "-addext", "subjectAltName=\(name)", "-keyout", "\(folder)/key.pem",
                    "-out", "\(folder)/cert.pem",
                ])
            try #require(made.status == 0, "\(made)")
            let certificates = try NIOSSLCertificate.fromPEMFile("\(folder)/cert.pem")
            let key = try NIOSSLPrivateKey(file: "\(folder)/key.pem", format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.maximumTLSVersion = newest
            try await body("\(folder)/cert.pem", try NIOSSLContext(configuration: configuration))
        }
    }

    private func jobs(port: Int, authorities: String?) async throws -> [Job] {
        try await withClient(at: .url("https://127.0.0.1:\(port)"), 42) { connections, address, version in
            try connections.client(
                cluster, at: address, pinned: version, defaultPartition: nil, authorities: authorities,
                deadline: .seconds(240))
        } body: {
            try await $0.jobs(read, token: token)
        }
    }

    @Test func trustsTheFilesAuthority() async throws {
        try await withCertificate(for: "IP:127.0.0.1") { file, context in
            try await FakeSlurmrestd.with(tls: context, { _, _ in .reply(200, #"{"jobs":[],"errors":[]}"#) }) {
                server, port in
                let found = try await jobs(port: port, authorities: file)
                #expect(found.isEmpty && server.requests.count == 1)
            }
        }
    }

    /// No token goes to somebody whose certificate is not good.
    @Test(arguments: [("IP:127.0.0.1", false), ("IP:127.0.0.2", true)])
    func refusesOthers(_ name: String, _ isTrusted: Bool) async throws {
        try await withCertificate(for: name) { file, context in
            try await FakeSlurmrestd.with(tls: context, { _, _ in .reply(200, #"{"jobs":[],"errors":[]}"#) }) {
                server, port in
                let error = await #expect(throws: SlurmError.self) {
                    try await jobs(port: port, authorities: isTrusted ? file : nil)
                }
                guard case .unreachable(let reason)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(reason.contains("no secure connection"))
                #expect(server.requests.isEmpty)
            }
        }
    }

    @Test(arguments: [(TLSVersion.tlsv12, true), (.tlsv11, false)])
    func speaksNoOldTLS(newest: TLSVersion, isSpoken: Bool) async throws {
        try await withCertificate(for: "IP:127.0.0.1", newest: newest) { file, context in
            try await FakeSlurmrestd.with(tls: context, { _, _ in .reply(200, #"{"jobs":[],"errors":[]}"#) }) {
                server, port in
                if isSpoken {
                    let found = try await jobs(port: port, authorities: file)
                    #expect(found.isEmpty)
                } else {
                    let error = await #expect(throws: SlurmError.self) {
                        try await jobs(port: port, authorities: file)
                    }
                    #expect(error?.outcomeIsUnknown == false)
                }
                #expect(server.requests.count == (isSpoken ? 1 : 0))
            }
        }
    }

    /// A connection may be made for a change that nobody waits for any more when it is there. The daemon may be ending it by the
    /// time that the next change comes: that one has its own.
    @Test func aConnectionThatNobodyWaitedForIsNotUsed() async throws {
        try await withCertificate(for: "IP:127.0.0.1") { file, context in
            // That the client has ended it is seen nowhere before the next change; it has had all the time that it needs, or
            // the next time it will. One that keeps it uses it every time.
            for _ in 0..<5 {
                if try await usesAnother(file, context) { return }
            }
            Issue.record("the connection that was left was used")
        }
    }

    /// Whether a second change went out on a connection of its own.
    private func usesAnother(_ file: String, _ context: NIOSSLContext) async throws -> Bool {
        let gate = Gate()
        defer { gate.open() }
        return try await FakeSlurmrestd.with(tls: context, gate: gate, { _, _ in .reply(200, ok) }) { server, port in
            try await withClient(at: .url("https://127.0.0.1:\(port)"), 42) { connections, address, version in
                try connections.client(
                    cluster, at: address, pinned: version, defaultPartition: nil, authorities: file,
                    deadline: .seconds(240))
            } body: { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try? await client.submit(submission(), token: token) }  // is cancelled
                    try await eventually("it connects") { server.connections.made == 1 }
                    group.cancelAll()
                }
                gate.open()
                try await eventually("the handshake ends") {
                    server.connections.secured == 1 || server.connections.ended == 1
                }
                // The time for connecting was over before: another try.
                guard server.connections.secured == 1 else { return false }
                _ = try await client.submit(submission(), token: token)
                #expect(server.requests.count == 1)
                return server.requests.first?.connection == 2
            }
        }
    }

    @Test func aFileWithoutCertificatesIsNamed() async throws {
        let error = await #expect(throws: SallyError.self) { try await jobs(port: 1, authorities: "/dev/null") }
        #expect(error?.code == .misconfigured && error?.message.contains("/dev/null") == true)
    }
}
