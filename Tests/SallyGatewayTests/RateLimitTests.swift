// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyConfig
@testable import SallyGateway

/// What clients are told of their limits: draft-ietf-httpapi-ratelimit-headers-10 and RFC 9110.
@Suite struct RateLimitTests {
    @Test(arguments: ["/v1/me", "/slurm/v0.0.42/ping"])
    func everyAnswerSaysWhatIsLeft(path: String) async throws {
        var settings = WorldSettings()
        settings.rates.requestsPerMinute = 120
        settings.rates.concurrentRequests = 7
        try await withWorld(settings) { world, client in
            let answer = try await client.call(.get, path, world.alice)
            #expect(
                answer.headers[.rateLimitPolicy] == #""requests";q=60;w=30, "concurrent";q=7;qu="concurrent-requests""#)
            #expect(answer.headers[.rateLimit] == #""requests";r=59;t=1, "concurrent";r=6"#)
            #expect(answer.headers[.retryAfter] == nil)
            let refused = try await client.call(.get, "/v1/clusters/nowhere/jobs", world.alice)
            #expect(refused.status == .notFound && refused.headers[.rateLimit] != nil)
            let stranger = try await client.call(.get, path)
            #expect(stranger.headers[.rateLimit] == nil)
        }
    }

    @Test(arguments: ["/v1/me", "/slurm/v0.0.42/ping"])
    func tooManyAreToldWhenToComeAgain(path: String) async throws {
        var settings = WorldSettings()
        settings.rates.requestsPerMinute = 2
        try await withWorld(settings) { world, client in
            var last = try await client.call(.get, path, world.alice)
            try await eventually("the next one is a while away") {
                last = try await client.call(.get, path, world.alice)
                guard last.status == .tooManyRequests else { return false }
                let seconds = last.headers[.retryAfter].flatMap { Int($0) } ?? 0
                #expect((1...60).contains(seconds), "\(last.headers)")
                return seconds >= 3
            }
            #expect(last.headers[.rateLimit]?.hasPrefix(#""requests";r=0;t="#) == true)
            if path.hasPrefix("/slurm") { #expect(try last.slurmError == 1804) }
        }
    }

    @Test func bucketsSayWhenTheyAreFull() {
        let limiter = RateLimiter(burst: 2, perSecond: 0.1, capacity: 10)
        #expect(limiter.quota.units == 2 && limiter.quota.seconds == 20)
        let key = RateLimiter.Key.unixSocket
        #expect(
            limiter.admit(key, now: .zero)
                == .init(isAdmitted: true, remaining: 1, fullIn: 10, nextIn: 1))
        #expect(limiter.admit(key, now: .zero) == .init(isAdmitted: true, remaining: 0, fullIn: 20, nextIn: 10))
        #expect(
            limiter.admit(key, now: .seconds(4)) == .init(isAdmitted: false, remaining: 0, fullIn: 16, nextIn: 6))
        #expect(limiter.admit(key, now: .seconds(10)).isAdmitted)
    }

    /// A person who has as many under way as may be gets no further one; another does.
    @Test func requestsAtTheSameTimeAreLimitedByPerson() async throws {
        var settings = WorldSettings()
        settings.rates.concurrentRequests = 2
        try await withWorld(settings) { world, client in
            let latch = Latch()
            world.queue.change { $0.blocksSubmit = latch }
            defer { latch.open() }
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob).status
                    }
                }
                try await eventually("both are under way") { world.queue.now.submits.count == 2 }
                let third = try await client.call(.get, "/v1/me", world.alice)
                #expect(third.status == .tooManyRequests)
                #expect(third.headers[.retryAfter] == "1")
                #expect(third.headers[.rateLimit]?.hasSuffix(#""concurrent";r=0"#) == true)
                try await client.expect(.ok, .get, "/v1/me", world.bob)
                latch.open()
                for try await status in group { #expect(status == .created) }
            }
            // A place is given back when the answer has left, a moment after it has arrived here.
            try await eventually("alice may ask again") {
                try await client.call(.get, "/v1/me", world.alice).status == .ok
            }
        }
    }

    @Test func nothingIsKeptOfWhoHasNothingUnderWay() {
        let limiter = ConcurrencyLimiter(limit: 2)
        let person = PersonID(rawValue: 1)
        #expect(limiter.enter(person) == 1 && limiter.enter(person) == 0 && limiter.enter(person) == nil)
        limiter.leave(person)
        #expect(limiter.enter(person) == 0)
        limiter.leave(person)
        limiter.leave(person)
        #expect(limiter.people == 0)
    }
}
