// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyConfig
import SallyModel
import SlurmModel

/// slurmrestd's paths, for clients that know nothing of Sallyport. Every request is decoded and decided here, and what
/// reaches Slurm is built anew: nothing is passed through.
struct FrontRoutes: Sendable {
    let clusters: VisibleClusters
    let limits: PersonLimits
    let metrics: Metrics

    func add(to routes: some RouterMethods<GatewayContext>) {
        for place in FrontPlace.allCases {
            for line in FrontLine.all {
                routes.on(RouterPath(line.template(place)), method: line.method) { request, context in
                    try await answer(line, at: place, request, context)
                }
            }
        }
    }

    private func answer(
        _ line: FrontLine, at place: FrontPlace, _ request: Request, _ context: GatewayContext
    ) async throws -> Response {
        let version = try version(context)
        let operation: FrontOperation
        switch line.answer {
        case .offered(let offered): operation = offered
        case .refused(let why):
            throw SallyError(
                .unsupported, "\(line.method) /\(line.service.rawValue)/\(version)/\(line.path) is not offered: \(why)",
                hint: "/openapi lists what is")
        }
        let cluster = try cluster(place, context)
        let call = FrontCall(
            version: version, principal: try context.principal, request: context.requestID,
            source: "\(context.client)", query: try await FrontQuery(request, line, context), limits: limits,
            notes: context.notes, metrics: metrics, logger: context.logger)
        let service = FrontService(cluster: cluster)
        let reply = try await service.reply(to: operation, call, request, context)
        var envelope = FrontEnvelope(
            service: line.service, version: version, cluster: cluster.config.name.rawValue, user: call.user.rawValue,
            source: call.source)
        envelope.warnings = reply.warnings
        let rest = envelope.around(reply.members)
        var response =
            reply.list.map { Response.slurm($0, rest) } ?? Response.slurm(rest)
        for field in reply.headers { response.headers[field.name] = field.value }
        return response
    }

    /// - Throws: `.notFound` with what is offered.
    private func version(_ context: GatewayContext) throws -> APIVersion {
        let text = context.parameters.get("version") ?? ""
        guard let version = APIVersion.offered.first(where: { $0.description == text }) else {
            throw SallyError(
                .notFound, "API version \(quoted(text)) is not offered",
                hint: "one of \(APIVersion.offered.map(\.description).joined(separator: ", "))")
        }
        return version
    }

    private func cluster(_ place: FrontPlace, _ context: GatewayContext) throws -> ClusterGateway {
        switch place {
        case .cluster: try clusters.named(context)
        case .root: try clusters.first()
        }
    }
}
