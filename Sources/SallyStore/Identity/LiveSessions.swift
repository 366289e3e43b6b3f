// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyIdentity
import SallyModel
import Synchronization

/// Sessions that were found live, for as long as nothing at all has been committed since, by any process: what was revoked a
/// moment ago is not among them. One for each connection, because SQLite counts by connection what others have committed
/// (sqlite.org/pragma.html, data_version).
final class LiveSessions: Sendable {
    static let capacity = 8192

    private struct State {
        var version: Int64?
        var found: [OpaqueID: Found] = [:]
    }

    private struct Found {
        var live: LiveSession
        var expires: Timestamp
    }

    private let state = Mutex(State())

    /// - Precondition: `transaction` is of the connection whose sessions these are, which commits nothing itself.
    func live(_ session: OpaqueID, _ transaction: StoreTransaction) throws -> LiveSession? {
        // Before the row is read: what is committed between the two counts as later.
        let version = try Int64.fetchOne(transaction.connection.cachedStatement(sql: "PRAGMA data_version"))
        let known: Found? = state.withLock { state in
            guard let version, state.version == version else {
                state = State(version: version)
                return nil
            }
            return state.found[session]
        }
        if let known { return transaction.now < known.expires ? known.live : nil }
        guard let found = try transaction.liveSessionRow(session) else { return nil }
        state.withLock { state in
            guard version != nil, state.version == version else { return }
            if state.found.count >= LiveSessions.capacity { state.found = [:] }
            state.found[session] = Found(live: found.live, expires: found.expires)
        }
        return found.live
    }

    var count: Int { state.withLock { $0.found.count } }
}
