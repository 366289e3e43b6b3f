// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import StrictJSON
import Synchronization

/// The document that describes the API. It is written when it is first asked for, and kept.
final class OpenAPIRoutes: Sendable {
    private let server: String
    private let written = Mutex<String?>(nil)

    init(server: String) { self.server = server }

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/v1/openapi.json") { _, _ in Response.text(self.text, type: "application/json") }
    }

    private var text: String {
        written.withLock { written in
            if let written { return written }
            let text = String(decoding: OpenAPIDocument.make(.v1, server: server).bytes(.indented), as: UTF8.self)
            written = text
            return text
        }
    }
}
