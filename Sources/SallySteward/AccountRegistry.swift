// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallySocket

/// Who is told of accounts that exist: the signer, over its steward socket.
package protocol AccountRegistry: Sendable {
    /// - Throws: `SallyError` when the account is not written down; no token would be minted for it.
    func register(_ account: ManagedAccount) async throws
}

extension SignerClient: AccountRegistry {}
