// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyClient
import SallyModel
import StrictJSON
import Testing

private let grant =
    #"{"access_token":"new-access","expires":3000000000,"refresh_token":"new-refresh","session_expires":3000000000,"user":"alice"}"#
private let me =
    #"{"user":"alice","uid":20001,"display_name":"Alice","groups":[],"role":"researcher","session":"AAAAAAAAAAAAAAAAAAAAAA","clusters":[{"name":"demo","default":true,"ready":true}]}"#

@Suite struct LoginTests {
    private let answers = [
        "POST /v1/auth/sign-in": [(200, #"{"request":"the-request","expires":3000000000}"#)],
        "POST /v1/auth/token": [(200, grant)], "GET /v1/me": [(200, me)],
    ]

    @Test func theCodeCanBeTyped() async throws {
        let run = try await sally(
            ["login", "https://a.example", "--no-browser"], answers: answers, typed: [" ABCD-1234 "], signedIn: false)
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.output == "")
        #expect(run.talk.contains("  https://a.example/sign-in?request=the-request\n"))
        let opening = try #require(run.asked.first)
        #expect(opening.line == "POST /v1/auth/sign-in" && !opening.body.contains("redirect"))
        #expect(opening.body.contains(#""client":"sally on laptop""#))
        #expect(run.talk.hasSuffix("signed in as alice (Alice), context a.example, cluster demo\n"))
        #expect(run.asked[1].body.hasPrefix(#"{"code":"ABCD-1234","code_verifier":""#))
        #expect(run.asked.last?.bearer == "Bearer new-access")
        #expect(!run.talk.contains("new-access") && !run.talk.contains("new-refresh"))
    }

    @Test func theBrowserBringsTheCode() async throws {
        let run = try await sally(
            ["login", "https://a.example"], answers: answers, environment: ["SALLY_BROWSER": "browse --it"],
            signedIn: false,
            start: { words in
                guard words == ["browse", "--it", "https://a.example/sign-in?request=the-request"] else { return nil }
                return StartedProgram { 0 }
            }, asked: { request in if request.path == "/v1/auth/sign-in" { visit(request) } })
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.asked[1].body.hasPrefix(#"{"code":"from-browser","code_verifier":""#))
    }

    /// Ends at once: there is nobody to open the page, and five minutes are long.
    @Test(arguments: [nil, 3])
    func aBrowserThatFailsIsSaidAtOnce(status: Int32?) async throws {
        let run = try await sally(
            ["login", "https://a.example"], answers: answers, environment: ["SALLY_BROWSER": "browse"], signedIn: false,
            start: { _ in status.map { status in StartedProgram { status } } })
        #expect(run.status == 69, "\(run.talk)")
        #expect(run.talk.contains(#"the browser program "browse""#))
        #expect(run.talk.contains("--no-browser"))
        #expect(run.talk.contains("; the page was https://a.example/sign-in?request=the-request"))
        #expect(run.asked.count == 1)
    }

    /// Somebody sits there: the page can still be opened by hand.
    @Test(arguments: [nil, 3])
    func aPersonMayStillOpenThePage(status: Int32?) async throws {
        let run = try await sally(
            ["login", "https://a.example"], answers: answers, environment: ["BROWSER": "browse"], terminal: true,
            signedIn: false, start: { _ in status.map { status in StartedProgram { status } } },
            asked: { request in if request.path == "/v1/auth/sign-in" { visit(request, after: .milliseconds(300)) } })
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.talk.contains("--no-browser"))
    }

    @Test func theGatewaysRefusalToBeginIsSaid() async throws {
        let problem =
            #"{"type":"urn:sallyport:problem:unavailable","title":"t","status":503,"detail":"the identity provider okta does not answer","code":"unavailable","request":"r1"}"#
        let run = try await sally(
            ["login", "https://a.example"], answers: ["POST /v1/auth/sign-in": [(503, problem)]], signedIn: false)
        #expect(run.status == 69)
        #expect(run.talk.contains("the identity provider okta does not answer"))
    }

    /// Somebody who left hears why, from the gateway, and not to sign in again.
    @Test func aClosedAccountIsSaid() async throws {
        let problem =
            #"{"type":"urn:sallyport:problem:unauthenticated","title":"t","status":401,"detail":"your account here was closed","hint":"ask desk@example.org","code":"unauthenticated","request":"r1"}"#
        let run = try await sally(
            ["jobs"],
            answers: ["GET /v1/clusters/demo/jobs": [(401, problem)], "POST /v1/auth/refresh": [(401, problem)]])
        #expect(run.status == 77)
        #expect(run.talk.hasPrefix("sally: your account here was closed\n  ask desk@example.org\n"), "\(run.talk)")
        #expect(!run.talk.contains("sign in"))
        let plain = try await sally(
            ["jobs"], answers: ["GET /v1/clusters/demo/jobs": [(401, "{}")], "POST /v1/auth/refresh": [(401, "{}")]])
        #expect(plain.talk.contains("your session has ended: sign in again"))
    }

    @Test(arguments: [
        ["login"], ["login", "http://a.example"], ["login", "https://a.example", "--ca-file", "relative.pem"],
        ["login", "https://a.example", "--context", "../x"],
    ])
    func badSignInsAreRefused(arguments: [String]) async throws {
        let run = try await sally(arguments, signedIn: false)
        #expect(run.status == 64, "\(run.talk)")
        #expect(run.asked.isEmpty)
    }

    @Test func noCodeIsNoSignIn() async throws {
        let run = try await sally(["login", "https://a.example", "--no-browser"], answers: answers, signedIn: false)
        #expect(run.status == 64 && run.talk.contains("no code was typed"))
        #expect(run.lines == ["POST /v1/auth/sign-in"])
    }

    @Test func aRefusedCodeLeavesNoContext() async throws {
        let run = try await sally(
            ["login", "https://a.example", "--no-browser"],
            answers: answers.merging(["POST /v1/auth/token": [(401, "{}")]]) { $1 },
            typed: ["x"],
            signedIn: false)
        #expect(run.status == 77)
        #expect(!run.talk.contains("signed in as"))
    }

    @Test func loggingOutEndsTheSessionAtTheGateway() async throws {
        let run = try await sally(["logout"], answers: ["POST /v1/auth/logout": [(204, "")]])
        #expect(run.status == 0)
        #expect(run.asked.first?.bearer == "Bearer the-access-token")
        let away = try await sally(["logout"], answers: ["POST /v1/auth/logout": [(0, "")]])
        #expect(away.status == 69)
        #expect(away.talk.contains("signed out here"))
    }
}

/// What a browser does after the provider, the gateway and the click: goes to the loopback address.
private func visit(_ request: WireRequest, after delay: TimeAmount = .zero) {
    guard let body = try? JSONValue(parsing: String(decoding: request.body ?? [], as: UTF8.self)),  // the test fails
        let redirect = body["redirect"]?.string, let state = body["state"]?.string,
        let port = redirect.split(separator: ":").last.flatMap({ Int($0.prefix { $0 != "/" }) })
    else { return }
    let text = "GET /callback?code=from-browser&state=\(state) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n"
    let group = MultiThreadedEventLoopGroup.singleton
    group.next().scheduleTask(in: delay) {
        ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port)
            .whenSuccess { $0.writeAndFlush(ByteBuffer(string: text), promise: nil) }
    }
}
