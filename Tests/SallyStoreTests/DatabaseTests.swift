// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyModel
import SallyPolicy
import SallyTestSupport
import Testing

@testable import SallyStore

@Suite struct DatabaseTests {
    @Test func everyCommitIsDurable() async throws {
        try await withDatabase { database, _, _ in
            let pragmas = try await database.write { transaction in
                try ["synchronous", "foreign_keys"].map { name in
                    try Int.fetchOne(transaction.connection, sql: "PRAGMA \(name)")
                }
            }
            // 2 is FULL.
            #expect(pragmas == [2, 1])
            let mode = try await database.write { try String.fetchOne($0.connection, sql: "PRAGMA journal_mode") }
            #expect(mode == "wal")
        }
    }

    @Test func filesAreTheirOwnersAlone() async throws {
        try await withDatabase { database, _, path in
            _ = try await AuditStore(database: database).append(draft(1))
            for suffix in ["", "-wal", "-shm"] { #expect(permissions(of: path + suffix) == 0o600) }
        }
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o644] as [UInt32])
    func aFileOpenToOthersIsRefused(mode: UInt32) async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/store.db", "", mode: mode)
            #expect(
                await code { _ = try SallyStore.Database(path: "\(folder)/store.db", clock: TestClock()) }
                    == .misconfigured)
        }
    }

    @Test func aWriteAheadLogOpenToOthersIsRefused() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/store.db", "", mode: 0o600)
            try writeFile("\(folder)/store.db-wal", "", mode: 0o644)
            #expect(
                await code { _ = try SallyStore.Database(path: "\(folder)/store.db", clock: TestClock()) }
                    == .misconfigured)
        }
    }

    @Test(arguments: ["store.db", "/store.db", ""])
    func aPathWithoutFolderIsRefused(path: String) async {
        #expect(await code { _ = try SallyStore.Database(path: path, clock: TestClock()) } == .misconfigured)
    }

    @Test func aLinkIsNotFollowed() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/real.db", "", mode: 0o600)
            try #require(symlinkExists(from: "\(folder)/store.db", to: "\(folder)/real.db"))
            #expect(
                await code { _ = try SallyStore.Database(path: "\(folder)/store.db", clock: TestClock()) }
                    == .misconfigured)
        }
    }

    @Test func aFolderThatOthersWriteIsRefused() async throws {
        try await withScratchFolder { folder in
            try #require(makeFolder("\(folder)/open", mode: 0o777))
            #expect(
                await code { _ = try SallyStore.Database(path: "\(folder)/open/store.db", clock: TestClock()) }
                    == .misconfigured)
        }
    }

    @Test func somethingThatIsNoDatabaseIsRefused() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/store.db", String(repeating: "not a database ", count: 100))
            #expect(await code { _ = try SallyStore.Database(path: "\(folder)/store.db", clock: TestClock()) } != nil)
        }
    }

    @Test func aNewerSchemaIsRefused() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/store.db"
            try SallyStore.Database(path: path, clock: TestClock()).close()
            try tamper(path, "INSERT INTO schema_version (version, applied) VALUES (\(Schema.newest + 1), 0)")
            do {
                _ = try SallyStore.Database(path: path, clock: TestClock())
                Issue.record("opened a newer schema")
            } catch let error as SallyError {
                #expect(error.code == .misconfigured)
                #expect(error.message.contains("newer version"))
            }
        }
    }

    @Test func openingAgainKeepsWhatIsThere() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/store.db"
            let first = try SallyStore.Database(path: path, clock: TestClock())
            let position = try await AuditStore(database: first).append(draft(1))
            try first.close()
            let second = try SallyStore.Database(path: path, clock: TestClock())
            #expect(try await AuditStore(database: second).head() == position)
            try second.close()
        }
    }

    /// Who glances has a connection that nobody else has, and gives it back, whatever happens.
    @Test func aGlanceIsInNobodysWay() async throws {
        try await withDatabase { database, _, _ in
            func own(_ body: (ObjectIdentifier) throws -> Void) throws {
                try database.glance { try body(ObjectIdentifier($0.connection)) }
            }
            struct Odd: Error {}
            var seen: [ObjectIdentifier] = []
            for _ in 1...3 {
                try own { one in
                    try own { two in
                        try own { three in
                            try own { four in
                                #expect(Set([one, two, three, four]).count == 4)
                                seen.append(one)
                                // All are taken: one of them is waited for, here without end but for the thread's own.
                                try own { five in #expect([one, two, three, four].contains(five)) }
                            }
                        }
                    }
                }
                #expect(throws: (any Error).self) { try own { _ in throw Odd() } }
            }
            #expect(Set(seen).count == 1)
        }
    }

    @Test func aClosedDatabaseTakesNothing() async throws {
        try await withScratchFolder { folder in
            let database = try SallyStore.Database(path: "\(folder)/store.db", clock: TestClock())
            try database.close()
            #expect(await code { _ = try await AuditStore(database: database).append(draft(1)) } == .unavailable)
        }
    }

    @Test func migrationsAreNumberedWithoutGap() {
        #expect(Schema.migrations.map(\.version) == Array(1...Schema.newest))
    }
}
