// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyIdentity
import SallyModel

/// The few pages of a sign-in. No script, nothing loaded from anywhere.
enum SignInPages {
    /// The code to be typed, and who asked for it.
    static func code(_ page: CodePage) -> Response {
        render(
            title: "Your sign-in code", status: .ok,
            body: """
                <p>You are signed in as <strong>\(escaped(page.user.rawValue))</strong>. Type this code where you began:</p>
                <p class="code" aria-label="code">\(escaped(page.code))</p>
                <p>It was asked for by <strong>\(escaped(page.client))</strong> and is good until \
                \(escaped(page.expires.description)), once.</p>
                <p>If you did not begin this sign-in yourself, close this page and give the code to nobody.</p>
                """)
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
