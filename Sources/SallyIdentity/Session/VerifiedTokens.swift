// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
import Synchronization

/// Tokens whose signature was found good, by their SHA-256: a person's next request need not verify it again. It says
/// nothing of the session, whose row is read all the same.
final class VerifiedTokens: Sendable {
    struct Claims: Sendable {
        var session: OpaqueID
        var person: PersonID
        var issued: Timestamp
        var expires: Timestamp
    }

    static let capacity = 8192
    private let tokens = Mutex<[SHA256Digest: Claims]>([:])

    var count: Int { tokens.withLock { $0.count } }

    func claims(of digest: SHA256Digest) -> Claims? { tokens.withLock { $0[digest] } }

    /// When there is no room the tokens that end first make it: half of all.
    func keep(_ claims: Claims, of digest: SHA256Digest) {
        tokens.withLock { tokens in
            if tokens.count >= VerifiedTokens.capacity {
                let ends = tokens.values.map(\.expires).sorted()
                let middle = ends[ends.count / 2]
                tokens = tokens.filter { $0.value.expires > middle }
            }
            tokens[digest] = claims
        }
    }
}
