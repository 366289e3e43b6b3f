// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel
import SallyWire
import SlurmModel

/// Jobs of one's own.
struct JobRoutes: Sendable {
    let clusters: ClusterTable
    let seats: WatchSeats
    let outputSeats: OutputSeats
    let sessions: any SessionReader

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/v1/clusters/:cluster/jobs", use: submit)
        routes.get("/v1/clusters/:cluster/jobs", use: list)
        routes.get("/v1/clusters/:cluster/job-events", use: watch)
        routes.get("/v1/clusters/:cluster/jobs/:job") { _, context in
            try Response.json(
                try await clusters.named(context).jobs.show(
                    try context.jobName(), for: try context.principal, request: context.requestID))
        }
        routes.delete("/v1/clusters/:cluster/jobs/:job", use: cancel)
        routes.get("/v1/clusters/:cluster/jobs/:job/output", use: output)
    }

    @Sendable private func submit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let cluster = try clusters.named(context)
        let key = try IdempotencyKey(request.headers)
        let body = try await request.bytes(limit: GatewayServer.bodyLimit, context)
        let answer = try await cluster.submissions.submit(
            body, key: key, for: try context.principal, request: context.requestID)
        var response: Response
        switch answer {
        case .accepted(let reply, _): response = try .json(reply, status: .created)
        case .pending(let pending):
            response = try .json(pending, status: .accepted)
            response.headers[.retryAfter] = "\(pending.retryAfter)"
        }
        response.headers[.idempotencyKey] = key.text
        return response
    }

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (page, freshness) = try await clusters.named(context).jobs.list(
            try JobQuery(request), for: try context.principal, request: context.requestID)
        // Kept by whoever asked, and asked for again each time: it is one person's, and changes at any moment.
        var headers: HTTPFields = [.eTag: page.tag, .cacheControl: "private, no-cache"]
        freshness.mark(&headers)
        guard !page.isKnown(by: request.headers[values: .ifNoneMatch]) else {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = "application/json"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: page.body))
    }

    @Sendable private func watch(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let cluster = try clusters.named(context)
        let job = try request.query("job").map { try JobID($0) }
        let watch = try await cluster.jobs.watch(
            job, after: request.headers[.lastEventID], for: try context.principal, sessions: sessions,
            request: context.requestID)
        let seat = try seats.take(try context.principal.person)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .buffering: "no"],
            body: ResponseBody { writer in
                var watch = watch
                while let text = try await watch.next() { try await writer.write(text) }
                try await writer.finish(nil)
                withExtendedLifetime(seat) {}
            })
    }

    @Sendable private func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let signal = try request.query("signal").map(checkedSignal)
        try await clusters.named(context).jobs.cancel(
            try context.jobTarget(), signal: signal, for: try context.principal, request: context.requestID)
        return .empty()
    }

    @Sendable private func output(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let seat = try outputSeats.take(try context.principal.person)
        defer { withExtendedLifetime(seat) {} }
        let word = request.query("stream") ?? OutputStream.standardOutput.rawValue
        guard let stream = OutputStream(rawValue: word) else {
            throw SallyError(.invalidRequest, "stream \(quoted(word)) is not valid", hint: "stdout or stderr")
        }
        let piece = try await clusters.named(context).output.read(
            try context.jobTarget(), stream, offset: try request.number("offset", 0...Int64(1) << 50) ?? 0,
            limit: try request.number("limit", 1...OutputService.largestLimit) ?? OutputService.defaultLimit,
            for: try context.principal, request: context.requestID)
        return try .json(piece)
    }
}

/// A signal's name or number, as scancel(1) takes it, in the one form that is sent to Slurm.
func checkedSignal(_ text: String) throws -> String {
    guard let signal = JobSignal.canonical(text) else {
        throw SallyError(.invalidRequest, "signal \(quoted(text)) is not valid", hint: "such as TERM, USR1 or 15")
    }
    return signal
}

/// What names a submission, so that it can be repeated without becoming two jobs.
struct IdempotencyKey: Sendable, Equatable {
    let text: String

    /// The header's value, or a new one.
    ///
    /// - Throws: `.invalidRequest` when it is given twice, or is not 1 to 200 visible ASCII characters.
    init(_ headers: HTTPFields) throws {
        let values = headers[values: .idempotencyKey]
        guard let first = values.first else {
            var generator = SystemRandomNumberGenerator()
            text = OpaqueID.random(using: &generator).rawValue
            return
        }
        guard values.count == 1, (1...200).contains(first.utf8.count),
            first.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            throw SallyError(
                .invalidRequest, "Idempotency-Key is not valid", hint: "1 to 200 visible ASCII characters, once")
        }
        text = first
    }
}
