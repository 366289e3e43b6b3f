// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
import SallyTestSupport
import StrictJSON
import Testing

@testable import SallyClusters

@Suite struct ProbeTests {
    @Test func eachVersionGetsItsSpelling() {
        let old = ProbeJob(release: .debian12, purpose: .run(nodes: 2)).body
        #expect(old["job"]?["environment"]?["PATH"]?.string == "/usr/bin:/bin")
        #expect(old["job"]?["nodes"]?.integer() == 2)
        let new = ProbeJob(release: .debian13, purpose: .run(nodes: 2)).body
        #expect(new["job"]?["environment"]?.array?.first?.string == "PATH=/usr/bin:/bin")
        #expect(new["job"]?["nodes"]?.string == "2")
        #expect(ProbeJob(release: .debian13, purpose: .hold).body["job"]?["hold"]?.bool == true)
    }

    @Test func curlReadsTheBodyAsItIs() {
        let text = ProbeJob(release: .debian12, purpose: .hold).curlConfiguration(token: Secret("a.b.c"))
        #expect(text.contains("header = \"X-SLURM-USER-TOKEN: a.b.c\"\n"))
        #expect(text.contains("data-raw = \"{\\\"script\\\":\\\"#!/bin/sh\\\\ntrue\\\\n\\\""))
        #expect(text.contains("/slurm/v0.0.38/job/submit"))
    }

    @Test func theJobIdDecides() throws {
        #expect(try ProbeJob.jobID(inAnswer: Array("{\"job_id\": 7, \"errors\": []}".utf8)).rawValue == 7)
    }

    @Test(arguments: [
        ("{\"errors\": [{\"error\": \"Invalid account\"}]}", "Invalid account"),
        ("Authentication failure", "Authentication failure"), ("", "no answer"), ("{\"job_id\": 0}", "job_id"),
    ])
    func aRefusalSaysWhatSlurmSaid(_ answer: String, _ expected: String) {
        #expect {
            _ = try ProbeJob.jobID(inAnswer: Array(answer.utf8))
        } throws: { ($0 as? SallyError)?.message.contains(expected) == true }
    }

    @Test(arguments: [
        ("JobId=1 AllocNode:Sid=10.231.0.10:1 X=y", "10.231.0.10"), ("AllocNode:Sid=master:4711", "master"),
        ("AllocNode:Sid=", nil), ("nothing", nil), ("AllocNode:Sid=a,b:1", nil),
    ])
    func theSubmitHostIsReadOffAJob(_ text: String, _ expected: String?) {
        #expect(ProbeJob.submitHost(in: text) == expected)
    }

    @Test func nodesThatCannotRunJobsDoNotCount() {
        #expect(ClusterHealth.usable("node001 idle\nnode002 mixed\nnode002 mixed\n") == ["node001", "node002"])
        #expect(ClusterHealth.usable("node001 idle*\nnode002 inval\nnode003 unknown\nnode004 drained").isEmpty)
    }

    @Test func tokensAreSignedWithTheSecret() async throws {
        try await withScratchFolder { root in
            let secret: [UInt8] = Array("0123456789abcdef0123456789abcdef".utf8)
            try writeFile("\(root)/key", String(decoding: secret, as: UTF8.self))
            let keys = ClusterKeys(folder: ClusterFolder(path: root), environment: [:])
            let key = ClusterRecord.TokenKey(algorithm: .hs256, path: "\(root)/key", kid: nil)
            let token = try await ProbeToken(keys: keys, key: key).mint(now: Timestamp(1000)).reveal()
            let parts = token.split(separator: ".")
            try #require(parts.count == 3)
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("\(parts[0]).\(parts[1])".utf8), using: SymmetricKey(data: secret))
            #expect(parts[2] == Base64URL.encode(Array(code)))
            #expect(parts[1] == Base64URL.encode(Array("{\"sun\":\"root\",\"iat\":1000,\"exp\":1030}".utf8)))
        }
    }

    @Test(arguments: [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("\u{fb}", "w7s")])
    func base64HasTheURLsAlphabet(_ text: String, _ expected: String) {
        #expect(Base64URL.encode(Array(text.utf8)) == expected)
        #expect(Base64URL.encode([0xff, 0xef, 0xff]) == "_-__")
    }

    @Test func rsaKeysNeverReachTheContainers() async throws {
        try await withScratchFolder { root in
            let folder = ClusterFolder(path: "\(root)/demo")
            try folder.make()
            let keys = ClusterKeys(folder: folder, environment: ["PATH": "/usr/bin:/bin"])
            let key = try await keys.make(.rs256, cluster: ClusterName(unchecked: "demo"))
            #expect(permissions(of: key.path) == 0o600)
            let kid = try #require(key.kid)
            let set = try JSONValue(parsing: try #require(try Disk.read("\(folder.controllerConfiguration)/jwks.json")))
            let entry = try #require(set["keys"]?.array?.first)
            #expect(entry["kid"]?.string == kid && entry["kty"]?.string == "RSA" && entry["alg"]?.string == "RS256")
            #expect(entry["d"] == nil)
            #expect(Disk.names(in: folder.controllerConfiguration) == ["jwks.json", "munge.key"])
            #expect(Disk.names(in: folder.nodeConfiguration) == ["munge.key"])
        }
    }

    @Test func theSharedSecretReachesTheControllerAlone() async throws {
        try await withScratchFolder { root in
            let folder = ClusterFolder(path: "\(root)/demo")
            try folder.make()
            let keys = ClusterKeys(folder: folder, environment: [:])
            let key = try await keys.make(.hs256, cluster: ClusterName(unchecked: "demo"))
            #expect(permissions(of: key.path) == 0o600)
            #expect(try Disk.read(key.path)?.count == 32)
            #expect(Disk.names(in: folder.controllerConfiguration) == ["jwt_hs256.key", "munge.key"])
            #expect(Disk.names(in: folder.nodeConfiguration) == ["munge.key"])
        }
    }

    @Test func aMissingOpenSSLIsNamed() async throws {
        try await withScratchFolder { root in
            let folder = ClusterFolder(path: "\(root)/demo")
            try folder.make()
            let keys = ClusterKeys(folder: folder, environment: ["PATH": root])
            await #expect {
                _ = try await keys.make(.rs256, cluster: ClusterName(unchecked: "demo"))
            } throws: { ($0 as? SallyError)?.hint?.contains("openssl") == true }
        }
    }
}
