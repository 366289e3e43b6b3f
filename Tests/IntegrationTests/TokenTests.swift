// SPDX-License-Identifier: Apache-2.0

import Crypto
import JWTKit
import SallyTestSupport
import Testing

private struct SlurmClaims: JWTPayload {
    var sun: String
    var iat: Int
    var exp: Int
    func verify(using algorithm: some JWTAlgorithm) {}
}

/// Tokens of one door at the other, and everything else that is no session.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct TokenTests {
    @Test(arguments: ["", "junk", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "Bearer"])
    func junkIsNoSession(_ token: String) async throws {
        let answer = try await Stack.required().request("GET", "/v1/me", token: token)
        #expect(answer.status == 401, "\(answer)")
        #expect(answer.body.contains("urn:sallyport:problem:unauthenticated"))
    }

    @Test func noTokenIsNoSession() async throws {
        #expect(try await Stack.required().request("GET", "/v1/me").status == 401)
    }

    @Test func aSessionWithAnotherSignatureIsNone() async throws {
        let stack = try Stack.required()
        let alice = try await stack.token("alice").split(separator: ".")
        let bob = try await stack.token("bob").split(separator: ".")
        let mixed = "\(alice[0]).\(alice[1]).\(bob[2])"
        #expect(try await stack.request("GET", "/v1/me", token: mixed).status == 401)
    }

    @Test(arguments: Stack.clusters)
    func slurmTakesNoSession(_ cluster: String) async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        let version = cluster == "it12" ? "v0.0.38" : "v0.0.42"
        let socket = try await runProgram(
            "/usr/bin/jq", ["-er", ".socket", "\(stack.state)/clusters/\(cluster)/cluster.json"])
        let answer = try await runProgram(
            "/usr/bin/curl",
            [
                "-sS", "-m", "30", "--unix-socket", socket.output.filter { !$0.isNewline }, "-H", "@-",
                "-w", "\n%{http_code}", "http://localhost/slurm/\(version)/jobs",
            ], input: "X-SLURM-USER-TOKEN: \(token)\nX-SLURM-USER-NAME: alice\n")
        #expect(!answer.output.hasSuffix("200"), "\(answer)")
        #expect(!answer.output.contains("\"job_id\""), "\(answer)")
    }

    @Test func theGatewayTakesNoSlurmToken() async throws {
        let stack = try Stack.required()
        let keyPath = try await runProgram(
            "/usr/bin/jq", ["-er", ".token_key.path", "\(stack.state)/clusters/it12/cluster.json"])
        let key = try await runProgram(
            "/bin/sh", ["-c", "od -An -v -tx1 '\(keyPath.output.filter { !$0.isNewline })' | tr -d ' \\n'"])
        let bytes = stride(from: 0, to: key.output.utf8.count - 1, by: 2).compactMap { offset in
            let start = key.output.index(key.output.startIndex, offsetBy: offset)
            return UInt8(key.output[start...].prefix(2), radix: 16)
        }
        #expect(bytes.count >= 32)
        let keys = await JWTKeyCollection().add(hmac: .init(key: .init(data: bytes)), digestAlgorithm: .sha256)
        let token = try await keys.sign(SlurmClaims(sun: "alice", iat: 1_700_000_000, exp: 4_000_000_000))
        for header in ["Authorization: Bearer \(token)", "X-SLURM-USER-TOKEN: \(token)"] {
            #expect(try await stack.request("GET", "/v1/me", headers: [header]).status == 401)
        }
    }

    @Test func bothHeadersOnlyIfTheyAgree() async throws {
        let stack = try Stack.required()
        let alice = try await stack.token("alice")
        let bob = try await stack.token("bob")
        let same = try await stack.request("GET", "/v1/me", token: alice, headers: ["X-SLURM-USER-TOKEN: \(alice)"])
        #expect(same.status == 200)
        let different = try await stack.request("GET", "/v1/me", token: alice, headers: ["X-SLURM-USER-TOKEN: \(bob)"])
        #expect((400...401).contains(different.status), "\(different)")
    }

    @Test(arguments: ["bob", "root", "slurm", "0", "nobody"])
    func nobodyIsImpersonated(_ name: String) async throws {
        let stack = try Stack.required()
        let alice = try await stack.token("alice")
        let answer = try await stack.request("GET", "/v1/me", token: alice, headers: ["X-SLURM-USER-NAME: \(name)"])
        #expect((400...403).contains(answer.status), "\(answer)")
        #expect(
            try await stack.request("GET", "/v1/me", token: alice, headers: ["X-SLURM-USER-NAME: alice"]).status == 200)
    }
}

/// Requests that break a rule of form, sent by hand.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct RequestTests {
    @Test(
        arguments: [
            (##"{"script":"#!/bin/sh\n","nosuch":1}"##, "nosuch"),
            (##"{"script":"#!/bin/sh\n","partition":"debug","partition":"gpu"}"##, "partition"),
            (##"{"script":"#!/bin/sh\n","nodes":"many"}"##, "nodes"),
            (##"{"script":"#!/bin/sh\n","user_id":0}"##, "user_id"),
            (##"{"script":1}"##, "script"),
            ("[]", ""), ("", ""), ("{", ""), (##"{"script":"#!/bin/sh\n","nodes":NaN}"##, ""),
        ])
    func badBodiesAreRefusedByName(_ body: String, _ name: String) async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        let answer = try await stack.request("POST", "/v1/clusters/it12/jobs", token: token, body: body)
        #expect(answer.status == 400 || answer.status == 501, "\(answer)")
        #expect(answer.body.contains(name), "\(answer)")
        #expect(answer.body.contains("\"request\""))
    }

    @Test func onlyJSONIsTaken() async throws {
        let stack = try Stack.required()
        let token = try await stack.token("alice")
        for type in ["application/x-yaml", "application/x-www-form-urlencoded", "text/plain"] {
            let answer = try await stack.request(
                "POST", "/v1/clusters/it12/jobs", token: token, headers: ["Content-Type: \(type)"], body: "script: x")
            #expect(answer.status == 415, "\(answer)")
        }
        let query = try await stack.request("POST", "/v1/clusters/it12/jobs?partition=gpu", token: token, body: "")
        #expect(query.status == 400, "\(query)")
    }

    @Test(
        arguments: [
            "/v1/clusters/../jobs", "/v1/clusters/it12/jobs/..%2f1", "/v1/clusters/%2e%2e/jobs",
            "/v1/clusters/it12/jobs/0",
            "/v1/clusters/it12/jobs/-1", "/v1/clusters/it12/jobs/1%0a", "/v1/clusters/IT12/jobs",
        ])
    func crookedPathsLeadNowhere(_ path: String) async throws {
        let stack = try Stack.required()
        let answer = try await stack.request("GET", path, token: try await stack.token("alice"))
        #expect(answer.status == 400 || answer.status == 404, "\(answer)")
    }

    @Test(arguments: ["0", "root", "slurm", "nobody", "-x", "a23456789012345678901234567890123", "a%0ab", "%C3%A5sa"])
    func namesOfTheSystemAreNotOffboarded(_ name: String) async throws {
        let stack = try Stack.required()
        let answer = try await stack.request(
            "POST", "/v1/admin/identities/\(name)/offboard", token: try await stack.token("dana"), body: "{}")
        #expect(answer.status == 400 || answer.status == 404, "\(answer)")
    }
}
