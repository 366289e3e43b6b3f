// SPDX-License-Identifier: Apache-2.0

package import SallyIdentity

/// Sign-in from the first page to the session. SallyIdentity's `SignInService` is it.
package protocol SignInFlow: Sendable {
    func begin(_ request: SignInRequest) async throws -> OpenedSignIn
    /// Where a browser goes that opened the page of a sign-in.
    func page(state: String?, browser: BrowserKey?) async throws -> OpenedPage
    func callback(_ parameters: CallbackParameters) async throws -> CallbackOutcome
    func redeem(code: String, verifier: String) async throws -> SessionGrant
}

extension SignInService: SignInFlow {}
