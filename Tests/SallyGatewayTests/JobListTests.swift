// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import NIOCore
import SallyModel
import SallyStore
import SallyTestSupport
import SallyWire
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

@Suite struct JobListTests {
    private static let path = "/v1/clusters/demo/jobs"
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")

    private static func settings(_ jobs: [QueuedJob], finished: [QueuedJob] = []) -> WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change {
                $0.jobs = jobs
                $0.finished = finished
            }
        }
        return settings
    }

    /// 1 to 6 of Alice, 7 of Bob.
    private static var mixed: [QueuedJob] {
        func job(_ id: UInt32, _ state: String, _ partition: String, _ account: String, _ name: String, _ at: Int64)
            -> QueuedJob
        {
            var job = makeJob(id, alice, state: state)
            job.view.partition = partition
            job.view.account = account
            job.view.name = name
            job.view.submitted = Timestamp(at)
            return job
        }
        return [
            job(1, "PENDING", "debug", "lab", "train", 30), job(2, "RUNNING", "gpu", "lab", "train", 20),
            job(3, "PENDING", "gpu,debug", "other", "eval", 20), job(4, "COMPLETED", "debug", "LAB", "eval", 10),
            makeTask(5, of: 5, "5_[2-3]", alice), makeTask(6, of: 5, "5_1", alice), makeJob(7, bob),
        ]
    }

    @Test(arguments: [
        ("", [1, 2, 3, 5, 6]), ("?state=RUNNING", [2]), ("?state=running,COMPLETED", [2, 4]), ("?state=r,CD", [2, 4]),
        ("?state=pd", [1, 3, 5, 6]),
        ("?state=COMPLETING", []), ("?partition=debug", [1, 3, 5, 6]), ("?partition=gpu", [2, 3]),
        ("?account=other", [3]), ("?account=OTHER", [3]), ("?account=other,Lab&name=train", [1, 2]),
        ("?account=lab&state=COMPLETED", [4]), ("?name=eval", [3]), ("?array=5", [5, 6]),
        ("?array=6", [6]), ("?array=7", []), ("?sort=-job", [6, 5, 3, 2, 1]),
        ("?sort=submitted", [5, 6, 2, 3, 1]), ("?sort=-submitted", [1, 3, 2, 6, 5]), ("?sort=name&limit=2", [3, 5]),
        ("?all=true", [1, 2, 3, 4, 5, 6, 9]), ("?all=true&state=FAILED", [9]),
        ("?all=true&state=PENDING", [1, 3, 5, 6]),
    ])
    func filtersAndOrders(query: String, jobs: [UInt32]) async throws {
        let settings = Self.settings(Self.mixed, finished: [makeJob(9, Self.alice, state: "FAILED")])
        try await withWorld(settings) { world, client in
            let list = try await client.call(.get, Self.path + query, world.alice).decode(JobList.self)
            #expect(list.jobs.map(\.job.rawValue) == jobs, "\(query)")
        }
    }

    @Test(arguments: [
        "state=NONSENSE", "state=", "state=RUNNING,,PENDING", "sort=size", "sort=--job", "limit=0", "limit=10001",
        "limit=x",
        "fields=job,secret", "fields=", "cursor=x", "cursor=", "array=x", "array=0", "since=5", "all=maybe",
        "partition=,",
        "owner=bob", "user=bob",
    ])
    func whatIsNotValidIsRefused(query: String) async throws {
        try await withWorld(Self.settings(Self.mixed)) { world, client in
            try await client.expect(.badRequest, .get, "\(Self.path)?\(query)", world.alice)
        }
    }

    @Test(
        arguments: [
            (Array(repeating: "x", count: 100), .ok), (Array(repeating: "x", count: 101), .badRequest),
            ([String(repeating: "x", count: 1024)], .ok), ([String(repeating: "x", count: 1025)], .badRequest),
            (["x", String(repeating: "ü", count: 513)], .badRequest),
        ] as [([String], HTTPResponse.Status)])
    func aFilterHas100ValuesOf1024BytesAtMost(values: [String], status: HTTPResponse.Status) async throws {
        try await withWorld(Self.settings(Self.mixed)) { world, client in
            for name in ["partition", "account", "name"] {
                let text = values.joined(separator: ",").replacing("ü", with: "%C3%BC")
                try await client.expect(status, .get, "\(Self.path)?\(name)=\(text)", world.alice)
            }
        }
    }

    @Test func whatIsNoStateIsNamed() async throws {
        try await withWorld(Self.settings(Self.mixed)) { world, client in
            let answer = try await client.call(.get, "\(Self.path)?state=DL,running,XY", world.alice)
            #expect(answer.status == .badRequest)
            #expect(try answer.problem.detail == "no state of a job is called \"XY\"")
            #expect(try answer.problem.hint?.contains("in full or short") == true)
        }
    }

    @Test(arguments: ["job", "-job", "submitted", "-submitted", "name", "state"])
    func pagesHaveEveryJobOnce(sort: String) async throws {
        let jobs = (UInt32(1)...25).map { number -> QueuedJob in
            var job = makeJob(number, Self.alice)
            job.view.submitted = Timestamp(Int64(number % 3))
            job.view.name = "job \(number % 4) x"
            return job
        }
        try await withWorld(Self.settings(jobs)) { world, client in
            let whole = try await client.call(.get, "\(Self.path)?sort=\(sort)", world.alice).decode(JobList.self)
            var paged: [JobID] = []
            var cursor = ""
            for page in 0..<4 {
                let list = try await client.call(
                    .get, "\(Self.path)?sort=\(sort)&limit=7\(cursor)", world.alice
                ).decode(JobList.self)
                paged += list.jobs.map(\.job)
                #expect((list.next == nil) == (page == 3))
                cursor = list.next.map { "&cursor=\($0)" } ?? ""
            }
            #expect(paged == whole.jobs.map(\.job))
            let other = sort == "job" ? "name" : "job"
            let first = try await client.call(.get, "\(Self.path)?sort=\(sort)&limit=7", world.alice).decode(
                JobList.self)
            try await client.expect(
                .badRequest, .get, "\(Self.path)?sort=\(other)&cursor=\(try #require(first.next))", world.alice)
        }
    }

    /// A name may be as long as Slurm lets it be: what a page says comes next is taken.
    @Test(arguments: ["name", "-name"])
    func pagesOfJobsWithLongNamesGoOn(sort: String) async throws {
        let ends = ["", "a", "b", "ü", "\u{1f600}"]
        let jobs = (UInt32(1)...10).map { number -> QueuedJob in
            var job = makeTask(number, of: 1, "1_[\(String(repeating: "1\(number),", count: 400))]", Self.alice)
            // Some differ within what counts, some after it, and some have a character across its end.
            let start = String(repeating: "x", count: number.isMultiple(of: 2) ? 254 : 3000)
            job.view.name = start + ends[Int(number) / 2 % ends.count] + String(repeating: "ü", count: 300)
            return job
        }
        try await withWorld(Self.settings(jobs)) { world, client in
            var paged: [JobID] = []
            var cursor: String?
            repeat {
                let answer = try await client.call(
                    .get, "\(Self.path)?sort=\(sort)&limit=1\(cursor.map { "&cursor=\($0)" } ?? "")", world.alice)
                #expect(answer.status == .ok, "\(answer.text)")
                let list = try answer.decode(JobList.self)
                paged += list.jobs.map(\.job)
                cursor = list.next
            } while cursor != nil && paged.count <= jobs.count
            #expect(paged.count == jobs.count && Set(paged) == Set(jobs.map(\.id)))
        }
    }

    @Test func aPageGoesOnWhereTheOneBeforeEndedWhateverLeftMeanwhile() async throws {
        try await withWorld(Self.settings((1...9).map { makeJob($0, Self.alice) })) { world, client in
            let first = try await client.call(.get, "\(Self.path)?limit=3", world.alice).decode(JobList.self)
            world.queue.change { $0.jobs.removeAll { [2, 3, 5].contains($0.view.job.rawValue) } }
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            let cursor = try #require(first.next)
            let second = try await client.call(.get, "\(Self.path)?limit=3&cursor=\(cursor)", world.alice)
            #expect(try second.decode(JobList.self).jobs.map(\.job.rawValue) == [4, 6, 7])
        }
    }

    @Test func onlyTheFieldsThatAreAskedForAreSent() async throws {
        try await withWorld(Self.settings(Self.mixed)) { world, client in
            let answer = try await client.call(.get, "\(Self.path)?fields=states,id,ended&limit=1", world.alice)
            #expect(answer.text.hasPrefix(#"{"jobs":[{"id":"1","states":["PENDING"]}],"next":""#), "\(answer.text)")
        }
    }

    @Test func aTagSaysThatNothingIsNew() async throws {
        try await withWorld(Self.settings(Self.mixed)) { world, client in
            let first = try await client.call(.get, Self.path, world.alice)
            let tag = try #require(first.headers[.eTag])
            #expect(first.headers[.age] != nil && first.headers[.cacheControl] == "private, no-cache")
            #expect(first.headers[.contentType] == "application/json")
            for condition in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let again = try await client.call(.get, Self.path, world.alice, headers: [("If-None-Match", condition)])
                #expect(again.status == .notModified && again.body.readableBytes == 0, "\(condition)")
                #expect(again.headers[.eTag] == tag && again.headers[.age] != nil)
            }
            for condition in ["\"x\"", "x", "", String(tag.dropLast())] {
                let again = try await client.call(.get, Self.path, world.alice, headers: [("If-None-Match", condition)])
                #expect(again.status == .ok, "\(condition)")
            }
            let bobs = try await client.call(.get, Self.path, world.bob, headers: [("If-None-Match", tag)])
            #expect(bobs.status == .ok && bobs.headers[.eTag] != tag)
            world.queue.change { $0.jobs[0].view.reason = "Resources" }
            _ = try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            let new = try await client.call(.get, Self.path, world.alice, headers: [("If-None-Match", tag)])
            #expect(new.status == .ok && new.headers[.eTag] != tag)
            #expect(new.text.contains("Resources"))
        }
    }

    /// The page is kept ready; what is new since must not be hidden by it.
    @Test func whatWeDidShowsInAListThatWasAskedForBefore() async throws {
        try await withWorld(Self.settings([makeJob(1, Self.alice), makeJob(7, Self.bob)])) { world, client in
            func own() async throws -> [UInt32] {
                try await client.call(.get, Self.path, world.alice).decode(JobList.self).jobs.map(\.job.rawValue)
            }
            let shown1 = try await own()
            #expect(shown1 == [1])
            // No read that begins from here on is heard of.
            let latch = Latch()
            world.queue.change { $0.blocksReads = latch }
            defer { latch.open() }
            world.cluster.keeper.show(makeJob(9, Self.alice))
            let shown2 = try await own()
            #expect(shown2 == [1, 9])
            world.cluster.keeper.showEnded(
                JobTarget(job: JobID(rawValue: 1)!), of: Self.alice, told: [])  // a small number
            let shown3 = try await own()
            #expect(shown3 == [9])
        }
    }

    @Test func anAnswerIsMarkedWhileSlurmIsAwayAndThenRefused() async throws {
        var settings = Self.settings([makeJob(1, Self.alice)])
        settings.staleLimit = .zero
        try await withWorld(settings) { world, client in
            let answer = try await client.call(.get, Self.path, world.alice)
            #expect(answer.status == .serviceUnavailable)
            #expect(try answer.problem.detail.contains("too old to show"))
            try await client.expect(.serviceUnavailable, .get, "\(Self.path)/1", world.alice)
        }
        try await withWorld(Self.settings([makeJob(1, Self.alice)])) { world, client in
            let fresh = try await client.call(.get, Self.path, world.alice)
            #expect(fresh.headers[.stale] == nil)
            world.queue.change { $0.failure = SallyError(.unavailable, "away") }
            await #expect(throws: SallyError.self) {
                try await world.cluster.keeper.snapshot(readAfter: .now, within: .seconds(240))
            }
            let stale = try await client.call(.get, Self.path, world.alice)
            #expect(stale.status == .ok && stale.headers[.stale] == "true")
            let tag = try #require(stale.headers[.eTag])
            let known = try await client.call(.get, Self.path, world.alice, headers: [("If-None-Match", tag)])
            #expect(known.status == .notModified && known.headers[.stale] == "true")
        }
    }

    /// A cache whose answers are new for an hour.
    private static func cache(_ world: World) -> FinishedJobsCache {
        FinishedJobsCache(
            cluster: World.name, queue: world.queue, access: world.cluster.access, life: .seconds(3600))
    }

    @Test func whatHasFinishedIsAskedForOnce() async throws {
        let finished = [makeJob(3, Self.alice, state: "COMPLETED")]
        try await withWorld(Self.settings([], finished: finished)) { world, _ in
            let (cache, latch) = (Self.cache(world), Latch())
            @Sendable func ask(_ user: String) async throws -> [UInt32] {
                let wanted = FinishedJobs(
                    user: UserName(unchecked: user), job: nil, since: Timestamp(0), limit: 1000)
                return try await cache.listing(wanted).jobs.map(\.id.rawValue)
            }
            world.queue.change { $0.blocksFinished = latch }
            try await withThrowingTaskGroup(of: [UInt32].self) { group in
                for _ in 0..<20 { group.addTask { try await ask("alice") } }
                defer { latch.open() }
                try await eventually("the first asks") { world.queue.now.accountingReads > 0 }
                latch.open()
                for try await jobs in group { #expect(jobs == [3]) }
            }
            #expect(world.queue.now.accountingReads == 1)
            // Another's are another question.
            #expect(try await ask("bob") == [])
            #expect(world.queue.now.accountingReads == 2)
        }
    }

    /// A job that accounting does not know yet may be known in the next moment.
    @Test func aJobThatIsMissingIsAskedForAgain() async throws {
        try await withWorld(Self.settings([])) { world, client in
            let cache = Self.cache(world)
            let wanted = FinishedJobs(user: Self.alice, job: JobID(rawValue: 3), since: Timestamp(0), limit: 1)
            #expect(try await cache.listing(wanted).jobs.isEmpty)
            world.queue.change { $0.finished = [makeJob(3, Self.alice, state: "COMPLETED")] }
            for _ in 0..<2 {
                let jobs = try await cache.listing(wanted).jobs
                #expect(jobs.count == 1)
            }
            #expect(world.queue.now.accountingReads == 2)
            try await client.expect(.ok, .get, "\(Self.path)/3", world.alice)
        }
    }

    /// Answers are no longer as good as new after their time.
    @Test func whatIsOldIsAskedForAgain() async throws {
        try await withWorld(Self.settings([])) { world, _ in
            let cache = FinishedJobsCache(
                cluster: World.name, queue: world.queue, access: world.cluster.access, life: .zero)
            let wanted = FinishedJobs(user: Self.alice, job: nil, since: Timestamp(0), limit: 1)
            for _ in 0..<2 {
                let jobs = try await cache.listing(wanted).jobs
                #expect(jobs.isEmpty)
            }
            #expect(world.queue.now.accountingReads == 2)
        }
    }

    /// However long their time is: memory has an end. Then none is kept.
    @Test func answersOfManyJobsAreNotKept() async throws {
        let finished = (UInt32(1)...3).map { makeJob($0, Self.alice, state: "COMPLETED") }
        try await withWorld(Self.settings([], finished: finished)) { world, _ in
            let cache = FinishedJobsCache(
                cluster: World.name, queue: world.queue, access: world.cluster.access, life: .seconds(3600),
                mostJobs: 6)
            func ask(_ since: Int64) async throws {
                let wanted = FinishedJobs(user: Self.alice, job: nil, since: Timestamp(since), limit: 1000)
                let jobs = try await cache.listing(wanted).jobs
                #expect(jobs.count == 3)
            }
            for since in [0, 1, 0, 1] as [Int64] { try await ask(since) }
            #expect(cache.count == 2 && world.queue.now.accountingReads == 2)
            try await ask(2)
            #expect(cache.count == 0)
            try await ask(0)
            #expect(cache.count == 1 && world.queue.now.accountingReads == 4)
        }
    }

    /// The rules for reading say nothing about writing: no writer is waited for, and nothing is recorded.
    @Test func readingWritesNothing() async throws {
        try await withWorld(Self.settings([makeJob(1, Self.alice)])) { world, client in
            let head = try await world.audit.head()
            for _ in 0..<5 { try await client.expect(.ok, .get, Self.path, world.alice) }
            let after = try await world.audit.head()
            #expect(after == head)
        }
    }
}

@Suite struct JobJSONTests {
    /// Every member set: a new one that is forgotten fails here.
    private static var full: JobView {
        var view = makeJob(7, UserName(unchecked: "alice")).view
        view.name = "a \"b\" \\ /\n\r\t\u{01}\u{1f}\u{7f} ü 😀"
        view.qos = "q"
        view.states = ["RUNNING", "COMPLETING"]
        view.reason = ""
        view.submitted = Timestamp(1)
        view.started = Timestamp(2)
        view.ended = Timestamp(-3)
        view.timeLimitMinutes = 0
        view.nodes = 1
        view.nodeList = "n[1-2]"
        view.cpus = 4
        view.exitStatus = 0
        view.signal = 9
        view.workingDirectory = "/w"
        view.standardOutput = "/o"
        view.standardError = "/e"
        view.tres = "cpu=1"
        return view
    }

    @Test func writesWhatTheEncoderWrites() throws {
        let full = Self.full
        let whole = String(decoding: try StrictEncoder.encode(full), as: UTF8.self)
        #expect(String(decoding: JobJSON.bytes(full), as: UTF8.self) == whole)
        let sparse = makeJob(1, UserName(unchecked: "bob"), state: "PENDING").view
        let encoded = try StrictEncoder.encode(sparse)
        #expect(JobJSON.bytes(sparse) == encoded)
        let keys = try #require(try JSONValue(parsing: JobJSON.bytes(full)).object).map(\.key)
        #expect(keys == JobView.CodingKeys.allCases.map(\.rawValue))
    }

    @Test func aJobKeepsWhatItIsWrittenAs() throws {
        var job = makeJob(7, UserName(unchecked: "alice"))
        job.view = Self.full
        #expect(job.json == JobJSON.bytes(Self.full))
        job.isStale = true
        job.array = JobID(rawValue: 5)
        #expect(job.json == JobJSON.bytes(Self.full) && job.view == Self.full)
    }
}

@Suite struct QueueIndexTests {
    private static let jobs: [QueuedJob] = (UInt32(1)...200).map { number in
        var job = makeJob(
            number, UserName(unchecked: "user\(number % 7)"),
            state: ["PENDING", "RUNNING", "COMPLETED"][Int(number) % 3])
        job.view.partition = ["a", "b", "a,b", "c"][Int(number) % 4]
        job.view.account = ["x", "Y"][Int(number) % 2]
        if number.isMultiple(of: 10) { job.view.states = ["RUNNING", "COMPLETING"] }
        if number.isMultiple(of: 5) { job.array = JobID(rawValue: number / 20 * 20 + 1) }
        return job
    }

    /// Whichever index is used, it finds what looking at every job finds.
    @Test func everyWayFindsTheSame() {
        let index = QueueIndex(Self.jobs.reversed())
        var filters = [JobFilter()]
        for owner in [nil, "user3", "nobody"] {
            for states in [[], ["RUNNING"], ["PENDING", "COMPLETED"], ["COMPLETING"], ["TIMEOUT"]] as [Set<String>] {
                for partitions in [[], ["a"], ["b", "c"], ["z"]] as [Set<String>] {
                    for accounts in [[], ["x"], ["x", "y"]] as [Set<String>] {
                        for array in [nil, 21, 25, 999] as [UInt32?] {
                            var filter = JobFilter()
                            filter.owner = owner.map { UserName(unchecked: $0) }
                            filter.states = states
                            filter.partitions = partitions
                            filter.accounts = accounts
                            filter.array = array.flatMap(JobID.init(rawValue:))
                            filter.isAlive = accounts.isEmpty
                            filters.append(filter)
                        }
                    }
                }
            }
        }
        for filter in filters {
            #expect(index.jobs(filter) == Self.jobs.filter(filter.admits), "\(filter)")
        }
    }
}
