// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// What a client is told of its limits, whatever the answer turns out to be: `RateLimit-Policy` and `RateLimit`
/// (draft-ietf-httpapi-ratelimit-headers-10), `Retry-After` (RFC 9110 section 10.2.3). Filled while a request is on its
/// way in, read when its answer goes out.
final class RateAdvice: Sendable {
    private let state = Mutex(State())

    private struct State {
        var policies: [String] = []
        var limits: [String] = []
        var retryAfter: Int?
    }

    /// So many requests may come at once, and as many again after the policy's window.
    func tell(_ limiter: RateLimiter, _ verdict: RateLimiter.Verdict) {
        let quota = limiter.quota
        state.withLock { state in
            state.policies.append("\"requests\";q=\(quota.units);w=\(quota.seconds)")
            state.limits.append("\"requests\";r=\(verdict.remaining);t=\(verdict.fullIn)")
        }
    }

    /// So many requests may be under way at once; nil is left where none may begin.
    func tell(_ limiter: ConcurrencyLimiter, remaining: Int?) {
        state.withLock { state in
            state.policies.append("\"concurrent\";q=\(limiter.limit);qu=\"concurrent-requests\"")
            state.limits.append("\"concurrent\";r=\(remaining ?? 0)")
        }
    }

    func retry(after seconds: Int) { state.withLock { $0.retryAfter = seconds } }

    func put(into headers: inout HTTPFields) {
        let state = state.withLock { $0 }
        if !state.policies.isEmpty {
            headers[.rateLimitPolicy] = state.policies.joined(separator: ", ")
            headers[.rateLimit] = state.limits.joined(separator: ", ")
        }
        if let seconds = state.retryAfter { headers[.retryAfter] = "\(seconds)" }
    }
}

extension HTTPField.Name {
    static let rateLimit = HTTPField.Name("RateLimit")!  // a valid token
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")!  // a valid token
}
