// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel
package import SallySocket

/// Who is told of accounts that exist, and of names that are to get no token: the signer, over its steward socket.
package protocol AccountRegistry: Sendable {
    /// - Throws: `SallyError` when the account is not written down; no token would be minted for it.
    func register(_ account: ManagedAccount) async throws
    /// No token for `user` from now on, on any cluster.
    func deny(_ user: UserName) async throws
    /// No token for the account on that cluster until it is registered again.
    func withdraw(_ user: UserName, on cluster: ClusterName) async throws
}

extension SignerClient: AccountRegistry {}
