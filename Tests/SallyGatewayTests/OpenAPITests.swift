// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SallyModel
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

@Suite struct OpenAPITests {
    @Test func theTableAndTheRoutesAgree() async throws {
        try await withWorld { world, _ in
            let routes = Set(world.server.router().routes.map { "\($0.method) \($0.path)" })
            let table = Set(EndpointTable.all.all.map { "\($0.method) \($0.path)" })
            #expect(routes == table)
            #expect(table.count == EndpointTable.all.all.count)
        }
    }

    @Test func localRoutesAreAmongThem() async throws {
        try await withWorld { world, _ in
            let door = LocalAdministration(permitted: [])
            for route in world.server.localRouter(door).routes {
                #expect(EndpointTable.v1[route.method, "\(route.path)"] != nil, "\(route.method) \(route.path)")
            }
        }
    }

    @Test func theDocumentIsServedAndHasEveryEndpoint() async throws {
        try await withWorld { _, client in
            let answer = try await client.call(.get, "/v1/openapi.json")
            #expect(answer.status == .ok)
            let document = try JSONValue(parsing: answer.text)
            #expect(document["openapi"]?.string == "3.1.0")
            for endpoint in EndpointTable.v1.all {
                let operation = document["paths"]?[endpoint.path]?[endpoint.method.rawValue.lowercased()]
                let responses = try #require(operation?["responses"]?.object, "\(endpoint.path)")
                for answer in endpoint.answers { #expect(responses["\(answer.status)"] != nil) }
                for code in endpoint.allRefusals { #expect(responses["\(code.httpStatus)"] != nil) }
            }
        }
    }

    @Test func everyReferenceLeadsSomewhere() throws {
        let document = OpenAPIDocument.make(.v1, server: "https://gateway.example")
        let schemas = try #require(document["components"]?["schemas"]?.object)
        var used: Set<String> = []
        func look(_ value: JSONValue) {
            switch value {
            case .object(let object):
                if let reference = object["$ref"]?.string {
                    used.insert(String(reference.split(separator: "/").last ?? ""))
                }
                for member in object { look(member.value) }
            case .array(let elements): elements.forEach(look)
            case .null, .bool, .number, .string: break
            }
        }
        look(document)
        #expect(used.allSatisfy { schemas[$0] != nil }, "\(used.filter { schemas[$0] == nil })")
        let unused = schemas.map(\.key).filter { !used.contains($0) }
        #expect(unused.isEmpty, "\(unused)")
    }

    /// The schema of a path's job.
    private static func job(_ document: JSONValue, _ path: String, _ method: String) -> String? {
        let operation = document["paths"]?["/v1/clusters/{cluster}/jobs/{job}\(path)"]?[method]
        let parameter = operation?["parameters"]?.array?.first { $0["name"]?.string == "job" }
        return parameter?["schema"]?["$ref"]?.string
    }

    /// Clients made of it pass a number, as they always did, or what the gateway reads.
    @Test func aJobThatIsEndedIsANumberOrAText() throws {
        let document = OpenAPIDocument.make(.v1, server: "https://gateway.example")
        #expect(Self.job(document, "", "delete") == "#/components/schemas/JobTarget")
        #expect(Self.job(document, "/output", "get") == "#/components/schemas/JobTarget")
        let choices = try #require(document["components"]?["schemas"]?["JobTarget"]?["oneOf"]?.array)
        #expect(choices.count == 2 && choices[0]["$ref"]?.string == "#/components/schemas/JobID")
        #expect(choices[1]["type"]?.string == "string")
        let pattern = try Regex(try #require(choices[1]["pattern"]?.string))
        for text in ["7", "007", "10", "7_0", "7_12", "20+1", "010+0"] {
            #expect(text.wholeMatch(of: pattern) != nil, "\(text)")
            #expect(throws: Never.self) { try JobTarget(text) }
        }
        for text in ["", "0", "00", "0_1", "0+1", "7_", "_1", "7_x", "7.0", "-7", "7_1_1", "7_[1]"] {
            #expect(text.wholeMatch(of: pattern) == nil, "\(text)")
            #expect(throws: SallyError.self) { try JobTarget(text) }
        }
    }

    /// Whatever a list shows as an id.
    @Test func aJobThatIsShownIsANumberOrAnIDOfAList() throws {
        let document = OpenAPIDocument.make(.v1, server: "https://gateway.example")
        #expect(Self.job(document, "", "get") == "#/components/schemas/JobName")
        let choices = try #require(document["components"]?["schemas"]?["JobName"]?["oneOf"]?.array)
        #expect(choices.count == 2 && choices[0]["$ref"]?.string == "#/components/schemas/JobID")
        let pattern = try Regex(try #require(choices[1]["pattern"]?.string))
        let names = [
            "7", "007", "7_0", "20+1", "7_[1]", "7_[1-3,7]", "7_[0-9%2]", "7_[0-8:2]", "7_[1,3,5...]", "007_[1]",
        ]
        for text in names {
            #expect(text.wholeMatch(of: pattern) != nil, "\(text)")
            #expect(throws: Never.self) { try JobName(text) }
        }
        for text in [
            "", "0", "7_", "7_x", "7_[]", "7_[1", "7_1]", "7[1]", "0_[1]", "_[1]", "7_[a]", "7_[1]_[2]", "7_[ 1]",
        ] {
            #expect(text.wholeMatch(of: pattern) == nil, "\(text)")
            #expect(throws: SallyError.self) { try JobName(text) }
        }
    }

    @Test func operationsHaveDifferentNames() {
        let document = OpenAPIDocument.make(.v1, server: "https://gateway.example")
        var names: [String] = []
        for path in document["paths"]?.object ?? JSONObject() {
            for operation in path.value.object ?? JSONObject() {
                names.append(operation.value["operationId"]?.string ?? "")
            }
        }
        #expect(Set(names).count == EndpointTable.v1.all.count)
    }
}
