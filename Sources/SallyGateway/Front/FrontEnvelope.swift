// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyModel
import SlurmModel
import StrictJSON

/// What stands around every answer of the front: `meta`, `errors` and `warnings`, as in slurmrestd's own.
///
/// `meta` names Sallyport and, as Slurm's version, the release that brought the API version; which programs stand behind the
/// gateway nobody is told.
struct FrontEnvelope: Sendable {
    var service: FrontPath.Service
    var version: APIVersion
    var cluster: String
    /// The caller, where there is one.
    var user: String?
    /// Where the request comes from.
    var source: String
    var warnings: [SlurmWarningEntry] = []
    var errors: [SlurmErrorEntry] = []

    /// The members of an answer with what stands around them.
    func around(_ members: [(String, JSONValue)]) -> JSONValue {
        var meta = SlurmMeta(accounting: service == .slurmdb, version: version, release: release, cluster: cluster)
        meta.pluginName = "Sallyport"
        meta.accountingStorage = nil
        meta.clientSource = source
        meta.clientUser = user
        var answer = JSONObject(members)
        let envelope = SlurmEnvelope(meta: meta, errors: errors, warnings: warnings).json(version)
        for member in envelope.object ?? JSONObject() { answer[member.key] = member.value }
        return .object(answer)
    }

    /// v0.0.40 came with 23.11, and one version with each release after it, in May and in November.
    private var release: String {
        let halves = 23 * 2 + 1 + version.rawValue - 40
        return "\(halves / 2).\(halves % 2 == 0 ? "05" : "11")"
    }
}

extension Response {
    /// An error in Slurm's shape, with our own status.
    static func refusal(_ error: SallyError, at path: FrontPath, _ context: GatewayContext) -> Response {
        let slurm = error.inSlurmsWords
        var envelope = FrontEnvelope(
            service: path.service, version: path.version, cluster: path.cluster, source: "\(context.client)")
        envelope.errors = [
            SlurmErrorEntry(
                description: error.description, number: slurm.number, error: slurm.text,
                source: "sallyport/\(error.code.rawValue)")
        ]
        let plain = problem(error, request: context.requestID)
        var response = Response.slurm(envelope.around([]), status: plain.status)
        for name in [HTTPField.Name.wwwAuthenticate, .retryAfter] { response.headers[name] = plain.headers[name] }
        return response
    }

    static func slurm(_ json: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes())))
    }
}
