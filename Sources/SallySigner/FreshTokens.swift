// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// Tokens that were signed a moment ago, to be handed out again for the same name, uid and purpose.
///
/// An RS256 signature costs more than a millisecond; a person who submits many jobs at once needs one of them for all. Every
/// rule is checked and every mint recorded all the same, and a token that is handed out again ends no later than it said.
struct FreshTokens {
    struct Key: Hashable {
        var cluster: ClusterName
        var user: UserName
        var uid: UserID
        var purpose: MintPurpose
    }

    /// How old a token may be that is handed out again, in seconds.
    static let age: Int64 = 3
    private static let most = 1024

    private var tokens: [Key: (token: MintedToken, made: Timestamp)] = [:]

    func token(_ key: Key, at now: Timestamp) -> MintedToken? {
        guard let kept = tokens[key], now >= kept.made, now.rawValue - kept.made.rawValue < FreshTokens.age,
            now < kept.token.expires
        else { return nil }
        return kept.token
    }

    mutating func keep(_ token: MintedToken, _ key: Key, at now: Timestamp) {
        if tokens.count >= FreshTokens.most {
            tokens = tokens.filter { now.rawValue - $0.value.made.rawValue < FreshTokens.age }
        }
        guard tokens.count < FreshTokens.most else { return }
        tokens[key] = (token, now)
    }

    mutating func forget(_ user: UserName) {
        tokens = tokens.filter { $0.key.user != user }
    }
}
