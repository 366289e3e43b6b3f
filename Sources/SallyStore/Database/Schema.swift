// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyModel

/// The numbered migrations. Append only: one that was released is never changed.
enum Schema {
    struct Migration: Sendable {
        let version: Int64
        let statements: [String]
    }

    static let migrations: [Migration] = [
        Migration(version: 1, statements: firstTables + firstGuards),
        // The browser that opened a sign-in; NULL until one has.
        Migration(version: 2, statements: ["ALTER TABLE pending_sign_ins ADD COLUMN browser_hash TEXT"]),
        Migration(version: 3, statements: keysPerOperation),
        Migration(version: 4, statements: turns),
        // What was told as the hint of a refusal, which is the answer to its key for a day.
        Migration(version: 5, statements: ["ALTER TABLE submissions ADD COLUMN slurm_advice TEXT"]),
    ]

    static var newest: Int64 { migrations.map(\.version).max() ?? 0 }

    /// Applies what is missing, in one transaction. Two processes that start at once do it once.
    /// - Throws: `SallyError(.misconfigured)` when the file has the schema of a newer version.
    static func migrate(_ pool: DatabasePool, clock: any WallClock) throws {
        try pool.writeWithoutTransaction { connection in
            try connection.inTransaction(.immediate) {
                let transaction = StoreTransaction(connection: connection, now: clock.now)
                try transaction.execute(
                    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL)")
                let found = try transaction.row("SELECT MAX(version) AS version FROM schema_version")
                let current = found?.integerIfAny("version") ?? 0
                guard current <= newest else {
                    throw SallyError(
                        .misconfigured,
                        "the database has schema \(current), made by a newer version; this one knows up to \(newest)",
                        hint: "run the newer sallyd, or restore the backup made before the upgrade")
                }
                for migration in migrations where migration.version > current {
                    for statement in migration.statements { try connection.execute(sql: statement) }
                    try transaction.execute(
                        "INSERT INTO schema_version (version, applied) VALUES (?, ?)",
                        [.integer(migration.version), .integer(transaction.now.rawValue)])
                }
                return .commit
            }
        }
    }
}
