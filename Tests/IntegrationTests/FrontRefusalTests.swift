// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// What the front refuses, in front of both versions of Slurm: always in slurmrestd's shape, with Slurm's number.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct FrontRefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var method = "GET"
        /// After `/clusters/NAME`.
        var path: String
        var headers: [String] = []
        var body: String?
        var status: Int
        var number: Int
        /// Stands in the description.
        var names = ""
        var testDescription: String { "\(method) \(path) \(body ?? "")" }
    }

    private static let job = "/slurm/v0.0.42/job"

    private static func submit(_ fields: (String, JSONValue)..., status: Int, number: Int, names: String = "") -> Case {
        Case(
            method: "POST", path: "\(job)/submit", body: FrontText.submission("#!/bin/sh\ntrue\n", fields),
            status: status, number: number, names: names)
    }

    static let cases: [Case] = [
        Case(
            path: "/slurm/v0.0.42/jobs", headers: ["X-SLURM-USER-NAME: bob"], status: 403, number: 2002, names: "NAME"),
        Case(path: "/slurm/v0.0.42/jobs", headers: ["X-SLURM-USER-NAME: root"], status: 403, number: 2002),
        Case(path: "/slurm/v0.0.42/jobs", headers: ["X-SLURM-USER-TOKEN: x.y.z"], status: 401, number: 9008),
        Case(path: "/slurm/v0.0.39/jobs", status: 404, number: 9006, names: "v0.0.44"),
        Case(path: "/slurm/v0.0.45/ping", status: 404, number: 9006, names: "v0.0.44"),
        Case(path: "/slurm/v0.0.42/nosuch", status: 404, number: 9006),
        Case(path: "/slurm/v0.0.42/jobs?user_id=0", status: 400, number: 9001, names: "user_id"),
        Case(path: "/slurm/v0.0.42/jobs?flags=LOCAL", status: 501, number: 2036, names: "LOCAL"),
        Case(path: "/slurm/v0.0.42/jobs?update_time=now", status: 400, number: 9001, names: "update_time"),
        Case(path: "/slurm/v0.0.42/licenses", status: 501, number: 2036, names: "licenses"),
        Case(path: "/slurm/v0.0.42/reconfigure", status: 501, number: 2036, names: "reconfigure"),
        Case(path: "/slurmdb/v0.0.42/config", status: 501, number: 2036, names: "config"),
        Case(method: "POST", path: "/slurmdb/v0.0.42/users", body: "{}", status: 501, number: 2036, names: "users"),
        Case(path: "\(job)/4000000", status: 404, number: 2017, names: "4000000"),
        Case(path: "\(job)/no-number", status: 400, number: 2017, names: "no-number"),
        Case(method: "DELETE", path: "\(job)/4000000", status: 404, number: 2017, names: "4000000"),
        Case(method: "DELETE", path: "\(job)/4000000?signal=kill-it", status: 400, number: 9001, names: "kill-it"),
        Case(method: "DELETE", path: "/slurm/v0.0.42/jobs", body: "{}", status: 400, number: 9001, names: "jobs"),
        Case(
            method: "DELETE", path: "/slurm/v0.0.42/jobs", body: #"{"user_name": "bob"}"#, status: 403, number: 2002,
            names: "bob"),
        Case(method: "POST", path: "\(job)/4000000", body: #"{"comment": "x"}"#, status: 404, number: 2017),
        Case(method: "POST", path: "\(job)/submit", body: "", status: 400, number: 9001),
        Case(method: "POST", path: "\(job)/submit", body: "{}", status: 400, number: 9001, names: "job"),
        Case(
            method: "POST", path: "\(job)/submit", body: #"{"script": "x", "script": "y"}"#, status: 400, number: 9001,
            names: "script"),
        Case(
            method: "POST", path: "\(job)/submit", headers: ["Content-Type: application/x-yaml"], body: "job: x",
            status: 415, number: 9001, names: "application/json"),
        submit(("nosuch", 1), status: 400, number: 9001, names: "nosuch"),
        submit(("user_id", "5002"), status: 501, number: 2036, names: "user_id"),
        submit(("partition", "gpu"), status: 403, number: 2002, names: "gpu"),
        submit(("account", "gpu"), status: 403, number: 2002, names: "gpu"),
        submit(("tasks", "many"), status: 400, number: 9001, names: "tasks"),
        submit(("tasks", 1000), status: 403, number: 2050, names: "1000 asked"),
    ]

    @Test(arguments: cases, Stack.clusters)
    func isRefusedInSlurmsShape(_ wanted: Case, _ cluster: String) async throws {
        let stack = try Stack.required()
        let answer = try await stack.request(
            wanted.method, "/clusters/\(cluster)\(wanted.path)", token: try await stack.token("alice"),
            headers: wanted.headers, body: wanted.body)
        #expect(answer.status == wanted.status, "\(answer)")
        let error = try FrontRefusalTests.onlyError(answer)
        #expect(error["error_number"]?.integer() == wanted.number, "\(answer)")
        #expect(error["description"]?.string?.contains(wanted.names.isEmpty ? " " : wanted.names) == true, "\(answer)")
    }

    /// Without a session nothing is told, not even whether a path is offered; with what is none either.
    @Test(arguments: ["/slurm/v0.0.42/ping", "/slurm/v0.0.42/jobs", "/slurm/v0.0.42/licenses", "/slurmdb/v0.0.40/jobs"])
    func nobodyIsToldAnything(_ path: String) async throws {
        let stack = try Stack.required()
        for headers in [
            [], ["X-SLURM-USER-TOKEN: junk"], ["X-SLURM-USER-NAME: root"], ["Authorization: Basic YWxpY2U6eA=="],
        ] {
            let answer = try await stack.request("GET", path, headers: headers)
            #expect(answer.status == 401, "\(answer)")
            #expect(try FrontRefusalTests.onlyError(answer)["error_number"]?.integer() == 9008, "\(answer)")
        }
    }

    /// What Slurm itself refuses comes with Slurm's own number and sentence.
    @Test(arguments: Stack.clusters)
    func slurmsOwnRefusalIsTold(_ cluster: String) async throws {
        let stack = try Stack.required()
        let answer = try await stack.request(
            "POST", "/clusters/\(cluster)\(Self.job)/submit", token: try await stack.token("alice"),
            body: FrontText.submission("#!/bin/sh\ntrue\n", [("constraints", "no-such-feature")]))
        #expect(answer.status == 422, "\(answer)")
        let error = try FrontRefusalTests.onlyError(answer)
        #expect((error["error_number"]?.integer() ?? 0) >= 2000, "\(answer)")
        #expect(error["error"]?.string?.isEmpty == false, "\(answer)")
    }

    /// The one entry of `errors[]`, as slurmrestd writes it.
    private static func onlyError(_ answer: Answer) throws -> JSONValue {
        let body = try JSONValue(parsing: answer.body)
        #expect(body["meta"]?["plugin"]?["name"]?.string == "Sallyport", "\(answer)")
        #expect(body["warnings"]?.array?.isEmpty == true, "\(answer)")
        let error = try #require(body["errors"]?.array?.first, "\(answer)")
        #expect(body["errors"]?.array?.count == 1, "\(answer)")
        #expect(error["source"]?.string?.hasPrefix("sallyport/") == true, "\(answer)")
        #expect(error["error"]?.string?.isEmpty == false, "\(answer)")
        return error
    }
}
