// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Turns at changing jobs, and the changes that may still arrive, of all gateways on one database.
///
/// A turn is a lease: it outlives its holder by so much that nothing which the holder may have sent can come after it, but for
/// what the clocks are apart. So a lease that was not given back is to the next one what a lost answer is.
package struct UpdateTurnStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// How long it is remembered that an answer was lost, where nobody changes the job again: no cluster whose clock is wrong by
    /// more takes any token.
    package static let memory = Duration.seconds(24 * 3600)

    /// Takes the turn at a job, unless another has it. Durable when it returns, and also when the caller is cancelled
    /// meanwhile: who does not know whether it was taken gives it back.
    ///
    /// - Parameters:
    ///   - holder: of this turn alone.
    ///   - lease: from now on. Every token that the holder may ask for has to end before.
    /// - Returns: nil while another has it.
    package func take(
        _ job: JobID, cluster: ClusterName, holder: OpaqueID, lease: Duration
    ) async throws -> TakenTurn? {
        try await database.write { transaction in
            let found = try transaction.turn(job, cluster)
            if let found, found.isHeld(at: transaction.now) { return nil }
            let tokenEnds = [found?.leaseEnds, found?.tokenEnds].compactMap { $0 }.max()
            try transaction.execute(
                """
                INSERT INTO update_turns (cluster, job, holder, lease_ends, token_ends) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (cluster, job) DO UPDATE SET
                holder = excluded.holder, lease_ends = excluded.lease_ends, token_ends = excluded.token_ends
                """,
                [
                    .text(cluster.rawValue), .integer(Int64(job.rawValue)), .text(holder.rawValue),
                    .integer((transaction.now + lease).rawValue), .integer(tokenEnds?.rawValue),
                ])
            return TakenTurn(since: transaction.now, tokenEnds: tokenEnds)
        }
    }

    /// Whether nobody has the turn now. Waits for no writer.
    package func isFree(_ job: JobID, cluster: ClusterName) throws -> Bool {
        try database.glance { try $0.turn(job, cluster)?.isHeld(at: $0.now) != true }
    }

    /// Ends `holder`'s turn; where it has none, nothing happens. Queued when it returns, before everything that is written
    /// after it; until it is durable the lease stands, which says no less.
    ///
    /// - Parameter failed: it was not written: the turn ends with its lease.
    package func giveBack(
        _ job: JobID, cluster: ClusterName, holder: OpaqueID, _ end: TurnEnd,
        failed: @Sendable @escaping (any Error) -> Void
    ) {
        let key: [SQLValue] = [.text(cluster.rawValue), .integer(Int64(job.rawValue))]
        let isHolders = "WHERE cluster = ? AND job = ? AND holder = ?"
        database.post(
            { transaction in
                switch end {
                case .unused:
                    try transaction.execute(
                        "UPDATE update_turns SET holder = NULL, lease_ends = NULL \(isHolders)",
                        key + [.text(holder.rawValue)])
                    try transaction.execute(
                        """
                        DELETE FROM update_turns
                        WHERE cluster = ? AND job = ? AND holder IS NULL AND token_ends IS NULL
                        """, key)
                case .used(tokenEnds: nil):
                    try transaction.execute("DELETE FROM update_turns \(isHolders)", key + [.text(holder.rawValue)])
                case .used(tokenEnds: let tokenEnds?):
                    try transaction.execute(
                        "UPDATE update_turns SET holder = NULL, lease_ends = NULL, token_ends = ? \(isHolders)",
                        [.integer(tokenEnds.rawValue)] + key + [.text(holder.rawValue)])
                    try transaction.forgetOldTurns()
                }
            }, failed: failed)
    }
}

/// A turn that was taken.
package struct TakenTurn: Sendable, Equatable {
    /// The lease is counted from it.
    package let since: Timestamp
    /// When the last token ends with which earlier changes of the job may still reach Slurm; nil where nothing is open.
    package let tokenEnds: Timestamp?

    package init(since: Timestamp, tokenEnds: Timestamp?) {
        self.since = since
        self.tokenEnds = tokenEnds
    }
}

/// How a turn ended.
package enum TurnEnd: Sendable, Equatable {
    /// Nothing was sent: what was open before still is.
    case unused
    /// Until then, by its token, what is open may reach Slurm; nil where nothing is open, of the changes before neither.
    case used(tokenEnds: Timestamp?)
}

private struct StoredTurn {
    var leaseEnds: Timestamp?
    var tokenEnds: Timestamp?

    func isHeld(at now: Timestamp) -> Bool { leaseEnds.map { $0 > now } ?? false }
}

extension StoreTransaction {
    fileprivate func turn(_ job: JobID, _ cluster: ClusterName) throws -> StoredTurn? {
        try row(
            "SELECT lease_ends, token_ends FROM update_turns WHERE cluster = ? AND job = ?",
            [.text(cluster.rawValue), .integer(Int64(job.rawValue))]
        ).map { StoredTurn(leaseEnds: $0.timeIfAny("lease_ends"), tokenEnds: $0.timeIfAny("token_ends")) }
    }

    /// Few rows at any time, and looked through only when one stays.
    fileprivate func forgetOldTurns() throws {
        let old = SQLValue.integer((now - UpdateTurnStore.memory).rawValue)
        try execute(
            """
            DELETE FROM update_turns
            WHERE (lease_ends IS NULL OR lease_ends < ?) AND (token_ends IS NULL OR token_ends < ?)
            """, [old, old])
    }
}
