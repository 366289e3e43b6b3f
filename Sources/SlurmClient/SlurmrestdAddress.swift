// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOHTTP1

/// Where slurmrestd listens.
package enum SlurmrestdAddress: Sendable, Equatable {
    case unixSocket(path: String)
    /// `http://HOST:PORT` or `https://HOST[:PORT]`, without a path.
    case url(String)

    /// The address of `path` for AsyncHTTPClient: a unix socket's path stands percent-encoded where the host would.
    func request(_ path: String) -> HTTPClientRequest {
        switch self {
        case .url(let base): return HTTPClientRequest(url: base + path)
        case .unixSocket(let socket):
            var request = HTTPClientRequest(url: "http+unix://\(percentEncoded(socket))\(path)")
            // AsyncHTTPClient sends no Host over a unix socket; HTTP/1.1 wants one (RFC 9112 section 3.2).
            request.headers.replaceOrAdd(name: "Host", value: "localhost")
            return request
        }
    }
}

/// Everything but unreserved characters as %XX (RFC 3986 section 2.1).
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            result += "%" + (digits.count == 1 ? "0" : "") + digits
        }
    }
    return result
}
