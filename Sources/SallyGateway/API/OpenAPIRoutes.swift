// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import StrictJSON

/// The document that describes the API.
struct OpenAPIRoutes: Sendable {
    private let bytes: [UInt8]

    init(server: String) {
        bytes = OpenAPIDocument.make(.v1, server: server).bytes(.indented)
    }

    func add(to routes: some RouterMethods<GatewayContext>) {
        let text = String(decoding: bytes, as: UTF8.self)
        routes.get("/v1/openapi.json") { _, _ in Response.text(text, type: "application/json") }
    }
}
