// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import SallyModel
import SallyTestSupport
import SlurmClient
import StrictJSON
import Testing

@testable import SallyGateway
@testable import SlurmModel

/// The document that clients of the front are made from: sound, complete, and true of what is answered.
@Suite struct FrontDocumentTests {
    private static let alice = UserName(unchecked: "alice")

    /// What a slurmrestd of 24.11.5 answered, with the names that the tests' cluster has.
    private static func reply(_ file: String, _ version: APIVersion) throws -> SlurmReply {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let path = "../SlurmModelTests/Fixtures/slurmrestd/24.11.5/\(version)/\(file).json"
        var text = String(decoding: try Data(contentsOf: folder.appending(path: path).standardized), as: UTF8.self)
        for (name, ours) in [("recorder", "alice"), ("rec42", "demo"), ("nounsa", "demo"), ("nounsc", "demo")] {
            text = text.replacing(name, with: ours)
        }
        return SlurmReply(try JSONValue(parsing: text, limits: .listing), version: version)
    }

    private static let files: [(file: String, noun: SlurmNoun)] = [
        ("jobs", .job), ("nodes", .node), ("partitions", .partition), ("reservations", .reservation),
        ("accounting-jobs", .accountingJob), ("qos", .qos), ("accounts", .account), ("associations", .association),
        ("users", .user), ("ping", .ping), ("diag", .diagnosis), ("cancel-others", .cancellation),
    ]

    private static func settings() throws -> WorldSettings {
        let version = APIVersion(rawValue: 42)
        func records(_ file: String, _ noun: SlurmNoun) throws -> [SlurmRecord] {
            try reply(file, version).records(noun)
        }
        let jobs = try records("jobs", .job).map {
            QueuedJob(try Job(believed: $0), on: World.name, record: $0.packed)
        }
        let lists: [SlurmListing: [SlurmRecord]] = [
            .partitions: try records("partitions", .partition), .nodes: try records("nodes", .node),
            .reservations: try records("reservations", .reservation), .users: try records("users", .user),
            .associations: try records("associations", .association), .accounts: try records("accounts", .account),
            .qos: try records("qos", .qos),
            .jobs(of: alice, since: Timestamp(0)): try records("accounting-jobs", .accountingJob),
            .job(try JobID("3"), of: alice): try records("accounting-job", .accountingJob),
        ]
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                state.jobs = jobs
                state.records = lists
            }
        }
        return settings
    }

    private static func document(_ world: World, _ client: any TestClientProtocol) async throws -> JSONValue {
        try JSONValue(parsing: try await client.call(.get, "/openapi.json", world.alice).text, limits: .listing)
    }

    @Test func isServedWhereSlurmrestdServesIts() async throws {
        try await withWorld { world, client in
            var texts: Set<String> = []
            for prefix in ["", "/clusters/demo"] {
                for path in ["/openapi", "/openapi.json", "/openapi/v3", "/openapi.json/"] {
                    let answer = try await client.call(.get, prefix + path, world.alice)
                    #expect(answer.status == .ok && answer.headers[.contentType] == "application/json", "\(path)")
                    texts.insert(answer.text)
                    let none = try await client.call(.get, prefix + path)
                    #expect(none.status == .unauthorized)
                    #expect(try none.slurmError == 9008)
                }
            }
            #expect(texts.count == 1)
        }
    }

    /// What a generator of clients stumbles over.
    @Test func isSound() async throws {
        try await withWorld { world, client in
            let document = try await Self.document(world, client)
            let check = SchemaCheck(document: document)
            let schemas = try #require(document["components"]?["schemas"]?.object)
            var used: Set<String> = []
            func look(_ schema: JSONValue, _ place: String) {
                for member in schema.object ?? JSONObject() {
                    #expect(SchemaCheck.keywords.contains(member.key), "\(place): \(member.key)")
                }
                if let reference = schema["$ref"]?.string {
                    #expect(
                        schema.object?.allSatisfy { ["$ref", "description", "deprecated"].contains($0.key) } == true)
                    #expect(check.target(reference) != nil, "\(place): \(reference)")
                    used.insert(String(reference.split(separator: "/").last ?? ""))
                }
                let properties = schema["properties"]?.object ?? JSONObject()
                for member in properties { look(member.value, "\(place).\(member.key)") }
                for name in schema["required"]?.array ?? [] {
                    #expect(properties[name.string ?? ""] != nil, "\(place): \(name)")
                }
                #expect((schema["items"] != nil) == (schema["type"] == "array"), "\(place)")
                for inner in [schema["items"], schema["additionalProperties"]] {
                    if let inner, inner.object != nil { look(inner, "\(place)[]") }
                }
                for choice in schema["oneOf"]?.array ?? [] { look(choice, place) }
            }
            for member in schemas {
                #expect(member.key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
                look(member.value, member.key)
            }
            var names: [String] = []
            for path in document["paths"]?.object ?? JSONObject() {
                let parts = path.key.split(separator: "/").filter { $0.hasPrefix("{") }
                for operation in path.value.object ?? JSONObject() {
                    names.append(operation.value["operationId"]?.string ?? "")
                    let parameters = operation.value["parameters"]?.array ?? []
                    let inPath = parameters.filter { $0["in"] == "path" }
                    #expect(inPath.map { "{\($0["name"]?.string ?? "")}" } == parts.map(String.init), "\(path.key)")
                    #expect(inPath.allSatisfy { $0["required"]?.bool == true })
                    for parameter in parameters { look(parameter["schema"] ?? .null, path.key) }
                    look(Self.content(operation.value["requestBody"]), path.key)
                    for answer in operation.value["responses"]?.object ?? JSONObject() {
                        #expect(answer.value["description"]?.string?.isEmpty == false)
                        look(Self.content(answer.value), path.key)
                    }
                }
            }
            #expect(Set(names).count == names.count && names.count == frontVersions.count * Self.offered.count)
            let unused = schemas.map(\.key).filter { !used.contains($0) }
            #expect(unused.isEmpty, "\(unused)")
        }
    }

    private static let offered = FrontLine.all.filter { if case .offered = $0.answer { true } else { false } }

    private static func content(_ of: JSONValue?) -> JSONValue {
        of?["content"]?["application/json"]?["schema"] ?? JSONValue.object(JSONObject())
    }

    /// Each field that is taken stands there, and nothing that is refused; in an update what may change.
    @Test(arguments: frontVersions)
    func hasTheFieldsThatAreOffered(version: String) async throws {
        try await withWorld { world, client in
            let document = try await Self.document(world, client)
            let schemas = try #require(document["components"]?["schemas"])
            let job = try #require(schemas["\(version)_JobDescription"]?["properties"]?.object)
            let update = try #require(schemas["\(version)_JobUpdate"]?["properties"]?.object)
            let number = try APIVersion(version).rawValue
            var count = 0
            for field in jobDescriptionFields {
                for spelling in field.spellings where spelling.versions.contains(number) {
                    let isRead =
                        switch spelling.role {
                        case .canonical, .alias: field.part != nil
                        case .disabled, .removed: false
                        }
                    if isRead { count += 1 }
                    #expect((job[spelling.name] != nil) == isRead, "\(spelling.name)")
                    #expect((update[spelling.name] != nil) == (isRead && field.update != .never), "\(spelling.name)")
                }
            }
            #expect(job.count == count && count > 40)
            #expect(schemas["\(version)_JobDescription"]?["additionalProperties"]?.bool == false)
            let forms: [(String, JSONValue)] = [
                ("time_limit", ["$ref": .string("#/components/schemas/\(version)_Number")]),
                ("tasks", ["type": "integer", "format": "int64"]), ("partition", ["type": "string"]),
                ("requeue", ["type": "boolean"]), ("required_nodes", ["type": "array", "items": ["type": "string"]]),
                ("environment", ["type": "array", "items": ["type": "string"]]),
            ]
            for (name, form) in forms {
                for member in form.object ?? JSONObject() { #expect(job[name]?[member.key] == member.value, "\(name)") }
            }
            // Gone with v0.0.42.
            #expect(job["exclusive"]?["deprecated"]?.bool == (number < 42 ? true : nil))
            #expect(job["nodes"]?["deprecated"] == nil)
            let answer = schemas["\(version)_SubmissionAnswer"]?["properties"]
            #expect(answer?["result"]?["deprecated"]?.bool == (number < 42 ? true : nil))
            #expect(answer?["job_id"]?["type"] == "integer" && answer?["job_id"]?["deprecated"] == nil)
        }
    }

    /// What cancels a list of jobs is read by other code than the table's.
    @Test func hasWhatEndsSeveralJobs() async throws {
        try await withWorld { world, client in
            let body =
                #"{"jobs": ["4000000"], "signal": "TERM", "flags": ["BATCH_JOB"], "user_name": "alice", "user_id": "alice", "#
                + #""job_state": ["PENDING"], "account": "lab", "partition": "debug", "job_name": "x"}"#
            let schema = try await Self.document(world, client)["components"]?["schemas"]?["v0.0.42_KillJobs"]
            let properties = try #require(schema?["properties"]?.object)
            let members = try #require(try JSONValue(parsing: body).object)
            #expect(Set(properties.map(\.key)) == Set(members.map(\.key)))
            try await client.expect(.ok, .delete, "/slurm/v0.0.42/jobs", world.alice, body: body)
        }
    }

    /// Every operation, answered with what a real slurmrestd said of jobs, nodes and so on.
    @Test(arguments: frontVersions)
    func answersAreAsTheyAreDescribed(version: String) async throws {
        let calls: [(method: HTTPRequest.Method, path: String, at: String, body: String?)] = [
            (.get, "slurm/ping", "", nil), (.get, "slurm/diag", "", nil), (.get, "slurm/jobs", "", nil),
            (.get, "slurm/jobs/state", "", nil), (.get, "slurm/job/{job}", "8", nil),
            (.get, "slurm/partitions", "", nil), (.get, "slurm/partition/{name}", "debug", nil),
            (.get, "slurm/nodes", "", nil), (.get, "slurm/node/{name}", "node001", nil),
            (.get, "slurm/reservations", "", nil), (.get, "slurm/reservation/{name}", "recorded", nil),
            (.get, "slurmdb/jobs", "", nil), (.get, "slurmdb/job/{job}", "3", nil), (.get, "slurmdb/users", "", nil),
            (.get, "slurmdb/user/{name}", "alice", nil), (.get, "slurmdb/associations", "", nil),
            (.get, "slurmdb/association", "", nil), (.get, "slurmdb/accounts", "", nil),
            (.get, "slurmdb/account/{name}", "research", nil), (.get, "slurmdb/qos", "", nil),
            (.get, "slurmdb/qos/{name}", "normal", nil), (.post, "slurm/job/submit", "", frontJob),
            (
                .post, "slurm/job/{job}", "6",
                #"{"hold": true, "comment": "x", "time_limit": {"set": true, "number": 5}}"#
            ),
            (.delete, "slurm/jobs", "", #"{"jobs": ["4000000", "x"]}"#), (.delete, "slurm/job/{job}", "6", nil),
        ]
        #expect(calls.count == Self.offered.count)
        try await withWorld(Self.settings()) { world, client in
            let document = try await Self.document(world, client)
            let check = SchemaCheck(document: document)
            for call in calls {
                let template = call.path.replacing("/", with: "/\(version)/", maxReplacements: 1)
                let operation = try #require(
                    document["paths"]?["/\(template)"]?[call.method.rawValue.lowercased()], "\(template)")
                let path = "/" + template.replacing("{job}", with: call.at).replacing("{name}", with: call.at)
                if let body = call.body {
                    let problems = check.problems(try JSONValue(parsing: body), Self.content(operation["requestBody"]))
                    #expect(problems.isEmpty, "\(path): \(problems)")
                }
                let answer = try await client.call(call.method, path, world.alice, body: call.body)
                #expect(answer.status == .ok, "\(path): \(answer.text)")
                let problems = check.problems(
                    try JSONValue(parsing: answer.text, limits: .listing), Self.content(operation["responses"]?["200"]))
                #expect(problems.isEmpty, "\(call.method) \(path): \(problems)")
                // A list that is empty shows nothing.
                let shows = call.method != .get || call.path == "slurm/diag" || answer.text.contains(":[{")
                #expect(shows, "\(path): \(answer.text)")
            }
            for path in ["/slurm/\(version)/job/4000000", "/slurm/\(version)/reconfigure", "/slurmdb/\(version)/job/x"]
            {
                let answer = try await client.call(.get, path, world.alice)
                #expect(answer.status.code >= 400)
                let refusal = try #require(document["components"]?["schemas"]?["\(version)_Refusal"])
                let problems = check.problems(try answer.json, refusal)
                #expect(problems.isEmpty, "\(path): \(problems)")
            }
        }
    }

    /// All that was recorded, written in every version, is as that version's part of the document says.
    @Test(arguments: frontVersions)
    func recordedObjectsAreAsTheyAreDescribed(version: String) async throws {
        try await withWorld { world, client in
            let document = try await Self.document(world, client)
            let check = SchemaCheck(document: document)
            let wanted = try APIVersion(version)
            let schemas = SlurmSchemas(wanted, newest: FrontPath.newest)
            var count = 0
            for recorded in [40, 41, 42].map(APIVersion.init(rawValue:)) {
                for (file, noun) in Self.files {
                    let reply = try Self.reply(file, recorded)
                    let records: [SlurmRecord]
                    if noun == .diagnosis {
                        let statistics = reply.json["statistics"] ?? .null
                        records = [try #require(SlurmRecord(statistics, noun: noun, version: recorded))]
                    } else {
                        records = try reply.records(noun)
                    }
                    #expect(!records.isEmpty, "\(file)")
                    for record in records {
                        let problems = check.problems(record.json(wanted), schemas.reference(noun.schemaName))
                        #expect(problems.isEmpty, "\(file) of \(recorded): \(problems.prefix(5))")
                        count += 1
                    }
                }
            }
            #expect(count > 60)
        }
    }

    /// A check that finds nothing proves nothing.
    @Test func theCheckFindsWhatIsWrong() async throws {
        try await withWorld { world, client in
            let check = SchemaCheck(document: try await Self.document(world, client))
            let job = check.target("#/components/schemas/v0.0.42_JobSubmission") ?? .null
            let meta = check.target("#/components/schemas/v0.0.42_Meta") ?? .null
            for (text, schema) in [
                (#"{"job": {"nosuch": 1}}"#, job), (#"{"job": {"tasks": "1"}}"#, job), (#"{"jobs": {}}"#, job),
                (#"{"job": {"tasks": 1.5}}"#, job), (#"{"job": {"time_limit": 5}}"#, job),
                (#"{"job": {"required_nodes": [1]}}"#, job), (#"{"job": {"requeue": null}}"#, job), ("{}", meta),
                (#"{"job": {"user_id": "0"}}"#, job),
            ] {
                #expect(!check.problems(try JSONValue(parsing: text), schema).isEmpty, "\(text)")
            }
            #expect(check.problems(try JSONValue(parsing: frontJob), job).isEmpty)
        }
    }
}
