// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyIdentity
package import SallyModel
import Synchronization

/// The database of a gateway: one SQLite file in WAL mode, durable at every commit. Several processes may have it open.
package final class Database: Sendable {
    let pool: DatabasePool
    private let glances: Glances
    private let queue: WriteQueue
    private let clock: any WallClock

    /// Opens the file, or makes it, and brings its schema up to date. Blocks for the time of opening.
    ///
    /// - Throws: `SallyError(.misconfigured)` for a file or folder that others can reach, and for the schema of a newer
    ///   version; `SallyError(.unavailable)` when it cannot be opened.
    package init(path: String, settings: DatabaseSettings = DatabaseSettings(), clock: some WallClock) throws {
        self.clock = clock
        try DatabaseFile.prepare(path)
        var configuration = Configuration()
        configuration.label = "sallyport"
        configuration.foreignKeysEnabled = true
        let busy = settings.busyLimit.components
        configuration.busyMode = .timeout(Double(busy.seconds) + Double(busy.attoseconds) / 1e18)
        configuration.maximumReaderCount = settings.readers
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            // After opening: GRDB sets NORMAL for WAL, after everything that a configuration can say (7.10.0,
            // Database.setUpWALMode). NORMAL would lose commits at a power failure.
            // In memory: what a savepoint needs to be taken back would be a new file each time.
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = FULL")
                try $0.execute(sql: "PRAGMA temp_store = MEMORY")
                try $0.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            }
            try Schema.migrate(pool, clock: clock)
            configuration.readonly = true
            glances = try Glances(path: path, configuration: configuration)
        } catch {
            throw storeError(error)
        }
        queue = WriteQueue(pool: pool, clock: clock, limits: settings)
    }

    /// Runs `body` in one durable transaction, together with others that wait. `body` may be run again and does no other
    /// input or output. A cancelled caller stops waiting; the outcome stands.
    func write<Result: Sendable>(
        _ haste: WriteQueue.Haste = .now, _ body: @Sendable @escaping (StoreTransaction) throws -> Result
    ) async throws -> Result {
        try await queue.run(haste, body)
    }

    /// Queues `body` for a durable transaction behind everything queued before, and returns. Nobody waits for it: it goes along
    /// with what comes next, if something does, and who has to know of a failure is told by `failed`.
    func post(
        _ body: @Sendable @escaping (StoreTransaction) throws -> Void, failed: @Sendable @escaping (any Error) -> Void
    ) {
        queue.post(body, failed: failed)
    }

    /// How many writes wait for their turn now.
    package var waitingWrites: Int { queue.waitingCount }

    /// Runs `body` on a connection for reading, in a transaction that sees everything committed before it began, by any
    /// process.
    func read<Result: Sendable>(
        _ body: @Sendable @escaping (StoreTransaction) throws -> Result
    ) async throws -> Result {
        let clock = clock
        do {
            return try await pool.read { try body(StoreTransaction(connection: $0, now: clock.now)) }
        } catch {
            throw storeError(error)
        }
    }

    /// Runs `body`, one statement that finds a row or a few by a key, on a connection for reading and on the calling
    /// thread. In WAL mode a reader waits for no writer, and what is found by key is in the page cache: to change the thread
    /// would cost more than to read.
    func glance<Result>(_ body: (StoreTransaction) throws -> Result) throws -> Result {
        do {
            return try glances.take { glance in
                try glance.queue.unsafeReentrantRead { try body(StoreTransaction(connection: $0, now: clock.now)) }
            }
        } catch {
            throw storeError(error)
        }
    }

    /// The session with its person, if it is live now, on the disk. Every request asks for it, most of them while nothing has
    /// changed.
    func liveSession(_ session: OpaqueID) throws -> LiveSession? {
        do {
            return try glances.take { glance in
                try glance.queue.unsafeReentrantRead {
                    try glance.sessions.live(session, StoreTransaction(connection: $0, now: clock.now))
                }
            }
        } catch {
            throw storeError(error)
        }
    }

    /// Writes what waits, takes nothing more and closes the file.
    package func close() throws {
        queue.close()
        do {
            try glances.close()
            try pool.close()
        } catch {
            throw storeError(error)
        }
    }
}

/// Connections for `glance` alone, so that no long read is ever in its way, and no glance in that of another.
private final class Glances: Sendable {
    final class Glance: Sendable {
        let queue: DatabaseQueue
        let sessions = LiveSessions()
        fileprivate let isTaken = Atomic(false)

        init(_ queue: DatabaseQueue) { self.queue = queue }
    }

    /// As many as threads ask at once, on most machines.
    private static let count = 4

    private let connections: [Glance]
    private let turn = Atomic(0)

    init(path: String, configuration: Configuration) throws {
        connections = try (0..<Glances.count).map { _ in
            Glance(try DatabaseQueue(path: path, configuration: configuration))
        }
    }

    /// Runs `body` with one that nobody has, or where all are taken, in line for the next in turn.
    func take<Result>(_ body: (Glance) throws -> Result) rethrows -> Result {
        for glance in connections {
            guard glance.isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
                continue
            }
            defer { glance.isTaken.store(false, ordering: .releasing) }
            return try body(glance)
        }
        return try body(connections[turn.wrappingAdd(1, ordering: .relaxed).newValue & (Glances.count - 1)])
    }

    func close() throws { for connection in connections { try connection.queue.close() } }
}
