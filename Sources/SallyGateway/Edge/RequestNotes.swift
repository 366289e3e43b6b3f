// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyModel
import Synchronization

/// What is found out of a request on its way in, and told when its answer goes out, whatever that turns out to be: to the log whose
/// it is; to the client its limits, as `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10) and `Retry-After`
/// (RFC 9110 section 10.2.3).
final class RequestNotes: Sendable {
    private let state = Mutex(State())

    private struct State {
        var user: UserName?
        var requests: (policy: String, verdict: RateLimiter.Verdict)?
        var concurrent: (limiter: ConcurrencyLimiter, remaining: Int?)?
        var retryAfter: Int?
    }

    var user: UserName? {
        get { state.withLock { $0.user } }
        set { state.withLock { $0.user = newValue } }
    }

    /// So many requests may come at once, and as many again after the policy's window.
    func tell(_ limiter: RateLimiter, _ verdict: RateLimiter.Verdict) {
        state.withLock { $0.requests = (limiter.policy, verdict) }
    }

    /// So many requests may be under way at once; nil is left where none may begin.
    func tell(_ limiter: ConcurrencyLimiter, remaining: Int?) {
        state.withLock { $0.concurrent = (limiter, remaining) }
    }

    func retry(after seconds: Int) { state.withLock { $0.retryAfter = seconds } }

    func put(into headers: inout HTTPFields) {
        let state = state.withLock { $0 }
        var (policy, limit) = ("", "")
        if let (text, verdict) = state.requests {
            policy = text
            limit = "\"requests\";r=\(verdict.remaining);t=\(verdict.fullIn)"
        }
        if let (limiter, remaining) = state.concurrent {
            let separator = policy.isEmpty ? "" : ", "
            policy += "\(separator)\"concurrent\";q=\(limiter.limit);qu=\"concurrent-requests\""
            limit += "\(separator)\"concurrent\";r=\(remaining ?? 0)"
        }
        if !policy.isEmpty {
            headers[.rateLimitPolicy] = policy
            headers[.rateLimit] = limit
        }
        if let seconds = state.retryAfter { headers[.retryAfter] = "\(seconds)" }
    }
}

extension HTTPField.Name {
    static let rateLimit = HTTPField.Name("RateLimit")!  // a valid token
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")!  // a valid token
}
