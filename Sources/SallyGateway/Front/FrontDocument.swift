// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SallyModel
import SlurmModel
import StrictJSON
import Synchronization

/// The OpenAPI document of the front: what is offered, in every version with its fields (`SlurmSchemas`), and on which clusters to
/// whoever asks. What is the same for everybody is written when it is first asked for, and kept.
final class FrontDocument: Sendable {
    /// Where slurmrestd has its own.
    static let paths = ["/openapi", "/openapi.json", "/openapi/v3"]

    private let clusters: VisibleClusters
    private let server: String
    private let written = Mutex<ByteBuffer?>(nil)

    /// - Parameter server: the gateway's public address.
    init(clusters: VisibleClusters, server: String) {
        self.clusters = clusters
        self.server = server
    }

    func add(to routes: some RouterMethods<GatewayContext>) {
        for place in FrontPlace.allCases {
            for path in FrontDocument.paths {
                routes.get(RouterPath(place.prefix + path)) { _, context -> Response in
                    if place == .cluster { _ = try self.clusters.named(context) }
                    return self.response(try context.principal)
                }
            }
        }
    }

    private func response(_ principal: Principal) -> Response {
        let own: JSONValue = ["url": .string(server), "description": "the default cluster"]
        let others = clusters.names(for: principal).map { name -> JSONValue in
            ["url": .string("\(server)/clusters/\(name)"), "description": .string("cluster \(name)")]
        }
        var body = ByteBuffer(string: "{\"servers\":")
        body.writeBytes(JSONValue.array([own] + others).bytes())
        body.writeStaticString(",")
        var rest = rest
        body.writeBuffer(&rest)
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: body))
    }

    /// The members beside `servers`, with the end of the object.
    private var rest: ByteBuffer {
        written.withLock { written in
            if let written { return written }
            let bytes = ByteBuffer(bytes: json.bytes().dropFirst())
            written = bytes
            return bytes
        }
    }

    /// Without `servers`.
    private var json: JSONValue {
        var paths = JSONObject()
        var components: [(String, JSONValue)] = []
        for version in APIVersion.offered {
            let schemas = SlurmSchemas(version, newest: FrontPath.newest)
            var nouns: [SlurmNoun] = []
            for line in FrontLine.all {
                guard case .offered(let offered) = line.answer else { continue }
                let path = "/\(line.service.rawValue)/\(version)/\(line.path)"
                var item = paths[path]?.object ?? JSONObject()
                item[line.method.rawValue.lowercased()] = operation(line, offered, schemas)
                paths[path] = .object(item)
                if !nouns.contains(offered.noun) { nouns.append(offered.noun) }
            }
            components += schemas.components.map { ($0.name, $0.schema) }
            for noun in nouns.map(Optional.some) + [nil] {
                components.append((schemas.name(schemas.answerName(noun)), schemas.answer(noun)))
            }
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Sallyport's slurmrestd-compatible API", "version": "1",
                "description": .string(
                    "What the gateway offers of slurmrestd's API. Bodies are slurmrestd's own of the version in the "
                        + "path; what is deprecated is gone in a later one. Own jobs only."),
                "license": ["name": "Apache 2.0", "identifier": "Apache-2.0"],
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(JSONObject(components)),
                "securitySchemes": [
                    "bearerAuth": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"],
                    "token": ["type": "apiKey", "in": "header", "name": "X-SLURM-USER-TOKEN"],
                    "user": ["type": "apiKey", "in": "header", "name": "X-SLURM-USER-NAME"],
                ],
            ],
        ]
    }

    private func operation(_ line: FrontLine, _ offered: FrontOperation, _ schemas: SlurmSchemas) -> JSONValue {
        let words = line.path.split { $0 == "/" || $0 == "{" || $0 == "}" }.joined(separator: "_")
        let number = "v00\(schemas.version.rawValue)"
        let name = "\(line.service.rawValue)_\(number)_\(line.method.rawValue.lowercased())_\(words)"
        var operation = JSONObject()
        operation["summary"] = .string(line.summary)
        operation["operationId"] = .string(name)
        operation["tags"] = [.string(line.service.rawValue)]
        operation["security"] = [["bearerAuth": []], ["token": []], ["user": [], "token": []]]
        operation["parameters"] = .array(parameters(line))
        if case .json(let schema) = line.body {
            operation["requestBody"] = [
                "required": true, "content": ["application/json": ["schema": schemas.reference(schema)]],
            ]
        }
        func content(_ noun: SlurmNoun?) -> JSONValue {
            ["application/json": ["schema": schemas.reference(schemas.answerName(noun))]]
        }
        operation["responses"] = [
            "200": ["description": .string(line.summary), "content": content(offered.noun)],
            "default": ["description": "errors[] says why", "content": content(nil)],
        ]
        return .object(operation)
    }

    private func parameters(_ line: FrontLine) -> [JSONValue] {
        let text: JSONValue = ["type": "string"]
        var found: [JSONValue] = []
        for part in line.path.split(separator: "/") where part.hasPrefix("{") {
            let name = JSONValue.string(String(part.dropFirst().dropLast()))
            found.append(["name": name, "in": "path", "required": true, "schema": text])
        }
        for query in line.query {
            found.append([
                "name": .string(query.name), "in": "query", "required": false, "description": .string(query.text),
                "schema": text,
            ])
        }
        if case .offered(.submit) = line.answer {
            found.append([
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "The same request with the same key makes one job; absent: every request is a new one",
                "schema": text,
            ])
        }
        return found
    }
}
