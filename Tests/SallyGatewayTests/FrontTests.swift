// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyTestSupport
import SlurmModel
import StrictJSON
import Testing

@testable import SallyConfig
@testable import SallyGateway

extension TestResponse {
    var json: JSONValue {
        get throws { try JSONValue(parsing: text) }
    }

    /// The number of the first of `errors[]`.
    var slurmError: Int? {
        get throws { try json["errors"]?.array?.first?["error_number"]?.integer() }
    }
}

let frontVersions = ["v0.0.40", "v0.0.41", "v0.0.42", "v0.0.43", "v0.0.44"]

/// The doors of the front: who comes in, where, and how refusals look.
@Suite struct FrontTests {
    @Test func everyPathWantsASession() async throws {
        try await withWorld { _, client in
            for endpoint in EndpointTable.front.all {
                let path = endpoint.path.replacing("{cluster}", with: "demo").replacing("{version}", with: "v0.0.42")
                    .replacing("{job}", with: "1").replacing("{name}", with: "x")
                var body: String?
                if case .json = endpoint.body { body = "{}" }
                let answer = try await client.call(endpoint.method, path, body: body)
                #expect(answer.status == .unauthorized, "\(endpoint.method) \(path)")
                #expect(try answer.slurmError == 9008)
                #expect(answer.headers[.wwwAuthenticate] != nil)
            }
        }
    }

    @Test(arguments: frontVersions)
    func answersInEveryVersionWithOrWithoutSlashOrCluster(version: String) async throws {
        try await withWorld { world, client in
            for path in ["/slurm", "/clusters/demo/slurm"] {
                for end in ["", "/"] {
                    let answer = try await client.call(.get, "\(path)/\(version)/ping\(end)", world.alice)
                    #expect(answer.status == .ok, "\(answer.text)")
                    let json = try answer.json
                    #expect(json["pings"]?.array?.first?["pinged"]?.string == "UP")
                    #expect(json["errors"]?.array?.isEmpty == true && json["warnings"]?.array?.isEmpty == true)
                    #expect(json["meta"]?["plugin"]?["data_parser"]?.string == "data_parser/\(version)")
                    #expect(json["meta"]?["slurm"]?["cluster"]?.string == "demo")
                    #expect(json["meta"]?["client"]?["user"]?.string == "alice")
                }
            }
        }
    }

    @Test(arguments: ["v0.0.39", "v0.0.38", "v0.0.45", "v0.0.040", "42", "v0.0.42x", "latest"])
    func unknownVersionsAreToldWhichThereAre(version: String) async throws {
        try await withWorld { world, client in
            for path in ["/slurm/\(version)/jobs", "/slurmdb/\(version)/jobs", "/clusters/demo/slurm/\(version)/ping"] {
                let answer = try await client.call(.get, path, world.alice)
                #expect(answer.status == .notFound)
                #expect(try answer.slurmError == 9006)
                for known in frontVersions { #expect(answer.text.contains(known)) }
            }
        }
    }

    @Test func unknownClustersAndPathsAreNotFoundInSlurmsShape() async throws {
        try await withWorld { world, client in
            for path in [
                "/clusters/nowhere/slurm/v0.0.42/ping", "/slurm/v0.0.42/nosuch", "/slurm", "/slurmdb/v0.0.42",
                "/clusters/demo/slurm",
            ] {
                let answer = try await client.call(.get, path, world.alice)
                #expect(answer.status == .notFound, "\(path)")
                #expect(try answer.slurmError == 9006)
                #expect(try answer.json["meta"] != nil)
            }
            // Everywhere else a slash at the end, and two of them here, stay refused.
            for path in ["/v1/me/", "/slurm/v0.0.42/ping//", "/slurm//v0.0.42/ping", "/slurm/v0.0.42/../ping"] {
                try await client.expect(.badRequest, .get, path, world.alice)
            }
        }
    }

    /// Whatever is not offered says so by name, and a body or a query makes no difference.
    @Test func whatIsNotOfferedIsNamed() async throws {
        try await withWorld { world, client in
            for line in FrontLine.all {
                guard case .refused(let why) = line.answer else { continue }
                let path = "/\(line.service.rawValue)/v0.0.42/\(line.path)".replacing("{job}", with: "1")
                    .replacing("{name}", with: "x")
                let body = line.method == .get ? nil : #"{"anything": 1}"#
                let answer = try await client.call(line.method, "\(path)?with=query", world.alice, body: body)
                #expect(answer.status == .notImplemented, "\(line.method) \(path)")
                #expect(try answer.slurmError == 2036)
                #expect(answer.text.contains(line.path.replacing("/", with: "\\/")) || answer.text.contains(line.path))
                #expect(answer.text.contains(why))
            }
        }
    }

    @Test func refusalsOfPolicyAreInSlurmsShape() async throws {
        try await withWorld { world, client in
            // Dana administers and has no rule.
            for path in ["/slurm/v0.0.42/jobs", "/slurm/v0.0.42/ping", "/slurmdb/v0.0.42/users"] {
                let answer = try await client.call(.get, path, world.dana)
                #expect(answer.status == .forbidden, "\(path)")
                #expect(try answer.slurmError == 2002)
            }
            let named = try await client.call(
                .get, "/slurm/v0.0.42/jobs", world.alice, headers: [("X-SLURM-USER-NAME", "bob")])
            #expect(named.status == .forbidden)
            #expect(try named.slurmError == 2002)
        }
    }

    /// slurmrestd reads a body as the query, and clients use it.
    @Test func aBodyMayStandForTheQuery() async throws {
        try await withWorld { world, client in
            let path = "/slurmdb/v0.0.42/jobs"
            try await client.expect(.ok, .get, path, world.alice, body: "{}")
            try await client.expect(.ok, .get, path, world.alice, body: #"{"users": "alice", "state": null}"#)
            try await client.expect(.forbidden, .get, path, world.alice, body: #"{"users": "alice,bob"}"#)
            try await client.expect(.forbidden, .get, path, world.alice, body: #"{"users": ["bob"]}"#)
            for body in [#"{"nosuch": 1}"#, "[]", "{", #"{"users": {}}"#, #"{"users": "alice", "users": "bob"}"#] {
                try await client.expect(.badRequest, .get, path, world.alice, body: body)
            }
            try await client.expect(.notImplemented, .get, path, world.alice, body: #"{"wckey": "x"}"#)
            try await client.expect(
                .badRequest, .get, "\(path)?users=alice", world.alice, body: #"{"state": "FAILED"}"#)
            let yaml = try await client.call(.get, path, world.alice, body: "users: bob", type: "application/x-yaml")
            #expect(yaml.status == .unsupportedMediaType)
        }
    }

    @Test(arguments: [
        ("?users=bob", 403), ("?wckey=x", 501), ("?nosuch=1", 400), ("?users=alice&users=alice", 400),
        ("?start_time=yesterday", 400), ("?start_time=uts1800000000", 200), ("?show_batch_script=true", 501),
        ("?%75sers=bob", 400),
    ])
    func queriesAreReadStrictly(query: String, status: Int) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/slurmdb/v0.0.42/jobs\(query)", world.alice)
            #expect(answer.status.code == status, "\(answer.text)")
        }
    }

    /// What slurmrestd's documents name and the front does not offer is told from what nobody knows; also the names of
    /// v0.0.41 and later that have spaces.
    @Test(arguments: [
        ("slurm/v0.0.40/jobs/state?update_time=1", 200), ("slurmdb/v0.0.44/jobs?job_altered=true", 501),
        ("slurmdb/v0.0.40/accounts?with_assocs=true", 501), ("slurmdb/v0.0.42/user/alice?with_wckeys=true", 501),
        ("slurmdb/v0.0.41/associations?Include%20usage=true", 501),
        ("slurmdb/v0.0.41/association?Exclude%20parent%20id/name=true", 501),
        ("slurmdb/v0.0.44/qos?Include%20deleted%20QOS=true", 501), ("slurmdb/v0.0.44/qos?no%20such=true", 400),
    ])
    func parametersOfSlurmrestdAreKnown(target: String, status: Int) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/\(target)", world.alice)
            #expect(answer.status.code == status, "\(answer.text)")
        }
    }

    @Test func theDocumentSaysWhatIsOffered() async throws {
        try await withWorld { world, client in
            for path in ["/openapi", "/openapi/v3", "/openapi/", "/clusters/demo/openapi"] {
                try await client.expect(.ok, .get, path, world.alice)
            }
            let document = try await client.call(.get, "/openapi", world.alice).json
            let paths = try #require(document["paths"]?.object)
            var names: Set<String> = []
            var count = 0
            for version in frontVersions {
                for line in FrontLine.all {
                    let item = paths["/\(line.service.rawValue)/\(version)/\(line.path)"]
                    let operation = item?[line.method.rawValue.lowercased()]
                    switch line.answer {
                    case .offered:
                        names.insert(operation?["operationId"]?.string ?? "")
                        count += 1
                    case .refused: #expect(operation == nil, "\(line.path)")
                    }
                }
            }
            #expect(names.count == count)
            #expect(document["servers"]?.array?.count == 2 && document["openapi"]?.string == "3.1.0")
        }
    }

    /// Neither the document nor a refusal names a cluster to somebody whom no rule lets use it.
    @Test func clustersAreNamedToThoseWhoMayUseThem() async throws {
        try await withWorld { world, client in
            let document = try await client.call(.get, "/openapi", world.dana)
            #expect(try document.json["servers"]?.array?.count == 1 && !document.text.contains("demo"))
            try await client.expect(.notFound, .get, "/clusters/nowhere/openapi", world.alice)
            for (token, isNamed) in [(world.alice, true), (world.dana, false)] {
                let answer = try await client.call(.get, "/clusters/nowhere/slurm/v0.0.42/ping", token)
                #expect(answer.status == .notFound && answer.text.contains("demo") == isNamed, "\(answer.text)")
            }
        }
    }

    /// What is no name is not said again, in `meta` or elsewhere.
    @Test func whatIsNoClusterIsNotEchoed() async throws {
        try await withWorld { world, client in
            let long = String(repeating: "x", count: 3000)
            for name in [long, "a%22b", "..", "a+b"] {
                let answer = try await client.call(.get, "/clusters/\(name)/slurm/v0.0.42/ping", world.alice)
                #expect(answer.status == .badRequest, "\(answer.text)")
                #expect(try answer.json["meta"]?["slurm"]?["cluster"]?.string == "")
                #expect(answer.text.utf8.count < 1500)
            }
        }
    }

    @Test func aDeadClusterIsDown() async throws {
        try await withWorld { world, client in
            world.queue.change { $0.failure = SallyError(.unavailable, "cluster demo does not answer") }
            try await eventually("the failure is seen") { world.cluster.problem != nil }
            let answer = try await client.call(.get, "/slurm/v0.0.44/ping", world.alice).json
            let ping = answer["pings"]?.array?.first
            #expect(ping?["pinged"]?.string == "DOWN" && ping?["responding"]?.bool == false)
            let nodes = try await client.call(.get, "/slurm/v0.0.44/nodes", world.alice)
            #expect(nodes.status == .serviceUnavailable)
            #expect(try nodes.slurmError == 1800)
            #expect(nodes.headers[.retryAfter] != nil)
        }
    }
}
