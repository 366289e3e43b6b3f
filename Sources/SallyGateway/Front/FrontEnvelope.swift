// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyModel
import SallySocket
import SlurmModel
import StrictJSON

/// What stands around every answer of the front: `meta`, `errors` and `warnings`, as in slurmrestd's own.
///
/// `meta` names Sallyport and, as Slurm's version, the first release that had the API version; which programs stand behind the
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

    /// v0.0.40 came with 23.11.0, and one version with each release after it, in May and in November.
    private var release: String {
        let halves = 23 * 2 + 1 + version.rawValue - 40
        return "\(halves / 2).\(halves % 2 == 0 ? "05" : "11").0"
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
        slurm(ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes())), status: status)
    }

    /// An answer with a list. A long one is written while it is sent, beside the event loops and no faster than it is taken.
    ///
    /// - Parameter rest: everything else, an object that is not empty.
    static func slurm(_ list: FrontList, _ rest: JSONValue) -> Response {
        // The members of the rest, and the end of the object.
        let end: [UInt8] = [UInt8(ascii: "]"), UInt8(ascii: ",")] + rest.bytes().dropFirst()
        let start: [UInt8] = [UInt8(ascii: "{")] + list.start
        guard !list.isShort else {
            let whole = start + list.piece(from: 0, isBegun: false).bytes
            return slurm(ResponseBody(byteBuffer: ByteBuffer(bytes: whole + end)), status: .ok)
        }
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(bytes: start))
            var piece = FrontList.Piece(bytes: [], next: 0, isBegun: false)
            while piece.next < list.count {
                let last = piece
                piece = await besideLoops { list.piece(from: last.next, isBegun: last.isBegun) }
                try await writer.write(ByteBuffer(bytes: piece.bytes))
            }
            try await writer.write(ByteBuffer(bytes: end))
            try await writer.finish(nil)
        }
        return slurm(body, status: .ok)
    }

    private static func slurm(_ body: ResponseBody, status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"], body: body)
    }
}
