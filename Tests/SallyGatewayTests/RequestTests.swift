// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SallyConfig
import SallyModel
import SallyTestSupport
import SallyWire
import Testing

@testable import SallyGateway

@Suite struct RequestTests {
    private static let jobs = "/v1/clusters/demo/jobs"

    @Test func answersCarryAnOwnRequestIDAndSecurityHeaders() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/v1/me", world.alice, headers: [("X-Request-Id", "mine")])
            #expect(answer.status == .ok)
            let id = try #require(answer.headers[.requestID])
            #expect(id != "mine" && OpaqueID(rawValue: id) != nil)
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test func refusalsAreProblemDocuments() async throws {
        try await withWorld { _, client in
            let answer = try await client.call(.get, "/v1/me")
            #expect(answer.status == .unauthorized)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.headers[.wwwAuthenticate] != nil)
            let problem = try answer.problem
            #expect(problem.code == .unauthenticated && problem.status == 401)
            #expect(problem.request == answer.headers[.requestID])
        }
    }

    @Test func unknownPathsAreProblemsToo() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/nothing/here", world.alice)
            #expect(answer.status == .notFound)
            #expect(try answer.problem.code == .notFound)
        }
    }

    @Test(arguments: [
        "/v1/clusters/demo/../../me", "/v1/clusters/demo/%2e%2e/jobs", "/v1//me", "/v1/me/", "/v1/./me",
        "/v1/clusters/de%6do/jobs", "/v1/clusters/demo;x/jobs", "/v1/clusters/demo\\jobs", "/v1/clusters/démo/jobs",
        "/v1/..", "/v1/me/.", "/v1/clusters/demo/jobs/..", "//v1/me", "/v1/me//",
    ])
    func refusesPathsThatAreNotPlain(path: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, path, world.alice)
            #expect(answer.status == .badRequest, "\(path)")
            #expect(try answer.problem.code == .invalidRequest)
        }
    }

    /// What only looks like them is a name that nothing has.
    @Test(arguments: ["/v1/...", "/v1/a..b", "/v1/.a", "/v1/+"]) func takesPlainPathsWithDots(path: String) async throws
    {
        try await withWorld { world, client in try await client.expect(.notFound, .get, path, world.alice) }
    }

    /// Components of jobs are spelled with a plus sign, and nothing else is.
    @Test(arguments: [
        (HTTPRequest.Method.get, "/v1/clusters/de+mo/jobs"), (.get, "/v1/clusters/de+mo/jobs/20+1"),
        (.post, "/v1/admin/identities/al+ice/revoke"),
    ])
    func aPlusSignIsForComponents(method: HTTPRequest.Method, path: String) async throws {
        try await withWorld { world, client in
            try await client.expect(.badRequest, method, path, world.dana)
            #expect(world.queue.now.jobReads.isEmpty)
        }
    }

    /// Of one path alone, and no other escapes: whatever else is written so names no job.
    @Test(arguments: [
        (HTTPRequest.Method.get, "/v1/clusters/demo/jobs/%31"), (.get, "/v1/clusters/demo/jobs/5_[%2e]"),
        (.get, "/v1/clusters/demo/jobs/5_%255B1%255D"), (.get, "/v1/clusters/de%6do/jobs/5_[1]"),
        (.get, "/v1/clusters/demo[/jobs/5"), (.get, "/v1/clusters/demo/jobs/5_[1]/output"),
        (.get, "/v1/clusters/demo/jobs/5_%5B1%5D/output"), (.delete, "/v1/clusters/demo/jobs/5_[1]"),
        (.delete, "/v1/clusters/demo/jobs/5_%5B1%5D"), (.get, "/v1/clusters/[1]/nodes"),
        (.get, "/v1/clusters/demo/jobs/5_[1];x"), (.get, "/v1/clusters/demo/jobs/5_[1]x"),
    ])
    func bracketsAreForTasksThatWait(method: HTTPRequest.Method, path: String) async throws {
        try await withWorld { world, client in
            try await client.expect(.badRequest, method, path, world.alice)
            #expect(world.queue.now.jobReads.isEmpty && world.queue.now.accountingReads == 0)
        }
    }

    /// Each once, whatever a route sets besides.
    @Test(arguments: [
        "/v1/me", "/v1/clusters/demo/jobs", "/nothing", "/sign-in", "/openapi", "/v1/openapi.json", "/healthz",
    ])
    func everyAnswerIsProtected(path: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, path, world.alice)
            for name in [
                .requestID, .xContentTypeOptions, .frameOptions, .referrerPolicy, .strictTransportSecurity,
                .contentSecurityPolicy, .cacheControl,
            ] as [HTTPField.Name] {
                #expect(answer.headers[values: name].count == 1, "\(path) \(name)")
            }
        }
    }

    @Test(arguments: [
        ("text/yaml", 415), ("application/x-yaml", 415), ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415), ("application/json; charset=latin1", 415), ("application/jsonx", 415),
        ("application/json;charset=UTF-8", 201),
    ])
    func takesOnlyJSON(type: String, status: Int) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.jobs, world.alice, body: goodJob, type: type)
            #expect(answer.status.code == status)
            #expect(world.queue.now.submits.count == (status == 201 ? 1 : 0))
        }
    }

    @Test func refusesABodyWithoutAMediaType() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.jobs, world.alice, body: goodJob, type: nil)
            #expect(answer.status == .unsupportedMediaType)
        }
    }

    @Test func refusesAnEmptyBodyWithAQuery() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(
                .post, "\(Self.jobs)?partition=debug", world.alice, body: "", type: "application/json")
            #expect(answer.status == .badRequest)
            let empty = try await client.call(.post, Self.jobs, world.alice, body: "", type: "application/json")
            #expect(empty.status == .badRequest)
            #expect(world.queue.now.submits.isEmpty)
        }
    }

    @Test(arguments: [
        ("/v1/me?x=1", "x"), ("/v1/clusters/demo/jobs?all=true&all=true", "twice"),
        ("/v1/clusters/demo/jobs?size=5", "size"), ("/v1/clusters/demo/jobs?all=maybe", "all"),
        ("/v1/clusters/demo/jobs?since=1", "since"), ("/v1/clusters/demo/jobs/7/output?offset=-1", "offset"),
        ("/v1/clusters/demo/jobs/7/output?stream=../x", "stream"), ("/v1/clusters/demo/jobs/0", "job id"),
        ("/v1/clusters/demo/jobs/x1", "job id"), ("/v1/clusters/0/jobs", "cluster"),
    ])
    func refusesBadParametersByName(path: String, word: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, path, world.alice)
            #expect(answer.status == .badRequest)
            #expect(try answer.problem.detail.contains(word))
        }
    }

    @Test func refusesABodyOnGET() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/v1/me", world.alice, body: "{}")
            #expect(answer.status == .badRequest)
        }
    }

    @Test func refusesAHugeBody() async throws {
        try await withWorld { world, client in
            let script = String(repeating: "x", count: GatewayServer.bodyLimit)
            let answer = try await client.call(
                .post, Self.jobs, world.alice, body: #"{"script": "\#(script)"}"#)
            #expect(answer.status == .contentTooLarge)
            #expect(try answer.problem.code == .tooLarge)
        }
    }

    @Test(arguments: [
        ##"{"script": "#!/bin/sh", "script": "#!/bin/sh"}"##, ##"{"script": "#!/bin/sh", "nonsense": 1}"##,
        ##"{"script": "#!/bin/sh", "nodes": {"x": 1}}"##, ##"{"script": "#!/bin/sh", "ntasks": "1"}"##, "[]", "null",
        "{",
        "name: yaml", ##"{"script": "#!/bin/sh"} x"##,
    ])
    func refusesJobsThatAreNotStrictJSON(body: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.jobs, world.alice, body: body)
            #expect(answer.status == .badRequest)
            #expect(world.queue.now.submits.isEmpty && world.signer.now.minted.isEmpty)
        }
    }

    @Test func namesUnknownFields() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, Self.jobs, world.alice, body: #"{"user_id": 0}"#)
            #expect(try answer.problem.detail.contains("user_id"))
        }
    }

    @Test(arguments: ["0", "root", "slurm", "nobody", "-x", "a23456789012345678901234567890123"])
    func refusesNamesThatNobodyHas(name: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, "/v1/admin/identities/\(name)/revoke", world.dana)
            #expect(answer.status == .badRequest)
            let session = try await client.call(.get, "/v1/admin/sessions?user=\(name)", world.dana)
            #expect(session.status == .badRequest)
        }
    }

    @Test(arguments: ["a%0Ab", "%C3%A9ric"])
    func refusesNamesWithNewlinesAndUnicode(name: String) async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.get, "/v1/admin/sessions?user=\(name)", world.dana)
            #expect(answer.status == .badRequest)
            let detail = try answer.problem.detail
            #expect(!detail.contains("\n"))
        }
    }

    @Test func limitsUnauthenticatedEndpoints() async throws {
        var settings = WorldSettings()
        settings.rates.signInsPerMinute = 4
        try await withWorld(settings) { world, client in
            var last: HTTPResponse.Status = .ok
            // Half of a minute's at once: two sign-ins begun, and what a slow machine gets back meanwhile.
            for _ in 0..<40 where last != .tooManyRequests {
                last =
                    try await client.call(
                        .post, "/v1/auth/sign-in", body: #"{"challenge": "good", "client": "sally"}"#
                    ).status
            }
            #expect(last == .tooManyRequests)
            // What a sign-in takes afterwards is counted apart.
            last = try await client.call(.get, "/sign-in?request=good").status
            #expect(last == .found)
            for _ in 0..<90 where last != .tooManyRequests {
                last = try await client.call(.post, "/v1/auth/refresh", body: #"{"refresh_token": "x"}"#).status
            }
            #expect(last == .tooManyRequests)
            try await client.expect(.ok, .get, "/v1/me", world.alice)
        }
    }

    @Test func limitsFailuresWithoutHoldingUpValidSessions() async throws {
        var settings = WorldSettings()
        settings.rates.failuresPerMinute = 4
        try await withWorld(settings) { world, client in
            try await eventually("the next one is a quarter of a minute away") {
                let answer = try await client.call(.get, "/v1/me", "junk")
                guard answer.status == .tooManyRequests else { return false }
                // One of four a minute; less where the last one is a while ago.
                let wait = answer.headers[.retryAfter].flatMap { Int($0) } ?? 0
                #expect((1...15).contains(wait), "\(answer.headers)")
                return wait >= 10
            }
            try await client.expect(.ok, .get, "/v1/me", world.alice)
        }
    }

    @Test func limitsOnePersonAndNotAnother() async throws {
        var settings = WorldSettings()
        settings.rates.requestsPerMinute = 4
        try await withWorld(settings) { world, client in
            var last: HTTPResponse.Status = .ok
            for _ in 0..<50 where last != .tooManyRequests {
                last = try await client.call(.get, "/v1/me", world.alice).status
            }
            #expect(last == .tooManyRequests)
            try await client.expect(.ok, .get, "/v1/me", world.bob)
        }
    }
}
