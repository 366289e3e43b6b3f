// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SallyIdentity
import SallyKeepProtocol
import SallyModel
import SallyWire
import Testing

@testable import SallyGateway

@Suite struct AuthenticationTests {
    @Test(arguments: ["", "junk", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", String(repeating: "a", count: 9000)])
    func refusesWhatIsNoToken(token: String) async throws {
        try await withWorld { _, client in
            let answer = try await client.call(.get, "/v1/me", token)
            #expect(answer.status == .unauthorized)
        }
    }

    @Test(arguments: [
        ("none", #"{"alg":"none","typ":"sally+jwt"}"#), ("HS256", #"{"alg":"HS256","typ":"JWT"}"#),
        ("kid", #"{"alg":"ES256","typ":"sally+jwt","kid":"unknown"}"#),
    ])
    func refusesOtherHeadersOverGoodClaims(name: String, header: String) async throws {
        try await withWorld { world, client in
            let parts = world.alice.split(separator: ".")
            let forged =
                "\(Base64.url.encode(Array(header.utf8))).\(parts[1]).\(name == "none" ? "" : String(parts[2]))"
            try await client.expect(.unauthorized, .get, "/v1/me", forged)
            try await client.expect(.unauthorized, .get, "/v1/me", headers: [("X-SLURM-USER-TOKEN", forged)])
        }
    }

    @Test func refusesAnotherGatewaysToken() async throws {
        try await withWorld { world, client in
            let (token, _) = try world.otherGateway.issue(
                session: OpaqueID(rawValue: "AAAAAAAAAAAAAAAAAAAAAA")!, person: PersonID(rawValue: 1))  // 22 characters
            try await client.expect(.unauthorized, .get, "/v1/me", token.reveal())
        }
    }

    @Test func refusesATokenOfASessionThatIsNot() async throws {
        try await withWorld { world, client in
            let (token, _) = try world.issuer.issue(
                session: OpaqueID(rawValue: "AAAAAAAAAAAAAAAAAAAAAA")!, person: PersonID(rawValue: 1))  // 22 characters
            try await client.expect(.unauthorized, .get, "/v1/me", token.reveal())
        }
    }

    @Test func refusesAnExpiredToken() async throws {
        try await withWorld { world, client in
            world.clock.advance(901)
            let answer = try await client.call(.get, "/v1/me", world.alice)
            #expect(answer.status == .unauthorized)
            #expect(try answer.problem.detail.contains("expired"))
        }
    }

    @Test func takesEitherHeaderAndBothOnlyIfTheyAgree() async throws {
        try await withWorld { world, client in
            try await client.expect(.ok, .get, "/v1/me", headers: [("X-SLURM-USER-TOKEN", world.alice)])
            try await client.expect(.ok, .get, "/v1/me", world.alice, headers: [("X-SLURM-USER-TOKEN", world.alice)])
            try await client.expect(
                .unauthorized, .get, "/v1/me", world.alice, headers: [("X-SLURM-USER-TOKEN", world.bob)])
            try await client.expect(.unauthorized, .get, "/v1/me", headers: [("Authorization", "Basic \(world.alice)")])
        }
    }

    @Test func nobodyActsAsSomebodyElse() async throws {
        try await withWorld { world, client in
            let own = try await client.call(.get, "/v1/me", world.alice, headers: [("X-SLURM-USER-NAME", "alice")])
            #expect(own.status == .ok)
            for name in ["bob", "root", "", "Alice", "<b>\"x", String(repeating: "x", count: 5000)] {
                for path in ["/v1/me", "/slurm/v0.0.42/ping"] {
                    let other = try await client.call(.get, path, world.alice, headers: [("X-SLURM-USER-NAME", name)])
                    #expect(other.status == .forbidden)
                    // Nothing of what came is said again.
                    #expect(other.text.utf8.count < 1500 && !other.text.contains("<b>") && !other.text.contains("xxx"))
                    #expect(name == "" || name == "root" || !other.text.contains("\(name) "))
                }
            }
            let two = try await client.call(
                .get, "/v1/me", world.alice, headers: [("X-SLURM-USER-NAME", "alice"), ("X-SLURM-USER-NAME", "bob")])
            #expect(two.status == .forbidden)
        }
    }

    @Test func everyRouteButTheOpenOnesWantsASession() async throws {
        try await withWorld { world, client in
            for endpoint in EndpointTable.v1.all {
                switch endpoint.access {
                case .open, .host: continue
                case .session, .administrator: break
                }
                let path = endpoint.path.replacing("{cluster}", with: "demo").replacing("{job}", with: "1")
                    .replacing("{user}", with: "bob")
                var body: String?
                if case .json = endpoint.body { body = "{}" }
                try await client.expect(.unauthorized, endpoint.method, path, body: body)
                guard case .administrator = endpoint.access else { continue }
                let role = #"{"role": "administrator"}"#
                let asAlice = try await client.call(
                    endpoint.method, path, world.alice, body: body.map { path.hasSuffix("role") ? role : $0 })
                #expect(asAlice.status == .forbidden, "\(path)")
            }
        }
    }

    @Test func aRevokedSessionIsOverAtOnce() async throws {
        try await withWorld { world, client in
            let answer = try await client.call(.post, "/v1/admin/identities/alice/revoke", world.dana)
            #expect(try answer.decode(RevokeReply.self).ended == 1)
            try await client.expect(.unauthorized, .get, "/v1/me", world.alice)
            try await client.expect(.ok, .get, "/v1/me", world.bob)
        }
    }

    @Test func logoutEndsThisSession() async throws {
        try await withWorld { world, client in
            try await client.expect(.noContent, .post, "/v1/auth/logout", world.alice)
            try await client.expect(.unauthorized, .get, "/v1/me", world.alice)
        }
    }

    @Test func aCodeBecomesASessionAndARefreshItsSuccessor() async throws {
        try await withWorld { _, client in
            let wrong = try await client.call(.post, "/v1/auth/token", body: #"{"code": "bad", "code_verifier": "v"}"#)
            #expect(wrong.status == .unauthorized)
            let answer = try await client.call(
                .post, "/v1/auth/token", body: #"{"code": "good", "code_verifier": "v"}"#)
            let grant = try answer.decode(TokenGrant.self)
            try await client.expect(.ok, .get, "/v1/me", grant.accessToken)
            let next = try await client.call(
                .post, "/v1/auth/refresh", body: #"{"refresh_token": "\#(grant.refreshToken)"}"#)
            #expect(try next.decode(TokenGrant.self).refreshToken != grant.refreshToken)
        }
    }

    @Test func nothingOfASlurmTokenLeavesTheGateway() async throws {
        try await withWorld { world, client in
            let answers = [
                try await client.call(.post, "/v1/clusters/demo/jobs", world.alice, body: goodJob),
                try await client.call(.get, "/v1/clusters/demo/jobs", world.alice),
                try await client.call(.get, "/v1/me", world.alice),
                try await client.call(.get, "/v1/admin/audit", world.dana),
            ]
            for answer in answers {
                #expect(!answer.text.contains("slurm-token"))
                #expect(!answer.headers.contains { $0.value.contains("slurm-token") })
            }
            #expect(world.queue.now.tokens == ["slurm-token-of-alice"])
        }
    }
}
