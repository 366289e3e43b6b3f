// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SallyIdentity
import SallyModel
import SallyWire
import Testing

@testable import SallyGateway

@Suite struct SignInPageTests {
    @Test func redirectsOrSaysWhatIsWrong() async throws {
        try await withWorld { _, client in
            let good = try await client.call(.get, "/sign-in?request=good")
            #expect(good.status == .found)
            #expect(good.headers[.location] == "https://provider.example/authorize?state=x")
            let bad = try await client.call(.get, "/sign-in?request=bad")
            #expect(bad.status == .badRequest)
            #expect(bad.headers[.contentType]?.hasPrefix("text/html") == true)
            #expect(bad.text.contains("&lt;not&gt;") && !bad.text.contains("<not>"))
            #expect(!bad.text.contains("<script"))
            #expect(bad.headers[.contentSecurityPolicy]?.contains("script-src") == false)
            let failed = try await client.call(.get, "/sign-in/callback?state=failed&error=x&session_state=x")
            #expect(failed.headers[.location] == "http://127.0.0.1:9/callback?error=access_denied")
            try await client.expect(.badRequest, .get, "/sign-in/callback?state=bad")
        }
    }

    @Test func aBrowserGetsACookieAndBringsItBack() async throws {
        try await withWorld { _, client in
            let first = try await client.call(.get, "/sign-in?request=good")
            let set = try #require(first.headers[.setCookie])
            let key = String(repeating: "A", count: 43)
            #expect(
                set == "__Host-sally-sign-in=\(key); Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure")
            let mine = String(repeating: "Q", count: 42) + "A"
            let again = try await client.call(
                .get, "/sign-in?request=good", headers: [("Cookie", "x=y; __Host-sally-sign-in=\(mine)")])
            #expect(again.headers[.setCookie]?.hasPrefix("__Host-sally-sign-in=\(mine);") == true)
            let junk = try await client.call(
                .get, "/sign-in?request=good", headers: [("Cookie", "__Host-sally-sign-in=junk")])
            #expect(junk.headers[.setCookie]?.hasPrefix("__Host-sally-sign-in=\(key);") == true)
        }
    }

    /// Browsers take the prefix and `Secure` over TLS only (RFC 6265bis section 4.1.3.2).
    @Test func withoutTLSTheCookieHasAnotherName() throws {
        let key = try #require(BrowserKey(cookie: String(repeating: "A", count: 43)))
        #expect(
            SignInCookie(publicURL: "http://127.0.0.1:8480").setting(key)
                == "sally-sign-in=\(key.text); Path=/; Max-Age=900; HttpOnly; SameSite=Lax")
    }

    /// The address that people are shown is the one the program asked from, not the one a browser comes from.
    @Test func aProgramBeginsAndItsAddressIsTheGatewaysWord() async throws {
        try await withWorld { _, client in
            let body = #"{"challenge":"good","client":"10.9.8.7 sally\u202e"}"#
            let opened = try await client.call(.post, "/v1/auth/sign-in", body: body)
            #expect(opened.status == .ok, "\(opened.text)")
            let request = try opened.decode(SignInOpened.self).request
            #expect(request.hasSuffix(" 10.9.8.7 sally") && !request.hasPrefix("opened by 10.9.8.7"), "\(request)")
            try await client.expect(.badRequest, .post, "/v1/auth/sign-in", body: #"{"challenge":"x","client":"s"}"#)
            // Nobody begins one by a link that he sends to somebody.
            try await client.expect(.badRequest, .get, "/sign-in?challenge=good&client=sally")
        }
    }

    @Test(arguments: ["typed", "loopback"])
    func theLastPageNamesWhoAsked(way: String) async throws {
        try await withWorld { _, client in
            let page = try await client.call(.get, "/sign-in/callback?state=\(way)&code=c")
            #expect(page.status == .ok)
            let address = try #require(page.text.firstRange(of: "<strong>203.0.113.9</strong>"))
            let label = try #require(page.text.firstRange(of: "&lt;b&gt;sally&lt;/b&gt; on x"))
            #expect(address.lowerBound < label.lowerBound)
            #expect(page.text.contains("<strong>bob</strong>") && page.text.contains("did not begin"))
            #expect(!page.text.contains("<script") && !page.text.contains("<b>"))
        }
    }

    @Test func nothingGoesToTheProgramWithoutAClick() async throws {
        try await withWorld { _, client in
            let page = try await client.call(.get, "/sign-in/callback?state=loopback&code=c")
            #expect(page.status == .ok && page.headers[.location] == nil)
            #expect(
                page.text.contains(
                    #"<a id="confirm" class="button" href="http://127.0.0.1:9/callback?code=c&amp;state=s">"#))
            #expect(page.text.contains(#"href="http://127.0.0.1:9/callback?error=access_denied&amp;state=s""#))
            #expect(!page.text.contains("http-equiv"))
        }
    }

    @Test(arguments: [("203.0.113.9", false), ("198.51.100.1", true)])
    func saysThatTheBrowserIsElsewhere(browser: String, isSaid: Bool) throws {
        let page = SignInPage(
            user: try UserName("alice"), client: SignInClient(address: "203.0.113.9", label: "sally"),
            expires: Timestamp(1), way: .typed(code: "ABCD-2345"))
        let text = SignInPages.last(page, browser: browser)
        #expect(SignInPages.elsewhere(page, browser: browser).isEmpty != isSaid)
        #expect(text.status == .ok)
    }
}
