// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyModel
import SallyWire
import StrictJSON

extension Response {
    /// A JSON document. Never kept by a cache: everything we say is about one person at one moment.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        document(try StrictEncoder.encode(value), type: "application/json", status: status)
    }

    /// A problem document (RFC 9457).
    static func problem(_ error: SallyError, request: OpaqueID) -> Response {
        let problem = Problem(error, request: request.rawValue)
        // Strings, numbers and a fixed shape: encoding cannot fail; an empty body would still carry the status.
        let bytes = (try? StrictEncoder.encode(problem)) ?? []  // see above
        var response = document(
            bytes, type: "application/problem+json", status: HTTPResponse.Status(code: error.code.httpStatus))
        switch error.code {
        case .unauthenticated: response.headers[.wwwAuthenticate] = "Bearer realm=\"sallyport\""
        case .rateLimited, .unavailable, .timeout: response.headers[.retryAfter] = "2"
        case .invalidRequest, .tooLarge, .unsupportedMediaType, .denied, .limitExceeded, .notFound, .conflict,
            .keyReused, .slurmRefused, .misconfigured, .unsupported, .internal:
            break
        }
        return response
    }

    static func empty() -> Response { Response(status: .noContent) }

    static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        document(Array(text.utf8), type: type, status: status)
    }

    private static func document(_ bytes: [UInt8], type: String, status: HTTPResponse.Status) -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
