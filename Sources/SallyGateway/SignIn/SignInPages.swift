// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyIdentity
import SallyModel

/// The few pages of a sign-in. No script, nothing loaded from anywhere.
enum SignInPages {
    /// Who asked, and the code to type or the one click that passes it on.
    /// - Parameter browser: the address that this browser comes from.
    static func last(_ page: SignInPage, browser: String) -> Response {
        let user = escaped(page.user.rawValue)
        let asker = """
            <dl>
            <dt>asked for from the address</dt><dd><strong>\(escaped(page.client.address))</strong></dd>
            <dt>by a program that calls itself</dt><dd>\(escaped(page.client.label))</dd>
            </dl>
            \(elsewhere(page, browser: browser))
            """
        switch page.way {
        case .typed(let code):
            return render(
                title: "Your sign-in code", status: .ok,
                body: """
                    <p>You are signed in as <strong>\(user)</strong>. This code was</p>
                    \(asker)
                    <p>Type it where you began:</p>
                    <p class="code" aria-label="code">\(escaped(code))</p>
                    <p>It is good until \(escaped(page.expires.description)), once. <strong>If you did not begin this \
                    sign-in yourself, close this page and give the code to nobody.</strong></p>
                    """)
        case .loopback(let confirm, let refuse):
            return render(
                title: "Sign in the program?", status: .ok,
                body: """
                    <p>A program wants to act as <strong>\(user)</strong>. This was</p>
                    \(asker)
                    <p><a id="confirm" class="button" href="\(escaped(confirm))">Sign it in</a></p>
                    <p>If you did not begin this sign-in yourself, <a href="\(escaped(refuse))">refuse it</a> and \
                    give the address of no page to anybody.</p>
                    """)
        }
    }

    /// A program and a browser of one machine mostly have one address; who sent somebody a link has another.
    static func elsewhere(_ page: SignInPage, browser: String) -> String {
        guard page.client.address != browser else { return "" }
        return """
            <p>This browser comes from another address, <strong>\(escaped(browser))</strong>. That is as it should be \
            only if the program runs on another machine.</p>
            """
    }

    /// What went wrong, and what to do.
    static func failure(_ error: SallyError, request: OpaqueID) -> Response {
        let hint = error.hint.map { "<p>\(escaped($0))</p>" } ?? ""
        return render(
            title: "Sign-in did not work", status: HTTPResponse.Status(code: error.code.httpStatus),
            body: """
                <p>\(escaped(error.message)).</p>
                \(hint)
                <p class="small">Request \(escaped(request.rawValue))</p>
                """)
    }

    private static func render(title: String, status: HTTPResponse.Status, body: String) -> Response {
        var generator = SystemRandomNumberGenerator()
        let nonce = OpaqueID.random(using: &generator).rawValue
        var response = Response.text(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title) - Sallyport</title>
            <style nonce="\(nonce)">\(style)</style>
            </head>
            <body>
            <main>
            <h1>\(title)</h1>
            \(body)
            </main>
            </body>
            </html>

            """, type: "text/html; charset=utf-8", status: status)
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'nonce-\(nonce)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return response
    }

    private static let style = """
        :root{color-scheme:light dark}body{font:1.05rem/1.6 system-ui,sans-serif;margin:0}\
        main{max-width:34rem;margin:12vh auto;padding:0 1.25rem}h1{font-size:1.5rem}\
        dt{opacity:.8}dd{margin:0 0 .5rem 1rem;overflow-wrap:anywhere}\
        .button{display:inline-block;padding:.5rem 1.25rem;border:2px solid;border-radius:.4rem;font-weight:600}\
        .code{font:600 2.2rem/1.4 ui-monospace,monospace;letter-spacing:.08em}.small{opacity:.7;font-size:.85rem}
        """

    /// Text as it may stand in an element or a quoted attribute.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
