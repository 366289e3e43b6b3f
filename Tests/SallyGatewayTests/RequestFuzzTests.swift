// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyFuzz
import SallyKeepProtocol
import SallyModel
import Testing

@testable import SallyGateway

/// What requests are made of is read or refused as a person is told, and nothing else.
@Suite struct RequestFuzzTests {
    private static let letters = Array("0123456789abcdefxyzABCDEF-_=&%+,;\"*/ .".utf8) + [0x09, 0xc3, 0xa4]

    private static func refusing<Value>(_ body: () throws -> Value) throws -> Value? {
        do { return try body() } catch is SallyError { return nil }
    }

    private static func order(_ random: inout SeededGenerator) -> JobOrder {
        JobOrder(
            field: random.one(of: JobOrder.Field.allCases), direction: random.chance(50) ? .ascending : .descending)
    }

    private static let orders = ["submitted", "-submitted", "job", "-name", "ended"]

    @Test func ordersAreReadOrRefused() throws {
        try Fuzz("orders", quick: 1_000).run(accepting: 50) { random in
            let text = random.text(like: Self.orders, of: Self.letters)
            guard let order = try Self.refusing({ try JobOrder(text) }) else { return .refused }
            try Fuzz.check(order.text == text, text.debugDescription)
            return .accepted
        }
    }

    private static let names = [
        "", "a b", "\u{301}b", "\u{600}", "é\u{301}", "job", String(repeating: "ü", count: 300), "\u{0}\n", "x\u{200d}",
    ]

    /// Every place where a page can end comes back as it went out.
    @Test func cursorsComeBack() throws {
        try Fuzz("cursors that come back", quick: 1_000).run { random in
            let order = Self.order(&random)
            let job = try JobID("\(1 + random.below(4_000_000_000))")
            let key = JobOrder.Key(
                number: Int64(bitPattern: random.next()) >> Int64(random.below(64)), text: random.one(of: Self.names),
                job: job, displayID: random.one(of: ["\(job)", "\(job)_4", "\(job)_[0-9%2]", "\(job)+1"]))
            let cursor = JobCursor(key: key)
            try Fuzz.check(try JobCursor(cursor.text(order), order) == cursor, "\(key)")
            return .accepted
        }
    }

    @Test func cursorsOfAnotherVersionAreRefused() throws {
        let order = try JobOrder("job")
        func cursor(_ version: String) throws -> JobCursor {
            try JobCursor(Base64.url.encode(Array("\(version) job 0 7 7 ".utf8)), order)
        }
        let known = try cursor("1")
        #expect(known.key == JobOrder.Key(number: 0, text: "", job: try JobID("7"), displayID: "7"))
        for version in ["2", "0", "", "01", "11"] {
            let error = #expect(throws: SallyError.self, "\(version)") { try cursor(version) }
            #expect(error?.code == .invalidRequest)
        }
    }

    /// Both could be read: the longer one is refused for its length alone.
    @Test func cursorsHave1024BytesAtMost() throws {
        let order = try JobOrder("name")
        func text(bytes: Int) -> String {
            let start = "1 name 0 7 7 "
            let name = String(repeating: "x", count: bytes / 4 * 3 - start.utf8.count)
            return Base64.url.encode(Array((start + name).utf8))
        }
        let (longest, longer) = (text(bytes: 1024), text(bytes: 1028))
        try #require(longest.utf8.count == 1024 && longer.utf8.count == 1028)
        #expect(try JobCursor(longest, order).key.displayID == "7")
        let error = #expect(throws: SallyError.self) { try JobCursor(longer, order) }
        #expect(error?.code == .invalidRequest)
    }

    @Test func cursorsAreReadOrRefused() throws {
        let inner = ["1 job 0 7 7 ", "1 -submitted 1700000000 7 7_[0-9%2] ", "1 name 0 4294967292 8 a b"]
        let codes = inner.map { Base64.url.encode(Array($0.utf8)) }
        try Fuzz("cursors", quick: 1_000).run(accepting: 5) { random in
            let usual = try JobOrder(random.one(of: ["job", "-submitted", "name"]))
            let order = random.chance(50) ? usual : Self.order(&random)
            var text = random.text(like: codes, of: Self.letters)
            if random.chance(60) {
                var bytes = Array(random.one(of: inner).utf8)
                random.change(&bytes, times: random.below(3), Self.letters)
                text = Base64.url.encode(bytes)
            }
            guard let cursor = try Self.refusing({ try JobCursor(text, order) }) else { return .refused }
            try Fuzz.check(try JobCursor(cursor.text(order), order) == cursor, "\(text) \(order.text)")
            return .accepted
        }
    }

    /// A tag that stands there in quotes is known, whatever stands beside it.
    @Test func conditionsKnowTheirTag() throws {
        let page = JobPage([], JobQuery())
        try Fuzz("conditions", quick: 1_000).run { random in
            let other = random.text(like: ["\"abc\"", "W/\"abc\"", "*", "\"a\", \"b\""], of: Self.letters)
            let isKnown = page.isKnown(by: [other])
            let isAny = other.split(separator: ",").contains { $0.filter { $0 != " " }.hasPrefix("*") }
            try Fuzz.check(!isKnown || isAny, other.debugDescription)
            try Fuzz.check(page.isKnown(by: [other + ", " + page.tag]), other.debugDescription)
            return isKnown ? .accepted : .refused
        }
    }

    private static func request(_ path: String, _ body: [UInt8] = []) -> Request {
        Request(
            head: HTTPRequest(
                method: .get, scheme: "http", authority: "localhost", path: path,
                headerFields: [.contentLength: "\(body.count)"]),
            body: RequestBody(buffer: ByteBuffer(bytes: body)))
    }

    private static let queries = [
        "all=true&since=1700000000", "state=RUNNING,pending&partition=gpu", "sort=-submitted&limit=10", "name=a%20b",
        "array=7&account=lab", "fields=job,name,state", "cursor=MSBqb2IgMCA3IDcg&limit=1", "since=5", "all=maybe",
    ]

    @Test func queriesOfJobsAreReadOrRefused() throws {
        try Fuzz("queries of jobs", quick: 1_000).run(accepting: 20) { random in
            let text = random.text(like: Self.queries, of: Self.letters)
            let query = try Self.refusing { try JobQuery(Self.request("/v1/clusters/demo/jobs?" + text)) }
            guard let query else { return .refused }
            try Fuzz.check((1...JobQuery.largestLimit).contains(query.limit), text.debugDescription)
            return .accepted
        }
    }

    private static let jobNames = [
        "123", "123_4", "123+1", "123_[5-9%2]", "123_%5B5-9%252%5D", "123_%5b1%2c3%5d", "007_[1,3,...]",
    ]

    /// What a path calls a job is said so that it is taken again.
    @Test func namesOfJobsAreReadOrRefused() throws {
        let letters = Array("0123456789_+[],-%:.5BDCx ".utf8) + [0xc3, 0xa4]
        try Fuzz("names of jobs", quick: 1_000).run(accepting: 100) { random in
            let text = random.text(like: Self.jobNames, of: letters)
            guard let name = try Self.refusing({ try JobName(path: text) }) else { return .refused }
            let again = try JobName(name.description)
            try Fuzz.check(again.description == name.description && again.job == name.job, text.debugDescription)
            return .accepted
        }
    }

    private static let frontQueries = [
        "flags=DETAIL,ALL&update_time=17", "signal=USR1&flags=BATCH_JOB", "users=alice&start_time=uts5", "job_id=1,2",
    ]
    private static let frontBodies = [
        #"{"flags":"DETAIL","update_time":"17"}"#, #"{"signal":15,"flags":["BATCH_JOB"]}"#, #"{"users":null,"x":{}}"#,
        "{}",
    ]

    @Test func queriesOfTheFrontAreReadOrRefused() async throws {
        let path = "/slurm/v0.0.42/jobs"
        let lines = FrontLine.all.filter { if case .offered = $0.answer { true } else { false } }
        let letters = Self.letters + Array("{}[]:\"".utf8)
        let context = makeContext()
        try await Fuzz("queries of the front", quick: 1_000).run(accepting: 20) { random in
            let line = random.one(of: lines)
            let isBody = random.chance(50)
            let text = random.text(like: isBody ? Self.frontBodies : Self.frontQueries, of: letters)
            do {
                let query = try await FrontQuery(
                    isBody ? Self.request(path, Array(text.utf8)) : Self.request("\(path)?\(text)"), line,
                    context)
                for name in ["flags", "users", "job_id"] { _ = try query.list(name) }
                for name in ["update_time", "start_time"] { _ = try query.moment(name) }
                return .accepted
            } catch is SallyError {
                return .refused
            }
        }
    }

    private static let kills = [
        #"{"jobs":["1","2_3","4_[1-5]"],"signal":"USR1","flags":["FULL_JOB"]}"#, #"{"user_name":"alice"}"#,
        #"{"job_state":["RUNNING"],"account":"lab","partition":"gpu","job_name":"x"}"#,
        #"{"jobs":[7,"8+1"],"user_id":"20001"}"#, #"{"jobs":["5_[0-999]"],"qos":"","nodes":null}"#,
    ]

    @Test func listsToEndAreReadOrRefused() throws {
        let account = Account(name: try UserName("alice"), uid: try UserID(20001))
        let letters = Array(##"{}[]:,"0123456789_+-%RUNalice "##.utf8)
        try Fuzz("lists to end", quick: 1_000).run(accepting: 20) { random in
            var bytes = Array(random.one(of: Self.kills).utf8)
            random.change(&bytes, times: random.below(4), letters)
            guard let kill = try Self.refusing({ try FrontKill(bytes, by: account) }) else { return .refused }
            let text = String(decoding: bytes, as: UTF8.self)
            try Fuzz.check(kill.jobs.count <= FrontKill.limit, text)
            try Fuzz.check(kill.flags.isEmpty || kill.signal != nil, text)
            return .accepted
        }
    }

    /// A comment keeps what its owner wrote, whatever that is, when a marker is put behind it and cut off again.
    @Test func commentsKeepTheirText() throws {
        let digits = String(repeating: "0123456789abcdef", count: 2)
        let examples = ["a comment", "x sallyport:\(digits)", "sallyport:\(digits)", " sallyport:\(digits) ", ""]
        let letters = Array("sallyport: 0123456789abcdefG".utf8) + [0xd8, 0x80, 0xcc, 0x81, 0x0d, 0x0a]
        let (_, marker) = SubmissionMarker.split("sallyport:\(digits)")
        let own = try #require(marker)
        try Fuzz("comments", quick: 1_000).run { random in
            let comment = random.text(like: examples, of: letters)
            let marked = SubmissionMarker.split(own.appended(to: comment))
            try Fuzz.check(
                marked.marker == own && (marked.comment ?? "").utf8.elementsEqual(comment.utf8),
                comment.debugDescription)
            let found = SubmissionMarker.split(comment)
            guard let marker = found.marker else {
                try Fuzz.check(found.comment?.utf8.elementsEqual(comment.utf8) == true, comment.debugDescription)
                return .refused
            }
            let again = SubmissionMarker.split(marker.appended(to: found.comment))
            try Fuzz.check(again.marker == marker && again.comment == found.comment, comment.debugDescription)
            return .accepted
        }
    }
}
