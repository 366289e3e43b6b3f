// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel

/// What every request has to keep before a route sees it: a plain path, only the query parameters of its endpoint, each
/// once, and a body exactly where the endpoint takes one, as JSON and not too long.
///
/// slurmrestd reads the query string as the request when the body is empty, and takes forms and YAML (Slurm's
/// slurmrestd, operations.c, `_get_query`). We take neither, wherever they would come from.
struct RequestRules: RouterMiddleware {
    let endpoints: EndpointTable
    /// Bytes.
    let bodyLimit: Int

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let known = context.endpointPath.flatMap { endpoints[request.method, $0] }
        try checkTarget(
            request.head.path ?? "", isFront: FrontPath(request.uri.path) != nil,
            hasTaskList: known?.takesTaskLists ?? false)
        guard let path = context.endpointPath else { return try await next(request, context) }
        guard let endpoint = known else {
            throw SallyError(.internal, "the endpoint is not in the table", cause: "\(request.method) \(path)")
        }
        try checkQuery(request.uri.query, endpoint)
        try checkBody(request, endpoint)
        return try await next(request, context)
    }

    /// Names in our paths need no escape, so none is taken: there is nothing to decode twice.
    /// The front's clients end some of them with a slash. Where waiting tasks are named, `JobName` alone undoes the escapes of that.
    private func checkTarget(_ target: String, isFront: Bool, hasTaskList: Bool) throws {
        guard target.utf8.count <= 8192 else { throw SallyError(.invalidRequest, "the request target is too long") }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard isPlain(path, isFront: isFront, hasTaskList: hasTaskList) else {
            throw SallyError(
                .invalidRequest, "the path \(quoted(String(Substring(path)))) is not plain",
                hint: "paths have letters, digits and - . _ ~ + in each part, no escapes and no . or .. parts")
        }
    }

    private func isPlain(_ path: Substring.UTF8View, isFront: Bool, hasTaskList: Bool) -> Bool {
        guard path.first == UInt8(ascii: "/") else { return false }
        var parts = 0
        /// Of the part that is being read.
        var (bytes, dots) = (0, 0)
        for byte in path.dropFirst() {
            switch byte {
            case UInt8(ascii: "/"):
                guard bytes > 0, dots < bytes || dots > 2 else { return false }
                parts += 1
                (bytes, dots) = (0, 0)
                continue
            case UInt8(ascii: "."): dots += 1
            // A component of a job is spelled 123+1.
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x5f, 0x7e: break
            // Tasks that wait: 123_[5-9,12:2%2].
            case _ where hasTaskList && "[],:%".utf8.contains(byte): break
            default: return false
            }
            bytes += 1
        }
        return bytes == 0 ? parts == 0 || isFront : dots < bytes || dots > 2
    }

    private func checkQuery(_ query: String?, _ endpoint: Endpoint) throws {
        guard let query, !query.isEmpty else { return }
        var seen: Set<String> = []
        for pair in query.split(separator: "&", omittingEmptySubsequences: false) {
            let name = String(pair.prefix { $0 != "=" })
            // slurmrestd has names with spaces, none of which is offered.
            let spaced = name.replacing("%20", with: " ")
            if endpoint.refusedQuery.contains(spaced) {
                throw SallyError(
                    .unsupported, "query parameter \(quoted(spaced)) is not offered",
                    hint: endpoint.query.isEmpty
                        ? "this endpoint takes none"
                        : "offered: \(endpoint.query.map(\.name).joined(separator: ", "))")
            }
            guard endpoint.query.contains(where: { $0.name == name }) || endpoint.takesAnyQuery else {
                throw SallyError(
                    .invalidRequest, "unknown query parameter \(quoted(name))",
                    hint: endpoint.query.isEmpty
                        ? "this endpoint takes none" : "known: \(endpoint.query.map(\.name).joined(separator: ", "))")
            }
            guard seen.insert(name).inserted else {
                throw SallyError(.invalidRequest, "query parameter \(quoted(name)) is given twice")
            }
        }
    }

    private func checkBody(_ request: Request, _ endpoint: Endpoint) throws {
        let length = try request.declaredLength()
        let chunked = request.headers[.transferEncoding] != nil
        switch endpoint.body {
        case .unread: break
        case .query where length ?? 0 == 0 && !chunked: break
        case .none:
            guard length ?? 0 == 0, !chunked else {
                throw SallyError(.invalidRequest, "\(request.method) takes no body here")
            }
        case .json, .query:
            guard length ?? 0 <= bodyLimit else {
                throw SallyError(.tooLarge, "the body has more than \(bodyLimit) bytes")
            }
            try checkMediaType(request)
        }
    }

    private func checkMediaType(_ request: Request) throws {
        let values = request.headers[values: .contentType]
        guard values.count == 1, request.headers[.contentEncoding] == nil, isJSON(values[0]) else {
            throw SallyError(
                .unsupportedMediaType, "only application/json is taken",
                hint: "send one JSON document with Content-Type: application/json")
        }
    }

    /// `application/json`, with no parameter but `charset=utf-8` (RFC 8259 section 11 knows none).
    private func isJSON(_ value: String) -> Bool {
        let parts = value.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
        return parts.first == "application/json" && parts.dropFirst().allSatisfy { $0 == "charset=utf-8" }
    }
}
