// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyIdentity
import SallyModel
import SallyWire

/// The pages of a sign-in, for browsers: they redirect, name who asks and show the code or the way on, or say what went
/// wrong.
struct SignInRoutes: Sendable {
    let flow: (any SignInFlow)?
    let cookie: SignInCookie

    /// - Parameter publicURL: where browsers find the gateway.
    init(flow: (any SignInFlow)?, publicURL: String) {
        self.flow = flow
        cookie = SignInCookie(publicURL: publicURL)
    }

    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.get("/sign-in", use: open)
        routes.get("/sign-in/callback", use: callback)
    }

    @Sendable private func open(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await page(context) {
            let opening = try await required().page(state: request.query("request"), browser: cookie.read(request))
            var response = redirect(opening.url)
            response.headers[.setCookie] = cookie.setting(opening.browser)
            return response
        }
    }

    @Sendable private func callback(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await page(context) {
            let outcome = try await required().callback(
                CallbackParameters(
                    state: request.query("state"), code: request.query("code"), issuer: request.query("iss"),
                    error: request.query("error"), browser: cookie.read(request)))
            switch outcome {
            case .redirect(let url): return redirect(url)
            case .page(let page): return SignInPages.last(page, browser: "\(context.client)")
            }
        }
    }

    /// Errors as a page: a browser is at the other end. What is our fault still goes to the log with its cause.
    private func page(
        _ context: GatewayContext, _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await body()
        } catch let error as SallyError where error.code != .internal && error.code != .misconfigured {
            return SignInPages.failure(error, request: context.requestID)
        }
    }

    private func redirect(_ url: String) -> Response {
        Response(status: .found, headers: [.location: url, .cacheControl: "no-store"])
    }

    private func required() throws -> any SignInFlow {
        guard let flow else {
            throw SallyError(.unsupported, "no identity provider is configured", hint: "ask the administrator")
        }
        return flow
    }
}
