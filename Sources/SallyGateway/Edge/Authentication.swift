// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
package import SallyModel

/// Tells who a session token belongs to: verifies it and reads its row, every time.
package protocol SessionReader: Sendable {
    /// - Throws: `SallyError(.unauthenticated)` for a token that is not one of our live sessions, whatever the reason.
    func principal(of token: Secret<String>) async throws -> Principal
    /// The same person as of now, in the same session: for what goes on after its request was let in.
    /// - Throws: `SallyError(.unauthenticated)` once the session has ended, whatever the reason.
    func current(_ principal: Principal) async throws -> Principal
}

/// Lets in who has a live session.
///
/// The token comes as `Authorization: Bearer` or as `X-SLURM-USER-TOKEN`; both only if they are the same.
/// `X-SLURM-USER-NAME` may repeat the caller's own name and nothing else: nobody acts as somebody else.
struct Authentication: RouterMiddleware {
    let sessions: any SessionReader
    /// Failures by address; valid sessions behind the same address are not held up.
    let failures: RateLimiter
    /// Requests by person, in a time and at the same time, and their bodies.
    let limits: PersonLimits

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let principal: Principal
        do {
            principal = try await sessions.principal(of: try token(request.headers))
        } catch let error as SallyError where error.code == .unauthenticated {
            let verdict = failures.admit(.init(context.client), now: limits.since.duration(to: .now))
            guard verdict.isAdmitted else {
                context.notes.retry(after: verdict.nextIn)
                throw SallyError(.rateLimited, "too many failed requests from this address", hint: "run `sally login`")
            }
            throw error
        }
        context.notes.user = principal.account.name
        let (requests, concurrent) = (limits.requests, limits.concurrent)
        let verdict = requests.admit(.person(principal.person), now: limits.since.duration(to: .now))
        context.notes.tell(requests, verdict)
        guard verdict.isAdmitted else {
            context.notes.retry(after: verdict.nextIn)
            throw SallyError(.rateLimited, "too many requests of \(principal.account.name)", hint: "ask less often")
        }
        let remaining = concurrent.enter(principal.person)
        context.notes.tell(concurrent, remaining: remaining)
        guard remaining != nil else {
            context.notes.retry(after: 1)
            throw SallyError(
                .rateLimited, "\(principal.account.name) has \(concurrent.limit) requests under way",
                hint: "wait for answers before asking more")
        }
        // An answer that nobody reads is under way: it takes memory and a connection.
        defer { context.whenDelivered { concurrent.leave(principal.person) } }
        for name in request.headers[values: .slurmName] where !haveSameBytes(name, principal.account.name.rawValue) {
            throw SallyError(
                .denied, "X-SLURM-USER-NAME is not the caller's user name, \(principal.account.name)",
                hint: "leave the header away: the session says who you are")
        }
        let body = BodyAllowance(limits, principal, context.notes)
        defer { body.leave() }
        var context = context
        context.signIn(principal, body)
        context.logger[metadataKey: "user"] = "\(principal.account.name)"
        return try await next(request, context)
    }

    private func token(_ headers: HTTPFields) throws -> Secret<String> {
        var tokens: [String] = headers[values: .slurmToken]
        for value in headers[values: .authorization] {
            let parts = value.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw SallyError(.unauthenticated, "Authorization is not a bearer token", hint: "run `sally login`")
            }
            tokens.append(String(parts[1]))
        }
        guard let first = tokens.first, !first.isEmpty else {
            throw SallyError(.unauthenticated, "no session given", hint: "run `sally login`")
        }
        guard tokens.dropFirst().allSatisfy({ constantTimeEqual(Array($0.utf8), Array(first.utf8)) }) else {
            throw SallyError(.unauthenticated, "two different tokens given", hint: "send one token")
        }
        guard first.utf8.count <= 8192 else {
            throw SallyError(.unauthenticated, "the session is not valid", hint: "run `sally login`")
        }
        return Secret(first)
    }
}
