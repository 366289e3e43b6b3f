// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyClient
import SallyModel
import Synchronization
import Testing

private let grant =
    #"{"access_token":"new-access","expires":3000000000,"refresh_token":"new-refresh","session_expires":3000000000,"user":"alice"}"#
private let me =
    #"{"user":"alice","uid":20001,"display_name":"Alice","groups":[],"role":"researcher","session":"AAAAAAAAAAAAAAAAAAAAAA","clusters":[{"name":"demo","default":true,"ready":true}]}"#

@Suite struct LoginTests {
    private let answers = ["POST /v1/auth/token": [(200, grant)], "GET /v1/me": [(200, me)]]

    @Test func theCodeCanBeTyped() async throws {
        let run = try await sally(
            ["login", "https://a.example", "--no-browser"], answers: answers, typed: [" ABCD-1234 "], signedIn: false)
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.output == "")
        #expect(run.talk.contains("https://a.example/sign-in?challenge="))
        #expect(!run.talk.contains("redirect="))
        #expect(run.talk.hasSuffix("signed in as alice (Alice), context a.example, cluster demo\n"))
        #expect(run.asked.first?.body.hasPrefix(#"{"code":"ABCD-1234","code_verifier":""#) == true)
        #expect(run.asked.last?.bearer == "Bearer new-access")
        #expect(!run.talk.contains("new-access") && !run.talk.contains("new-refresh"))
    }

    @Test func theBrowserBringsTheCode() async throws {
        let run = try await sally(
            ["login", "https://a.example"], answers: answers, environment: ["SALLY_BROWSER": "browse --it"],
            signedIn: false,
            start: { words in
                guard words.count == 3, words[0] == "browse", words[1] == "--it" else { return false }
                visit(words[2])
                return true
            })
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.asked.first?.body.hasPrefix(#"{"code":"from-browser","code_verifier":""#) == true)
    }

    @Test(arguments: [
        ["login"], ["login", "http://a.example"], ["login", "https://a.example", "--ca-file", "relative.pem"],
        ["login", "https://a.example", "--context", "../x"], ["login", "https://a.example", "--no-browser"],
    ])
    func badSignInsAreRefused(arguments: [String]) async throws {
        let run = try await sally(arguments, signedIn: false)
        #expect(run.status == 64, "\(run.talk)")
        #expect(run.asked.isEmpty)
    }

    @Test func aRefusedCodeLeavesNoContext() async throws {
        let run = try await sally(
            ["login", "https://a.example", "--no-browser"], answers: ["POST /v1/auth/token": [(401, "{}")]],
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

/// What a browser does after the provider and the gateway: follows the redirect back to the loopback address.
private func visit(_ page: String) {
    func value(_ name: String) -> String {
        let pair = page.split(separator: "?").last?.split(separator: "&").first { $0.hasPrefix("\(name)=") }
        return String(pair?.dropFirst(name.utf8.count + 1) ?? "")
    }
    // http%3A%2F%2F127.0.0.1%3APORT%2Fcallback
    let port = Int(value("redirect").drop { $0 != "1" }.split(separator: "%")[1].dropFirst(2)) ?? 0
    let request = "GET /callback?code=from-browser&state=\(value("state")) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n"
    ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(host: "127.0.0.1", port: port)
        .whenSuccess { $0.writeAndFlush(ByteBuffer(string: request), promise: nil) }
}
