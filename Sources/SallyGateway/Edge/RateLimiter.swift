// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyConfig
import SallyModel
import Synchronization

/// A token bucket for each client address, in bounded memory.
///
/// When more addresses come than there is room for, buckets that are full again are dropped; if there are none, the
/// newcomers share one bucket, so that a flood of addresses cannot buy room.
package final class RateLimiter: Sendable {
    private let burst: Double
    private let perSecond: Double
    private let capacity: Int
    private let state = Mutex(State())

    private struct State {
        var buckets: [Key: Bucket] = [:]
        var shared: Bucket?
    }

    private struct Bucket {
        var tokens: Double
        var at: Duration
    }

    enum Key: Hashable {
        /// The address, or of IPv6 the /64 that one subscriber has (RFC 6177).
        case address([UInt8])
        case unixSocket
        case unknown
        case person(PersonID)

        init(_ peer: Peer) {
            switch peer {
            case .address(let address):
                self = AddressRange(address).map { .address(Array($0.bytes.prefix(8))) } ?? .unknown
            case .unixSocket: self = .unixSocket
            case .unknown: self = .unknown
            }
        }
    }

    /// - Parameters:
    ///   - burst: requests that may come at once.
    ///   - perSecond: requests that may come for ever.
    ///   - capacity: addresses remembered.
    package init(burst: Int, perSecond: Double, capacity: Int) {
        self.burst = Double(burst)
        self.perSecond = perSecond
        self.capacity = capacity
        quota = (Int(burst), wholeSeconds(Double(burst) / perSecond))
        policy = "\"requests\";q=\(quota.units);w=\(quota.seconds)"
    }

    /// So many in a minute, half of them at once.
    package convenience init(perMinute: Int, capacity: Int) {
        self.init(burst: max(1, perMinute / 2), perSecond: Double(perMinute) / 60, capacity: capacity)
    }

    /// Requests that may come at once, and the seconds after which as many may come again.
    let quota: (units: Int, seconds: Int)
    /// The same as clients are told (draft-ietf-httpapi-ratelimit-headers-10).
    let policy: String

    /// What became of one request, and what may come next.
    struct Verdict: Equatable {
        var isAdmitted: Bool
        /// Requests that may come now.
        var remaining: Int
        /// Until all may come that can come at once, in seconds, rounded up.
        var fullIn: Int
        /// Until as many may come, in seconds, rounded up; at least 1.
        var nextIn: Int
    }

    /// Takes one request of `key` at `now`, a time since any fixed moment.
    func admits(_ key: Key, now: Duration) -> Bool { admit(key, now: now).isAdmitted }

    /// The same, with what a client wants to know.
    ///
    /// - Parameter count: requests that are taken together, or not at all.
    func admit(_ key: Key, count: Int = 1, now: Duration) -> Verdict {
        state.withLock { state in
            if var bucket = state.buckets[key] {
                defer { state.buckets[key] = bucket }
                return take(Double(count), of: &bucket, now)
            }
            if state.buckets.count >= capacity {
                state.buckets = state.buckets.filter { filled($0.value, now) < burst }
            }
            guard state.buckets.count < capacity else {
                var shared = state.shared ?? Bucket(tokens: burst, at: now)
                defer { state.shared = shared }
                return take(Double(count), of: &shared, now)
            }
            var bucket = Bucket(tokens: burst, at: now)
            defer { state.buckets[key] = bucket }
            return take(Double(count), of: &bucket, now)
        }
    }

    var remembered: Int { state.withLock { $0.buckets.count } }

    private func filled(_ bucket: Bucket, _ now: Duration) -> Double {
        min(burst, bucket.tokens + max(0, (now - bucket.at) / .seconds(1)) * perSecond)
    }

    private func take(_ count: Double, of bucket: inout Bucket, _ now: Duration) -> Verdict {
        bucket.tokens = filled(bucket, now)
        bucket.at = now
        let isAdmitted = bucket.tokens >= count
        if isAdmitted { bucket.tokens -= count }
        return Verdict(
            isAdmitted: isAdmitted, remaining: Int(bucket.tokens),
            fullIn: wholeSeconds((burst - bucket.tokens) / perSecond),
            nextIn: max(1, wholeSeconds((count - bucket.tokens) / perSecond)))
    }
}

private func wholeSeconds(_ seconds: Double) -> Int { Int(min(86_400, max(0, seconds)).rounded(.up)) }

/// Limits endpoints that anybody may call.
struct AddressLimit: RouterMiddleware {
    let limiter: RateLimiter
    let since: ContinuousClock.Instant

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let verdict = limiter.admit(.init(context.client), now: since.duration(to: .now))
        guard verdict.isAdmitted else {
            context.notes.retry(after: verdict.nextIn)
            throw SallyError(.rateLimited, "too many requests from this address", hint: "try again in a moment")
        }
        return try await next(request, context)
    }
}
