// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel
package import SallySocket

/// What the gateway asks of the signer. `SignerClient` is it.
package protocol TokenMinter: Sendable {
    func mint(_ request: MintRequest) async throws -> MintedToken
    func mintService(_ request: MintServiceRequest) async throws -> MintedToken
    func deny(_ user: UserName) async throws
    func countersign(_ position: AuditPosition) async throws -> Countersignature
    func records(after: Int64, limit: Int) async throws -> SignerRecords
    func health() async throws -> KeeperHealth
}

/// What the gateway asks of the steward. `StewardClient` is it.
package protocol AccountKeeper: Sendable {
    func ensure(_ request: EnsureRequest) async throws -> EnsuredAccount
    func lock(_ request: LockRequest) async throws -> KeeperReport
    func readOutput(_ request: ReadOutputRequest) async throws -> OutputPiece
    func outputRecords(after: Int64, limit: Int) async throws -> [OutputRecord]
    func health() async throws -> KeeperHealth
}

extension SignerClient: TokenMinter {}
extension StewardClient: AccountKeeper {}
