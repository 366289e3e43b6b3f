// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// `bare-route PORT FILE`: one route of a plain Hummingbird that answers with the bytes of a file. What the gateway's own answer
/// is held against: the same bytes by the same framework, with nothing in front of it.
@main struct BareRoute {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let port = Int(arguments[1]), let file = fopen(arguments[2], "rb") else {
            print("usage: bare-route PORT FILE")
            exit(64)
        }
        var bytes = ByteBuffer()
        var piece = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes.writeBytes(piece[..<count]) }
        let body = bytes
        let router = Router()
        router.get("/jobs") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
            logger: Logger(label: "bare-route") { _ in SwiftLogNoOpLogHandler() })
        try await application.runService()
    }
}
