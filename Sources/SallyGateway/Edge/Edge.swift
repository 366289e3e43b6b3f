// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import SallyModel

/// The outermost layer: the client's address, the request id, errors as problem documents (of the front: in Slurm's
/// shape), limits, security headers, one log line, metrics.
struct Edge: RouterMiddleware {
    let proxies: TrustedProxies
    let metrics: Metrics

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var context = context
        context.client = proxies.client(behind: context.peer, headers: request.headers)
        var response: Response
        var refused: SallyError.Code?
        do {
            response = try await next(request, context)
        } catch {
            let problem = asSallyError(error)
            log(context).tell(problem)
            refused = problem.code
            response =
                FrontPath(request.uri.path).map { .refusal(problem, at: $0, context) }
                ?? .problem(problem, request: context.requestID)
        }
        protect(&response, id: context.requestID)
        context.notes.put(into: &response.headers)
        let took = start.duration(to: .now)
        let route = context.endpointPath ?? "none"
        metrics.answered(
            method: request.method, route: route, status: response.status.code, took: took)
        if let refused { metrics.refused(refused) }
        log(context).info(
            "request answered",
            metadata: [
                "method": "\(request.method)", "route": "\(route)", "status": "\(response.status.code)",
                "milliseconds": "\(took / .milliseconds(1))", "client": "\(context.client)",
            ])
        return response
    }

    private static let protection = [
        HTTPField(name: .xContentTypeOptions, value: "nosniff"), HTTPField(name: .frameOptions, value: "DENY"),
        HTTPField(name: .referrerPolicy, value: "no-referrer"),
        HTTPField(name: .strictTransportSecurity, value: "max-age=31536000"),
    ]

    /// With whose request it was, which is found out further in.
    private func log(_ context: GatewayContext) -> Logger {
        guard let user = context.notes.user else { return context.logger }
        var log = context.logger
        log[metadataKey: "user"] = "\(user)"
        return log
    }

    private func protect(_ response: inout Response, id: OpaqueID) {
        // No route sets these itself.
        response.headers.append(HTTPField(name: .requestID, value: id.rawValue))
        for field in Edge.protection { response.headers.append(field) }
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    }
}

extension Logger {
    /// One line of what was refused or failed.
    func tell(_ error: SallyError) {
        let metadata: Logger.Metadata = [
            "code": "\(error.code.rawValue)", "message": "\(error.message)", "cause": "\(error.cause ?? "")",
            "where": "\(error.file):\(error.line)",
        ]
        switch error.code {
        case .internal, .misconfigured: self.error("request failed", metadata: metadata)
        case .unavailable, .timeout: warning("request failed", metadata: metadata)
        case .invalidRequest, .tooLarge, .unsupportedMediaType, .unauthenticated, .denied, .limitExceeded, .notFound,
            .conflict, .keyReused, .rateLimited, .slurmRefused, .unsupported:
            debug("request refused", metadata: metadata)
        }
    }
}

/// What people see of an error. Everything that is not ours, and not the HTTP layer's word on the request, is
/// `internal`, with its cause for the log alone.
func asSallyError(_ error: any Error) -> SallyError {
    switch error {
    case let error as SallyError: error
    case let error as HTTPError: asSallyError(error)
    case is NIOTooManyBytesError: SallyError(.tooLarge, "the request body is too large")
    case is CancellationError: SallyError(.unavailable, "the gateway is stopping", hint: "try again in a moment")
    default:
        SallyError(.internal, "the gateway failed", hint: "tell an administrator the request id", cause: "\(error)")
    }
}

private func asSallyError(_ error: HTTPError) -> SallyError {
    switch error.status.code {
    case 404: SallyError(.notFound, "nothing is served under this path", hint: "see /v1/openapi.json")
    case 413: SallyError(.tooLarge, "the request body is too large")
    case 415: SallyError(.unsupportedMediaType, "only application/json is taken")
    case 400..<500: SallyError(.invalidRequest, "the request is not valid", cause: "\(error)")
    default:
        SallyError(.internal, "the gateway failed", hint: "tell an administrator the request id", cause: "\(error)")
    }
}
