// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import NIOCore
import SallyConfig
import SallyIdentity
import SallyModel
import SallyPolicy
import SallyWire
import Testing

@testable import SallyGateway

@Suite struct RateLimiterTests {
    @Test func aBucketFillsAgain() {
        let limiter = RateLimiter(burst: 2, perSecond: 1, capacity: 10)
        #expect(limiter.admits(.unknown, now: .zero) && limiter.admits(.unknown, now: .zero))
        #expect(!limiter.admits(.unknown, now: .zero))
        #expect(limiter.admits(.unknown, now: .seconds(1)))
        #expect(!limiter.admits(.unknown, now: .seconds(1)))
    }

    @Test func aBucketHoldsNoMoreThanItsBurst() {
        let limiter = RateLimiter(burst: 2, perSecond: 1, capacity: 10)
        let admitted = (0..<5).map { _ in limiter.admits(.unknown, now: .seconds(3600)) }
        let later = (0..<5).map { _ in limiter.admits(.unknown, now: .seconds(7200)) }
        #expect(admitted == [true, true, false, false, false] && later == admitted)
    }

    @Test func aFloodOfAddressesCostsBoundedMemory() {
        let limiter = RateLimiter(burst: 2, perSecond: 0.001, capacity: 10)
        var admitted = 0
        for number in 0..<1000 where limiter.admits(.address([UInt8(number / 256), UInt8(number % 256)]), now: .zero) {
            admitted += 1
        }
        #expect(limiter.remembered <= 10)
        // Those remembered, and the shared bucket's two.
        #expect(admitted == 12)
    }

    @Test func oneSubscriberOfIPv6IsOneClient() {
        #expect(RateLimiter.Key(.address("2001:db8::1")) == RateLimiter.Key(.address("2001:db8::ffff:2")))
        #expect(RateLimiter.Key(.address("2001:db8::1")) != RateLimiter.Key(.address("2001:db8:0:1::1")))
        #expect(RateLimiter.Key(.address("192.0.2.1")) != RateLimiter.Key(.address("192.0.2.2")))
    }
}

@Suite struct ClientAddressTests {
    private let proxies = TrustedProxies(ranges: [AddressRange("10.0.0.0/8")!], unixSocket: true)  // a valid range

    @Test(arguments: [
        ("10.1.1.1", "198.51.100.7", "198.51.100.7"),
        ("10.1.1.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.1.1.1", "203.0.113.9, 198.51.100.7, 10.2.2.2", "198.51.100.7"),
        ("10.1.1.1", "junk", "10.1.1.1"), ("10.1.1.1", "198.51.100.7/8", "10.1.1.1"), ("10.1.1.1", "", "10.1.1.1"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
    ])
    func onlyOurProxiesAreBelieved(peer: String, header: String, client: String) {
        let found = proxies.client(behind: .address(peer), headers: [.xForwardedFor: header])
        #expect(found == .address(client))
    }

    @Test func aUnixSocketMayBeAProxy() {
        let headers: HTTPFields = [.xForwardedFor: "198.51.100.7"]
        #expect(proxies.client(behind: .unixSocket, headers: headers) == .address("198.51.100.7"))
        let none = TrustedProxies(ranges: [], unixSocket: false)
        #expect(none.client(behind: .unixSocket, headers: headers) == .unixSocket)
        #expect(proxies.client(behind: .unknown, headers: headers) == .unknown)
    }
}

@Suite struct ErrorTests {
    private struct Odd: Error {}

    @Test func whatIsNotOursIsInternalAndKeepsItsCauseToItself() {
        let problem = asSallyError(Odd())
        #expect(problem.code == .internal && !problem.message.contains("Odd"))
        #expect(problem.cause?.contains("Odd") == true)
        let document = Problem(problem, request: "r")
        #expect(!document.detail.contains("Odd") && document.hint?.contains("Odd") != true)
    }

    @Test func tooManyBytesAreTooLarge() {
        #expect(asSallyError(NIOTooManyBytesError(maxBytes: 1)).code == .tooLarge)
        #expect(asSallyError(CancellationError()).code == .unavailable)
    }
}

@Suite struct MetricsTests {
    @Test func rendersCountersGaugesAndHistograms() {
        let metrics = Metrics()
        metrics.answered(method: .get, route: "/v1/me", status: 200, took: .milliseconds(3))
        metrics.answered(method: .init("ODD")!, route: "none", status: 404, took: .seconds(20))  // a valid token
        metrics.ready(ClusterName(unchecked: "demo"), true)
        metrics.count("job.submit", .refused)
        metrics.refreshed(.repeated)
        let text = metrics.render()
        #expect(text.contains("sallyport_requests_total{method=\"GET\",route=\"/v1/me\",status=\"200\"} 1\n"))
        #expect(text.contains("method=\"OTHER\""))
        #expect(text.contains("sallyport_request_seconds_bucket{route=\"/v1/me\",le=\"0.005\"} 1\n"))
        #expect(text.contains("sallyport_request_seconds_bucket{route=\"none\",le=\"10.0\"} 0\n"))
        #expect(text.contains("sallyport_request_seconds_count{route=\"none\"} 1\n"))
        #expect(text.contains("sallyport_cluster_ready{cluster=\"demo\"} 1.0\n"))
        #expect(text.contains("sallyport_refreshes_total{outcome=\"repeated\"} 1\n"))
        #expect(text.contains("sallyport_decisions_total{action=\"job.submit\",outcome=\"refused\"} 1\n"))
    }

    @Test func metricsAreForThisMachineAlone() async throws {
        try await withWorld { world, client in
            try await client.expect(.forbidden, .get, "/metrics", world.dana)
        }
    }
}

@Suite struct MarkerTests {
    private let maker = SubmissionMarker.Maker(secret: Secret(Array(repeating: 1, count: 32)))

    private func marker(_ person: Int64, _ key: String, _ maker: SubmissionMarker.Maker) -> SubmissionMarker {
        maker.marker(
            person: PersonID(rawValue: person), cluster: ClusterName(unchecked: "demo"), operation: .submit, key: key)
    }

    @Test(arguments: [nil, "", "mine", "ends with a space ", "sallyport:junk"])
    func comesOffAsItWentOn(comment: String?) {
        let marker = marker(1, "k", maker)
        let split = SubmissionMarker.split(marker.appended(to: comment))
        #expect(split.marker == marker)
        #expect(split.comment ?? "" == comment ?? "")
    }

    @Test func isAnothersForAnotherPersonKeyOrGateway() {
        let other = SubmissionMarker.Maker(secret: Secret(Array(repeating: 2, count: 32)))
        let all = [marker(1, "k", maker), marker(2, "k", maker), marker(1, "l", maker), marker(1, "k", other)]
        #expect(Set(all).count == 4)
        #expect(marker(1, "k", maker) == marker(1, "k", maker))
    }

    @Test(arguments: [nil, "", "sallyport:", "sallyport:0123456789ABCDEF0123456789ABCDEF", "x"])
    func plainCommentsHaveNone(comment: String?) {
        #expect(SubmissionMarker.split(comment).marker == nil)
        #expect(SubmissionMarker.split(comment).comment == comment)
    }
}
