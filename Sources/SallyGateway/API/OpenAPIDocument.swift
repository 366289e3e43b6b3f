// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyModel
import SallyWire
import StrictJSON

/// The OpenAPI 3.1 document, made of the endpoint table and the schemas.
enum OpenAPIDocument {
    /// - Parameter server: the gateway's public address.
    static func make(_ table: EndpointTable, server: String) -> JSONValue {
        var paths = JSONObject()
        for endpoint in table.all {
            var item = paths[endpoint.path]?.object ?? JSONObject()
            item[endpoint.method.rawValue.lowercased()] = operation(endpoint)
            paths[endpoint.path] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Sallyport", "version": "1",
                "description": "Access to Slurm clusters by company identity. Errors are problem documents (RFC 9457).",
                "license": ["name": "Apache 2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": .string(server)]],
            "paths": .object(paths),
            "components": [
                "schemas": .object(OpenAPISchemas.all),
                "securitySchemes": [
                    "session": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"],
                    "slurmHeader": ["type": "apiKey", "in": "header", "name": "X-SLURM-USER-TOKEN"],
                ],
            ],
        ]
    }

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        var operation = JSONObject()
        operation["summary"] = .string(endpoint.summary)
        operation["operationId"] = .string(identifier(endpoint))
        switch endpoint.access {
        case .session, .administrator: operation["security"] = [["session": []], ["slurmHeader": []]]
        case .open, .host: operation["security"] = []
        }
        operation["parameters"] = .array(parameters(endpoint))
        if case .json(let schema) = endpoint.body {
            operation["requestBody"] = [
                "required": true, "content": ["application/json": ["schema": reference(schema)]],
            ]
        }
        operation["responses"] = .object(responses(endpoint))
        return .object(operation)
    }

    private static func parameters(_ endpoint: Endpoint) -> [JSONValue] {
        var found: [JSONValue] = []
        for part in endpoint.path.split(separator: "/") where part.hasPrefix("{") {
            let name = String(part.dropFirst().dropLast())
            let usual = ["cluster": "ClusterName", "job": "JobID", "user": "UserName"]
            let schema = endpoint.parts[name] ?? usual[name] ?? "Text"
            found.append(["name": .string(name), "in": "path", "required": true, "schema": reference(schema)])
        }
        for query in endpoint.query {
            found.append([
                "name": .string(query.name), "in": "query", "required": false, "description": .string(query.text),
                "schema": reference(query.schema),
            ])
        }
        if endpoint.method == .post, endpoint.path.hasSuffix("/jobs") {
            found.append([
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "1 to 200 visible ASCII characters; absent: one is made and answered",
                "schema": reference("Text"),
            ])
        }
        return found
    }

    private static func responses(_ endpoint: Endpoint) -> JSONObject {
        var responses = JSONObject()
        for answer in endpoint.answers {
            var response: JSONObject = JSONObject([("description", .string(answer.text))])
            if let type = answer.type {
                let content: JSONValue = answer.schema.map { ["schema": reference($0)] } ?? [:]
                response["content"] = .object(JSONObject([(type, content)]))
            }
            responses["\(answer.status)"] = .object(response)
        }
        var codes: [Int: [SallyError.Code]] = [:]
        for code in endpoint.allRefusals { codes[code.httpStatus, default: []].append(code) }
        for (status, codes) in codes.sorted(by: { $0.key < $1.key }) {
            let text = "Problem: " + codes.map(\.rawValue).joined(separator: ", ")
            var response = responses["\(status)"]?.object ?? JSONObject([("description", .string(text))])
            var content = response["content"]?.object ?? JSONObject()
            content["application/problem+json"] = ["schema": reference("Problem")]
            response["content"] = .object(content)
            responses["\(status)"] = .object(response)
        }
        return responses
    }

    private static func reference(_ schema: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(schema)")]
    }

    private static func identifier(_ endpoint: Endpoint) -> String {
        let words = endpoint.path.split { $0 == "/" || $0 == "{" || $0 == "}" || $0 == "-" || $0 == "." }
        return endpoint.method.rawValue.lowercased() + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
