// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import StrictJSON
import Testing

@testable import SallyPolicy
@testable import SlurmClient

@Suite struct SlurmClientTests: ClientBench {
    private func failure(_ answer: FakeSlurmrestd.Answer, deadline: Duration = .seconds(240)) async throws -> (
        SlurmError?, Int
    ) {
        try await FakeSlurmrestd.with({ _, _ in answer }) { server in
            let error = try await withClient(server.path, deadline: deadline) { client in
                await #expect(throws: SlurmError.self) { try await client.submit(submission(), token: token) }
            }
            return (error, server.requests.count)
        }
    }

    @Test func sendsWhatWasAuthorizedOnce() async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, ok) }) { server in
            let made = try await withClient(server.path) { try await $0.submit(submission(), token: token) }
            #expect(made.id.rawValue == 7)
            let request = try #require(server.requests.first)
            #expect(server.requests.count == 1)
            #expect(request.line == "POST /slurm/v0.0.42/job/submit HTTP/1.1")
            #expect(request.header("Host") == ["localhost"])
            #expect(request.header("X-SLURM-USER-TOKEN") == ["SECRET-TOKEN"])
            #expect(request.header("X-SLURM-USER-NAME").isEmpty)
            #expect(request.header("Content-Type") == ["application/json"])
            let expected = try JobDescription.json(
                submission().action.job, version: APIVersion(rawValue: 42), now: Timestamp(1_000_000_000))
            #expect(request.body == expected.text())
        }
    }

    @Test func namesTheTokensUserWhereTheVersionWantsIt() async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, ok) }) { server in
            _ = try await withClient(server.path, 38) { try await $0.submit(submission(), token: token) }
            #expect(server.requests.first?.header("X-SLURM-USER-NAME") == ["alice"])
        }
    }

    @Test func nothingIsSentThatTheVersionCannotCarry() async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, ok) }) { server in
            let error = try await withClient(server.path, 38) { client in
                await #expect(throws: SlurmError.self) {
                    try await client.submit(submission([("arguments", ["a"])]), token: token)
                }
            }
            #expect(server.requests.isEmpty)
            #expect(error?.outcomeIsUnknown == false)
            #expect(error?.error(cluster: cluster).code == .unsupported)
        }
    }

    @Test func aStatusOf500WithSlurmsNumberIsARefusal() async throws {
        let body =
            #"{"errors":[{"error":"Invalid account or account/partition combination specified","error_code":2045}]}"#
        let (error, count) = try await failure(.reply(500, body))
        let refusal = SlurmRefusal(number: 2045, text: "Invalid account or account/partition combination specified")
        #expect(error == .refused(refusal))
        #expect(count == 1)
        #expect(error?.outcomeIsUnknown == false)
        let shown = try #require(error?.error(cluster: cluster))
        #expect(shown.code == .slurmRefused)
        #expect(shown.slurm == refusal)
        #expect(shown.message.contains("2045") && shown.message.contains("Invalid account"))
    }

    @Test(arguments: [1007, 6000, 6001, 9008]) func tokensThatSlurmDoesNotTakeAreTheGatewaysFault(number: Int)
        async throws
    {
        let (error, _) = try await failure(
            .reply(511, "{\"errors\":[{\"error\":\"Protocol authentication error\",\"error_number\":\(number)}]}"))
        guard case .authentication = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.error(cluster: cluster).code == .unavailable)
    }

    /// 24.11 says so of some requests with a token that is none.
    @Test(arguments: [(401, "Authentication failure"), (511, #"{"errors":[]}"#)])
    func aStatusThatSaysSoIsAuthentication(status: Int, body: String) async throws {
        let (error, _) = try await failure(.reply(status, body))
        guard case .authentication = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// slurmrestd's own word that slurmctld did not answer it is no refusal: the job may be there.
    @Test(arguments: [
        (5004, true), (5005, true), (5000, true), (1802, true), (1801, true), (1803, true), (1003, true), (1002, true),
        (1004, true), (1000, true), (110, true), (-1, true), (0, true), (1001, false), (1800, false), (1804, false),
        (2050, false), (7000, false), (9001, false),
    ])
    func whatGotLostBehindSlurmrestdIsOpen(number: Int, isOpen: Bool) async throws {
        let body = #"{"errors":[{"error":"Socket timed out on send/recv operation","error_code":\#(number)}]}"#
        let (error, count) = try await failure(.reply(500, body))
        #expect(error?.outcomeIsUnknown == isOpen)
        #expect(count == 1)
        let code = error?.error(cluster: cluster).code
        #expect(code == (isOpen || [1001, 1800, 1804, 7000].contains(number) ? .unavailable : .slurmRefused))
    }

    /// Before the request proper is sent nothing can be open.
    @Test func askingForTheVersionLeavesNothingOpen() async throws {
        let body = #"{"errors":[{"error":"Socket timed out on send/recv operation","error_number":5004}]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(500, body) }) { server in
            let error = try await withClient(server.path, nil) { client in
                await #expect(throws: SlurmError.self) { try await client.submit(submission(), token: token) }
            }
            #expect(error?.outcomeIsUnknown == false)
            #expect(!server.requests.contains { $0.line.hasPrefix("POST") })
        }
    }

    @Test(arguments: [
        (
            42,
            #"{"statistics":{"req_time":{"set":true,"infinite":false,"number":1800000000},"dbd_agent_queue_size":3},"errors":[]}"#
        ),
        (38, #"{"statistics":{"req_time":1800000000,"dbd_agent_queue_size":3},"errors":[]}"#),
    ])
    func slurmctldsClockIsInItsStatistics(version: Int, body: String) async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            let said = try await withClient(server.path, version) { try await $0.diagnosis(read, token: token) }
            #expect(said == SlurmReply.Diagnosis(time: Timestamp(1_800_000_000), accountingBacklog: 3))
            #expect(server.requests.map(\.line) == ["GET /slurm/v0.0.\(version)/diag HTTP/1.1"])
        }
    }

    @Test(arguments: [
        #"{"statistics":{},"errors":[]}"#, #"{"errors":[]}"#,
        #"{"statistics":{"req_time":0,"dbd_agent_queue_size":0},"errors":[]}"#,
        #"{"statistics":{"req_time":"1800000000","dbd_agent_queue_size":0},"errors":[]}"#,
        #"{"statistics":{"req_time":{"set":false,"number":5},"dbd_agent_queue_size":0},"errors":[]}"#,
        #"{"statistics":{"req_time":9223372036854775807,"dbd_agent_queue_size":0},"errors":[]}"#,
        #"{"statistics":{"req_time":1099511627776,"dbd_agent_queue_size":0},"errors":[]}"#,
        #"{"statistics":{"req_time":1800000000},"errors":[]}"#,
        #"{"statistics":{"req_time":1800000000,"dbd_agent_queue_size":-1},"errors":[]}"#,
        #"{"statistics":{"req_time":1800000000,"dbd_agent_queue_size":"0"},"errors":[]}"#,
        #"{"statistics":{"req_time":1800000000,"dbd_agent_queue_size":0},"errors":[{"error_number":2002,"error":"no"}]}"#,
    ])
    func whatStatisticsDoNotSayIsNotGuessed(body: String) async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            try await withClient(server.path) { client in
                await #expect(throws: SlurmError.self) { try await client.diagnosis(read, token: token) }
            }
        }
    }

    @Test(
        arguments: [
            .reply(200, "slurmrestd: error"), .reply(500, ""), .reply(200, "[]"), .reply(200, "{}"),
            .reply(200, #"{"job_id":"#),
            .reply(500, #"{"errors":[]}"#), .reply(200, #"{"job_id":1,"job_id":2}"#),
            .reply(200, #"{"job_id":99999999999}"#), .close,
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"job_id\":1,"), .raw("garbage\r\n\r\n"),
            .raw("HTTP/1.1 200 OK\r\n"), .redirect("http://127.0.0.1:1/"),
        ] as [FakeSlurmrestd.Answer]) func whatCannotBeReadLeavesTheOutcomeOpenAndIsNotRepeated(
            answer: FakeSlurmrestd.Answer
        ) async throws
    {
        let (error, count) = try await failure(answer)
        guard case .badReply = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.outcomeIsUnknown == true)
        #expect(error?.error(cluster: cluster).code == .unavailable)
        #expect(count == 1)
    }

    @Test func aRedirectionIsNotFollowed() async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, ok) }) { other in
            let place = "http+unix://\(percentEncoded(other.path))/slurm/v0.0.42/job/submit"
            _ = try await failure(.redirect(place))
            #expect(other.requests.isEmpty)
        }
    }

    /// A deadline that is over before the daemon has the request tells nothing of it: then it is tried with a longer one.
    @Test func aSlowDaemonEndsAtTheDeadline() async throws {
        for seconds in [2, 10, 60, 240] {
            let (error, count) = try await failure(.nothing, deadline: .seconds(seconds))
            guard count > 0 else { continue }
            #expect(error == .timeout(sent: .maybeDone))
            #expect(error?.outcomeIsUnknown == true)
            #expect(error?.error(cluster: cluster).code == .timeout)
            #expect(count == 1)
            return
        }
        Issue.record("the daemon never had the request")
    }

    @Test func whatIsToBeDoneAfterADeadlineDependsOnWhatWasSent() {
        let unsent = SlurmError.timeout(sent: .neverSent).error(cluster: cluster)
        #expect(unsent.code == .timeout && unsent.hint == "nothing was sent: try again")
        let open = SlurmError.timeout(sent: .maybeDone).error(cluster: cluster)
        #expect(open.code == .timeout && open.hint?.contains("look before you repeat it") == true)
    }

    @Test func aDaemonThatIsDownIsUnreachable() async throws {
        let error = try await withScratchFolder { folder in
            try await withClient(folder + "/nobody") { client in
                await #expect(throws: SlurmError.self) { try await client.submit(submission(), token: token) }
            }
        }
        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.outcomeIsUnknown == false)
    }

    @Test func anAnswerWithoutEndIsCutOff() async throws {
        let (error, _) = try await failure(.reply(200, "\"" + String(repeating: "x", count: 2 << 20) + "\""))
        guard case .badReply(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("more than 1048576 bytes"))
    }

    @Test func noErrorHoldsTheToken() async throws {
        for answer: FakeSlurmrestd.Answer in [
            .close, .reply(401, "Authentication failure"), .reply(200, "x"), .redirect("/"),
        ] {
            let (error, _) = try await failure(answer)
            let shown = try #require(error?.error(cluster: cluster))
            for text in [
                "\(String(describing: error))", shown.message, shown.hint ?? "", shown.cause ?? "", "\(token)",
            ] {
                #expect(!text.contains("SECRET"))
            }
        }
    }

    @Test func findsTheNewestVersionThatIsServed() async throws {
        try await FakeSlurmrestd.with({ request, _ in
            if request.line.contains("/v0.0.40/ping") { return .reply(200, #"{"pings":[],"errors":[]}"#) }
            if request.line.contains("/ping") { return .reply(404, "Unable find requested URL.") }
            return .reply(200, ok)
        }) { server in
            _ = try await withClient(server.path, nil) { client in
                _ = try await client.submit(submission(), token: token)
                _ = try await client.submit(submission(), token: token)
            }
            #expect(
                server.requests.map(\.line) == [
                    "GET /slurm/v0.0.45/ping HTTP/1.1", "GET /slurm/v0.0.44/ping HTTP/1.1",
                    "GET /slurm/v0.0.43/ping HTTP/1.1", "GET /slurm/v0.0.42/ping HTTP/1.1",
                    "GET /slurm/v0.0.41/ping HTTP/1.1",
                    "GET /slurm/v0.0.40/ping HTTP/1.1",
                    "POST /slurm/v0.0.40/job/submit HTTP/1.1", "POST /slurm/v0.0.40/job/submit HTTP/1.1",
                ])
        }
    }

    @Test func whatFailsBeforeTheSubmissionIsNeverAnOpenOutcome() async throws {
        for answer: FakeSlurmrestd.Answer in [
            .nothing, .close, .reply(200, "text"), .reply(404, "Unable find requested URL."),
        ] {
            try await FakeSlurmrestd.with({ _, _ in answer }) { server in
                let error = try await withClient(server.path, nil, deadline: .milliseconds(300)) { client in
                    await #expect(throws: SlurmError.self) { try await client.submit(submission(), token: token) }
                }
                #expect(error?.outcomeIsUnknown == false, "\(String(describing: error))")
                #expect(!server.requests.contains { $0.line.hasPrefix("POST") })
            }
        }
    }

    @Test func aReadIsRepeatedOnceWhereTheConnectionEnded() async throws {
        try await FakeSlurmrestd.with({ _, count in count == 0 ? .close : .reply(200, #"{"jobs":[],"errors":[]}"#) }) {
            server in
            let jobs = try await withClient(server.path) { try await $0.jobs(read, token: token) }
            #expect(jobs.isEmpty)
            #expect(server.requests.count == 2)
        }
    }

    @Test func theQueueIsTakenApartWhileItComes() async throws {
        let row = #"{"job_id":%,"job_state":["RUNNING"],"name":"a\"}]b","comment":"x","junk":{"a":[1,2,{"b":"]"}]}}"#
        let rows = (1...3000).map { row.replacing("%", with: "\($0)") }.joined(separator: ",\n ")
        let body = #"{"meta":{},"jobs":[\#(rows)],"last_update":{"set":true,"infinite":false,"number":77},"errors":[]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            let listing = try await withClient(server.path) { client in
                try await client.jobs(changedSince: Timestamp(5), read, token: token) { job, record in
                    "\(job.id) \(job.name) \(record.text("comment") ?? "") \(record.version)"
                }
            }
            #expect(listing.jobs.count == 3000)
            #expect(listing.jobs.last == #"3000 a"}]b x v0.0.42"#)
            #expect(listing.readAt == Timestamp(77))
            #expect(server.requests.map(\.line) == ["GET /slurm/v0.0.42/jobs?update_time=5 HTTP/1.1"])
        }
    }

    @Test(arguments: [(38, "5"), (40, "uts5"), (41, "uts5"), (42, "5"), (44, "5")])
    func changesAreAskedForAsTheVersionReadsMoments(version: Int, moment: String) async throws {
        let body = #"{"meta":{},"jobs":[],"errors":[]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            _ = try await withClient(server.path, version) { client in
                try await client.jobs(changedSince: Timestamp(5), read, token: token) { job, _ in job.id }
            }
            #expect(server.requests.map(\.line) == ["GET /slurm/v0.0.\(version)/jobs?update_time=\(moment) HTTP/1.1"])
        }
    }

    @Test(arguments: [38, 42]) func halfAQueueIsNone(version: Int) async throws {
        let half = #"{"jobs":[{"job_id":1,"job_state":"RUNNING"},{"job_id":2"#
        let raw = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + half
        for answer in [FakeSlurmrestd.Answer.raw(raw), .reply(200, half), .reply(200, half + "}]}}")] {
            try await FakeSlurmrestd.with({ _, _ in answer }) { server in
                await #expect(throws: SlurmError.self) {
                    try await withClient(server.path, version) { try await $0.jobs(read, token: token) }
                }
            }
        }
    }

    /// A row that is no job may stand for the one that is looked for.
    @Test(arguments: [
        #"{"job_id":2}"#, #"{"job_id":0,"job_state":["RUNNING"]}"#, #"{"job_id":2,"job_state":[]}"#,
        #"{"job_id":4294967296,"job_state":["RUNNING"]}"#,
    ])
    func aRowThatIsNoJobIsNotLeftOut(row: String) async throws {
        let body = #"{"jobs":[{"job_id":1,"job_state":["RUNNING"]},\#(row)],"errors":[]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            try await withClient(server.path) { client in
                for _ in 0..<20 {
                    await #expect(throws: SlurmError.self) { try await client.jobs(read, token: token) }
                    await #expect(throws: SlurmError.self) { try await client.job(job, read, token: token) }
                }
            }
            #expect(server.requests.count == 40, "what cannot be read is an answer all the same")
        }
    }

    /// What else may be long: nodes, partitions, the tasks of an array.
    enum Listed: CaseIterable {
        case nodes, partitions, tasks

        var key: String {
            switch self {
            case .nodes: "nodes"
            case .partitions: "partitions"
            case .tasks: "jobs"
            }
        }

        /// - Parameter text: a member of any length.
        func row(_ number: Int, _ text: String = "x") -> String {
            switch self {
            case .nodes, .partitions: #"{"name":"n\#(number)","junk":"\#(text)"}"#
            case .tasks: #"{"job_id":\#(number),"job_state":["RUNNING"],"junk":"\#(text)"}"#
            }
        }
    }

    private func names(_ listed: Listed, _ client: SlurmClient) async throws -> [String] {
        switch listed {
        case .nodes: try await client.nodes(read, token: token).map(\.name)
        case .partitions: try await client.partitions(read, token: token).map(\.name)
        case .tasks: try await client.job(job, read, token: token).map { "n\($0.id)" }
        }
    }

    @Test(arguments: Listed.allCases) func longListsAreTakenApartWhileTheyCome(_ listed: Listed) async throws {
        @Sendable func body(_ rows: [String]) -> String {
            #"{"meta":{},"\#(listed.key)":[\#(rows.joined(separator: ","))],"errors":[]}"#
        }
        let rows = (1...3000).map { listed.row($0) }
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body(rows)) }) { server in
            let found = try await withClient(server.path) { try await names(listed, $0) }
            #expect(found == (1...3000).map { "n\($0)" })
        }
        // What is held is one element, and none may be so long; a list that is held whole would have it. And half a list is none.
        for row in [listed.row(3001, String(repeating: "x", count: 9 << 20)), "{}"] {
            try await FakeSlurmrestd.with({ _, _ in .reply(200, body([listed.row(1), row])) }) { server in
                let error = await #expect(throws: SlurmError.self) {
                    try await withClient(server.path) { try await names(listed, $0) }
                }
                #expect("\(String(describing: error))".contains("badReply"))
            }
        }
        // An error without a list, as both versions answer.
        let refusal = #"{"errors":[{"error_number":1804,"error":"Rate limit exceeded"}]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(500, refusal) }) { server in
            let error = await #expect(throws: SlurmError.self) {
                try await withClient(server.path) { try await names(listed, $0) }
            }
            #expect("\(String(describing: error))".contains("1804"))
        }
    }

    @Test func aQueueWithoutEndIsCutOff() async throws {
        try await FakeSlurmrestd.with({ _, _ in
            .reply(200, #"{"jobs":[{"job_id":1,"a":""# + String(repeating: "x", count: 9 << 20))
        }) {
            server in
            let error = await #expect(throws: SlurmError.self) {
                try await withClient(server.path) { try await $0.jobs(read, token: token) }
            }
            #expect("\(String(describing: error))".contains("badReply"))
        }
    }

    @Test(
        arguments: [
            .reply(200, #"{"errors":[]}"#), .reply(200, #"{"jobs":null}"#), .reply(200, #"{"jobs":[{}]}"#),
            .reply(200, "x"),
            .reply(500, #"{"jobs":[],"errors":[{"error_number":1007,"error":"x"}]}"#),
            .reply(200, #"{"jobs":[],"errors":[{"error_number":1804,"error":"Rate limit exceeded"}]}"#),
        ] as [FakeSlurmrestd.Answer]) func anEmptyQueueIsBelievedOnlyFromAFullAnswer(answer: FakeSlurmrestd.Answer)
        async throws
    {
        try await FakeSlurmrestd.with({ _, _ in answer }) { server in
            await #expect(throws: SlurmError.self) {
                try await withClient(server.path) { try await $0.jobs(read, token: token) }
            }
        }
    }

    @Test func marksTheConfiguredDefaultPartition() async throws {
        let body = #"{"partitions":[{"name":"a"},{"name":"b"}],"errors":[]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            let partitions = try await withClient(server.path, partition: PartitionName("b")) {
                try await $0.partitions(read, token: token)
            }
            #expect(partitions.map(\.isDefault) == [false, true])
        }
    }

    @Test func marksTheConfiguredExclusivePartitions() async throws {
        let body = #"{"partitions":[{"name":"a"},{"name":"b"}],"errors":[]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            let partitions = try await withClient(server.path, exclusive: [PartitionName("b")]) {
                try await $0.partitions(read, token: token)
            }
            #expect(partitions.map(\.isExclusive) == [false, true])
        }
    }

    /// slurmctld is away while the version is looked for.
    @Test func slurmsErrorIsNoMissingVersion() async throws {
        let word = #"{"meta":{},"errors":[{"error_number":7000,"errno":7000,"error":"away"}],"warnings":[]}"#
        try await FakeSlurmrestd.with { _, _ in
            .reply(500, word)
        } _: { server in
            try await withClient(server.path, nil) { client in
                let error = await #expect(throws: SlurmError.self) { try await client.jobs(read, token: token) }
                guard case .refused(let refusal) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(refusal.number == 7000)
            }
        }
    }

    private func cancel(_ version: Int, _ answer: FakeSlurmrestd.Answer, signal: String? = nil) async throws -> (
        SlurmError?, FakeSlurmrestd.Request?
    ) {
        let action = Cancel(cluster: cluster, job: try job, owner: try UserName("alice"), signal: signal)
        return try await FakeSlurmrestd.with({ _, _ in answer }) { server in
            try await withClient(server.path, version) { client in
                do throws(SlurmError) {
                    try await client.cancel(authorized(action), token: token)
                    return (nil, server.requests.first)
                } catch {
                    return (error, server.requests.first)
                }
            }
        }
    }

    @Test func aCancelIsConfirmedJobByJob() async throws {
        let (none, request) = try await cancel(42, .reply(200, #"{"status":[],"errors":[]}"#), signal: "USR1")
        #expect(none == nil)
        #expect(request?.line == "DELETE /slurm/v0.0.42/jobs/ HTTP/1.1")
        #expect(request?.body == #"{"jobs":["7"],"signal":"USR1"}"#)
        let refused =
            #"{"status":[{"error":{"code":2002,"message":"Access/permission denied"},"step_id":"7"}],"errors":[]}"#
        #expect(
            try await cancel(42, .reply(200, refused)).0
                == .refused(SlurmRefusal(number: 2002, text: "Access/permission denied")))
        // 24.11.5 answers this to DELETE /job/ID of somebody else's job: nothing is confirmed by it.
        guard case .badReply = try await cancel(42, .reply(200, #"{"errors":[]}"#)).0 else {
            Issue.record("an answer without a list confirmed a cancel")
            return
        }
    }

    /// What is sent for a part of a job, and the number of it that Slurm would take.
    private func cancel(
        _ version: Int, _ which: JobTarget, _ number: UInt32?, signal: String? = nil, flags: Set<CancelFlag> = [],
        _ answer: String = #"{"status":[],"errors":[]}"#
    ) async throws -> (error: SlurmError?, sent: [String]) {
        let action = Cancel(
            cluster: cluster, ending: which, number: number.flatMap(JobID.init(rawValue:)),
            owner: try UserName("alice"), signal: signal, flags: flags)
        return try await FakeSlurmrestd.with({ _, _ in .reply(200, answer) }) { server in
            try await withClient(server.path, version) { client in
                func sent() -> [String] {
                    server.requests.map { "\($0.line.split(separator: " ")[1]) \($0.body)" }
                }
                do throws(SlurmError) {
                    try await client.cancel(authorized(action), token: token)
                    return (nil, sent())
                } catch {
                    return (error, sent())
                }
            }
        }
    }

    /// An array's number alone would end all of it.
    @Test(
        arguments: [
            (.task(3), #"{"jobs":["7_3"]}"#), (.component(1), #"{"jobs":["7+1"]}"#),
            (.waiting, #"{"jobs":["7"],"job_state":["PENDING"]}"#),
        ] as [(JobTarget.Part, String)])
    func partsAreSentAsTheyAreSpelled(part: JobTarget.Part, body: String) async throws {
        let which = JobTarget(job: try job, part: part)
        let (error, sent) = try await cancel(42, which, nil)
        #expect(error == nil && sent == ["/slurm/v0.0.42/jobs/ \(body)"])
        let signalled = try await cancel(42, which, nil, signal: "USR1", flags: [.fullJob, .batchJob])
        #expect(signalled.sent[0].hasSuffix(#","signal":"USR1","flags":["BATCH_JOB","FULL_JOB"]}"#))
        // v0.0.38 takes no part that has not a number of its own, and 22.05.8 not by that number.
        let old = try await cancel(38, which, nil)
        let none = try #require(old.error?.error(cluster: cluster))
        #expect(old.sent.isEmpty && none.code == .unsupported)
        #expect(none.message.hasPrefix("cluster demo cannot end "), "\(none.message)")
        #expect(part != .task(3) || none.message.contains("cannot end task 7_3 by itself"))
        #expect(none.hint?.hasPrefix("end all of job 7") == true)
        #expect(try await cancel(38, which, 9).sent == ["/slurm/v0.0.38/job/\(part == .task(3) ? "7_3" : "9") "])
        #expect(try await cancel(38, which, 7).sent == ["/slurm/v0.0.38/job/7 "])
        let flagged = try await cancel(38, which, 9, signal: "USR1", flags: [.batchJob])
        let refused = try #require(flagged.error?.error(cluster: cluster))
        #expect(flagged.sent.isEmpty && refused.code == .unsupported)
        #expect(refused.message.contains("cluster demo takes no flags") && refused.hint != nil)
    }

    /// What started meanwhile is not meant any more where the waiting tasks are, and a refusal everywhere else.
    @Test func whatIsNotPendingAnyMoreIsLeftAlone() async throws {
        let said = #"{"status":[{"error":{"code":2172,"message":"not pending"},"step_id":"7_1"}],"errors":[]}"#
        #expect(try await cancel(42, JobTarget(job: try job, part: .waiting), nil, said).error == nil)
        #expect(try await cancel(42, JobTarget(job: try job, part: .task(1)), nil, said).error != nil)
    }

    /// Tasks that ended before keep nobody from ending the rest of an array.
    @Test func whatHasEndedIsNoFailureOfTheWhole() async throws {
        let said = #"{"status":[{"error":{"code":2021,"message":"completed"},"step_id":"7_0"}],"errors":[]}"#
        #expect(try await cancel(42, JobTarget(job: try job), nil, said).error == nil)
        #expect(try await cancel(42, JobTarget(job: try job, part: .task(0)), nil, said).error != nil)
    }

    @Test func v38CancelsByPath() async throws {
        let (none, request) = try await cancel(38, .reply(200, #"{"errors":[]}"#), signal: "TERM")
        #expect(none == nil)
        #expect(request?.line == "DELETE /slurm/v0.0.38/job/7?signal=TERM HTTP/1.1")
        let body = #"{"errors":[{"error_number":2002,"error":"Access/permission denied"}]}"#
        #expect(
            try await cancel(38, .reply(500, body)).0
                == .refused(SlurmRefusal(number: 2002, text: "Access/permission denied")))
    }

    /// v0.0.40 as 23.11.0 to 23.11.5 serve it, without the list.
    private func cancelWithoutLists(
        _ which: JobTarget, _ number: UInt32?, signal: String? = nil, version: Int = 40,
        list: FakeSlurmrestd.Answer = .reply(404, "Unable to find requested URL"), said: String = #"{"errors":[]}"#,
        shown: [String] = [#"{"job_id":7,"job_state":["CANCELLED","COMPLETING"]}"#], flags: Set<CancelFlag> = []
    ) async throws -> (error: SlurmError?, sent: [String]) {
        let action = Cancel(
            cluster: cluster, ending: which, number: number.flatMap(JobID.init(rawValue:)),
            owner: try UserName("alice"), signal: signal, flags: flags)
        let jobs = "{\"jobs\":[\(shown.joined(separator: ","))],\"errors\":[]}"
        return try await FakeSlurmrestd.with({ request, _ in
            if request.line.hasPrefix("GET") { return .reply(200, jobs) }
            return request.line.contains("/jobs/") ? list : .reply(200, said)
        }) { server in
            try await withClient(server.path, version) { client in
                func sent() -> [String] {
                    server.requests.map { $0.line.split(separator: " ").prefix(2).joined(separator: " ") }
                }
                do throws(SlurmError) {
                    try await client.cancel(authorized(action), token: token)
                    return (nil, sent())
                } catch {
                    return (error, sent())
                }
            }
        }
    }

    @Test(arguments: [
        FakeSlurmrestd.Answer.reply(404, "Unable to find requested URL"), .reply(405, "no such method"),
        .reply(422, #"{"errors":[{"error_number":9000,"error":"Query empty or not RFC7320 compliant"}]}"#),
        .reply(404, #"{"errors":[{"error_number":9006,"error":"Unable to find requested URL"}]}"#),
    ])
    func whereThereIsNoListAJobIsEndedByItsNumberAndLookedAt(list: FakeSlurmrestd.Answer) async throws {
        let (error, sent) = try await cancelWithoutLists(JobTarget(job: try job), 7, list: list)
        #expect(error == nil)
        #expect(
            sent == ["DELETE /slurm/v0.0.40/jobs/", "DELETE /slurm/v0.0.40/job/7", "GET /slurm/v0.0.40/job/7"])
        // A signal ends nothing that could be seen.
        let signalled = try await cancelWithoutLists(JobTarget(job: try job), 7, signal: "USR1", list: list)
        #expect(signalled.error == nil)
        #expect(signalled.sent.dropFirst() == ["DELETE /slurm/v0.0.40/job/7?signal=USR1"])
        // Later versions always have the list.
        let newer = try await cancelWithoutLists(JobTarget(job: try job), 7, version: 42, list: list)
        #expect(newer.error != nil && newer.sent == ["DELETE /slurm/v0.0.42/jobs/"])
    }

    @Test func anEndByNumberThatIsNoneIsNotBelieved() async throws {
        let whole = JobTarget(job: try job)
        for state in ["RUNNING", "PENDING"] {
            let alive = try await cancelWithoutLists(
                whole, 7,
                shown: [#"{"job_id":8,"job_state":["CANCELLED"]}"#, #"{"job_id":7,"job_state":["\#(state)"]}"#])
            guard case .badReply(nil, _) = alive.error else {
                Issue.record("\(state): \(String(describing: alive.error))")
                return
            }
        }
        let refused = try await cancelWithoutLists(
            whole, 7, said: #"{"errors":[{"error_number":2002,"error":"Access/permission denied"}]}"#)
        #expect(refused.error == .refused(SlurmRefusal(number: 2002, text: "Access/permission denied")))
        #expect(refused.sent.count == 2)
    }

    /// Such a slurmrestd cuts off what follows the number: `7_3` would end all of array 7.
    @Test func aTaskIsNeverSpelledWhereOnlyNumbersAreRead() async throws {
        let task = JobTarget(job: try job, part: .task(3))
        let own = try await cancelWithoutLists(
            task, 9, shown: [#"{"job_id":9,"job_state":["CANCELLED"]}"#, #"{"job_id":7,"job_state":["RUNNING"]}"#])
        #expect(own.error == nil && own.sent.dropFirst().allSatisfy { $0.hasSuffix("/job/9") })
        for part in [JobTarget.Part.task(3), .waiting, .component(1)] {
            let none = try await cancelWithoutLists(JobTarget(job: try job, part: part), nil)
            #expect(none.error?.error(cluster: cluster).code == .unsupported)
            #expect(none.sent == ["DELETE /slurm/v0.0.40/jobs/"])
        }
        let flagged = try await cancelWithoutLists(JobTarget(job: try job), 7, signal: "USR1", flags: [.batchJob])
        #expect(flagged.error?.error(cluster: cluster).code == .unsupported)
        #expect(flagged.sent == ["DELETE /slurm/v0.0.40/jobs/"])
    }

    @Test(
        arguments: [
            (["PENDING"], "DELETE /slurm/v0.0.40/job/7"), (["PENDING", "RUNNING"], "POST /slurm/v0.0.40/job/7"),
        ] as [([String], String)])
    func aLeaversJobIsEndedOrHeldWithoutTheList(states: [String], last: String) async throws {
        let action = authorized(SystemAction.cancelLeaverJob(cluster, try job, try UserName("alice")))
        try await FakeSlurmrestd.with({ request, before in
            guard request.line.hasPrefix("GET") else {
                return request.line.contains("/jobs/") ? .reply(404, "no such URL") : .reply(200, #"{"errors":[]}"#)
            }
            // After the first look it is as it was asked to be.
            let shown = before > 0 && states.count == 1 ? ["CANCELLED"] : states
            let rows = shown.map {
                "{\"job_id\":7,\"job_state\":[\"\($0)\"],\"user_name\":\"alice\",\"hold\":true}"
            }
            return .reply(200, "{\"jobs\":[\(rows.joined(separator: ","))],\"errors\":[]}")
        }) { server in
            try await withClient(server.path, 40) { try await $0.endLeaverJob(action, token: token) }
            let writes = server.requests.map(\.line).filter { !$0.hasPrefix("GET") && !$0.contains("/jobs/") }
            #expect(writes == ["\(last) HTTP/1.1"])
        }
    }

    @Test(arguments: [
        (#"{"errors":[{"description":"job array update failed"}]}"#, "PENDING", 0, true),
        (#"{"errors":[]}"#, "PENDING", 100, false),
        (#"{"errors":[]}"#, "RUNNING", 100, true),
        (#"{"errors":[{"error_number":2002,"error":"no"}]}"#, "PENDING", 100, false),
    ]) func aHoldIsBelievedWhenTheJobSaysSo(reply: String, state: String, priority: Int, held: Bool) async throws {
        let action = authorized(SystemAction.holdLeaverJob(cluster, try job, try UserName("alice")))
        let shown = "{\"jobs\":[{\"job_id\":7,\"job_state\":\"\(state)\",\"priority\":\(priority)}],\"errors\":[]}"
        try await FakeSlurmrestd.with({ request, _ in .reply(200, request.line.hasPrefix("POST") ? reply : shown) }) {
            server in
            let works = try await withClient(server.path, 38) { client in
                do throws(SlurmError) {
                    try await client.endLeaverJob(action, token: token)
                    return true
                } catch {
                    return false
                }
            }
            #expect(works == held)
            #expect(server.requests.first?.body == #"{"hold":true}"#)
        }
    }

    /// What a leaver's job looks like, and what is sent for it besides the reading.
    @Test(
        arguments: [
            (42, [("PENDING", "alice")], ["DELETE {\"jobs\":[\"7\"],\"job_state\":[\"PENDING\"]}"]),
            (42, [("RUNNING", "alice")], []),
            (42, [("COMPLETED", "alice")], []), (38, [("PENDING", "alice")], ["DELETE "]),
            (38, [("RUNNING", "alice")], []),
            (38, [("PENDING", "alice"), ("COMPLETED", "alice")], ["DELETE "]),
            (38, [("PENDING", "alice"), ("RUNNING", "alice")], ["POST {\"hold\":true}"]),
        ] as [(Int, [(String, String)], [String])])
    func runningJobsOfLeaversAreLeftAlone(version: Int, parts: [(String, String)], sent: [String]) async throws {
        let action = authorized(SystemAction.cancelLeaverJob(cluster, try job, try UserName("alice")))
        let rows = parts.map {
            "{\"job_id\":7,\"job_state\":\"\($0.0)\",\"user_name\":\"\($0.1)\",\"priority\":0,\"hold\":true}"
        }
        let shown = "{\"jobs\":[\(rows.joined(separator: ","))],\"errors\":[]}"
        try await FakeSlurmrestd.with({ request, _ in
            .reply(200, request.line.hasPrefix("GET") ? shown : #"{"status":[],"errors":[]}"#)
        }) { server in
            try await withClient(server.path, version) { try await $0.endLeaverJob(action, token: token) }
            let writes = server.requests.filter { !$0.line.hasPrefix("GET") }
            #expect(writes.map { "\($0.line.prefix { $0 != " " }) \($0.body)" } == sent)
        }
    }

    @Test func jobsOfOthersAreNotCancelledForALeaver() async throws {
        let action = authorized(SystemAction.cancelLeaverJob(cluster, try job, try UserName("alice")))
        let shown = #"{"jobs":[{"job_id":7,"job_state":"PENDING","user_name":"bob"}],"errors":[]}"#
        try await FakeSlurmrestd.with({ _, _ in .reply(200, shown) }) { server in
            await #expect(throws: SlurmError.self) {
                try await withClient(server.path) { try await $0.endLeaverJob(action, token: token) }
            }
            #expect(server.requests.count == 1)
        }
    }

    /// Whoever asks for jobs that have ended asks for no steps, where that changes nothing else of the list.
    @Test(arguments: [
        (38, "start_time=uts5&skip_steps=true"), (40, "start_time=uts5&users=alice"),
        (41, "start_time=uts5&users=alice&skip_steps=true&show_duplicates=true&disable_truncate_usage_time=true"),
        (44, "start_time=uts5&users=alice&skip_steps=true&show_duplicates=true&disable_truncate_usage_time=true"),
    ])
    func stepsAreNotAskedFor(version: Int, query: String) async throws {
        try await FakeSlurmrestd.with({ _, _ in .reply(200, #"{"jobs":[],"errors":[]}"#) }) { server in
            let found = try await withClient(server.path, version) {
                try await $0.finished(user: UserName("alice"), job: nil, since: Timestamp(5), read, token: token) {
                    job, _ in job.id
                }
            }
            #expect(found.elements.isEmpty && found.passedOver == 0)
            #expect(server.requests.map(\.line) == ["GET /slurmdb/v0.0.\(version)/jobs?\(query) HTTP/1.1"])
        }
    }

    @Test func accountingIsCutToThePerson() async throws {
        let body = """
            {"jobs":[{"job_id":1,"user":"alice","state":{"current":["COMPLETED"]}},{"job_id":2,"user":"bob","state":{"current":["FAILED"]}}],"errors":[]}
            """
        try await FakeSlurmrestd.with({ _, _ in .reply(200, body) }) { server in
            let found = try await withClient(server.path) {
                try await $0.finished(user: UserName("alice"), job: nil, since: Timestamp(5), read, token: token) {
                    job, _ in job.id.rawValue
                }
            }
            #expect(found.elements == [1] && found.passedOver == 0 && !found.lacksSteps)
        }
    }

    @Test func everyNumberHasItsClass() {
        let classes: [Int: SallyError.Code] = [
            2017: .notFound, 2021: .conflict, 2084: .conflict, 1804: .unavailable, 2105: .unavailable,
            1001: .unavailable, 1800: .unavailable, 2036: .unsupported,
            2000: .slurmRefused, 2002: .slurmRefused, 2050: .slurmRefused, 2066: .slurmRefused, 4711: .slurmRefused,
        ]
        for (number, code) in classes {
            let error = SlurmError.refused(SlurmRefusal(number: number, text: "x")).error(cluster: cluster)
            #expect(error.code == code, "\(number)")
            #expect(error.slurm?.number == number)
        }
    }
}
