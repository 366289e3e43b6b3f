// SPDX-License-Identifier: Apache-2.0

import GRDB
import SallyModel
import SallyPolicy
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyStore

/// Counts the commits of a connection.
private final class CommitCounter: TransactionObserver {
    let commits = Mutex(0)
    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseDidCommit(_ db: GRDB.Database) { commits.withLock { $0 += 1 } }
    func databaseDidRollback(_ db: GRDB.Database) {}
}

/// Holds the writer's queue until it is let go, so that writes gather behind it.
private final class Latch: Sendable {
    private let isOpen = Mutex(false)
    func open() { isOpen.withLock { $0 = true } }
    func wait() { while !isOpen.withLock({ $0 }) { sched() } }
}

@Suite struct WriteQueueTests {
    @Test func aBodyThatThrowsTakesBackOnlyItself() async throws {
        try await withDatabase { database, _, _ in
            let counter = CommitCounter()
            let latch = Latch()
            database.pool.add(transactionObserver: counter)
            database.pool.asyncWriteWithoutTransaction { _ in latch.wait() }
            let ledger = DecisionWriter(database: database)
            let results = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        do {
                            _ = try await ledger.decide { transaction in
                                _ = try transaction.append(draft(number))
                                guard number != 4 else { throw SallyError(.denied, "no") }
                                return number
                            }
                            return true
                        } catch {
                            return (error as? SallyError)?.code != .denied
                        }
                    }
                }
                group.addTask {
                    try? await eventually("ten bodies wait") { database.waitingWrites == 10 }  // checked by the commits
                    latch.open()
                    return true
                }
                var results: [Bool] = []
                for await result in group { results.append(result) }
                return results
            }
            #expect(results.filter { !$0 }.count == 1)
            let page = try await AuditStore(database: database).page(AuditQuery())
            #expect(page.events.count == 9)
            #expect(!page.events.contains { $0.target == "job 4" })
            #expect(page.events.map(\.sequence) == (1...9).reversed())
            #expect(counter.commits.withLock { $0 } == 1)
            let report = try await AuditStore(database: database).verifyChain(
                AuditEvidence(mints: [], heads: [], serviceReads: 0, head: nil, publicKey: nil))
            #expect(report.isGood)
        }
    }

    /// As a full disk does it: the whole transaction is gone, and the others are run again.
    @Test func aBodyThatEndsTheTransactionTakesBackOnlyItself() async throws {
        try await withDatabase { database, _, _ in
            let latch = Latch()
            database.pool.asyncWriteWithoutTransaction { _ in latch.wait() }
            let store = AuditStore(database: database)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<4 { group.addTask { try await store.append(draft(number)).sequence > 0 } }
                group.addTask {
                    await code {
                        try await database.write { transaction in
                            _ = try transaction.append(draft(9))
                            try transaction.connection.execute(sql: "ROLLBACK")
                        }
                    } != nil
                }
                try await eventually("five bodies wait") { database.waitingWrites == 5 }
                latch.open()
                for try await isRight in group { #expect(isRight) }
            }
            let events = try await store.page(AuditQuery()).events
            #expect(events.map(\.sequence) == [4, 3, 2, 1])
            #expect(Set(events.map(\.target)) == ["job 0", "job 1", "job 2", "job 3"])
        }
    }

    @Test func aCallerThatIsCancelledDoesNotTakeItsOutcomeBack() async throws {
        try await withDatabase { database, _, _ in
            let latch = Latch()
            database.pool.asyncWriteWithoutTransaction { _ in latch.wait() }
            let store = AuditStore(database: database)
            let wasCancelled = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        _ = try await store.append(draft(1))
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                try? await eventually("the write waits") { database.waitingWrites == 1 }  // else the next lines fail
                group.cancelAll()
                return await group.next() ?? false
            }
            #expect(wasCancelled)
            latch.open()
            try await eventually("the write is there") { try await store.head()?.sequence == 1 }
        }
    }

    @Test func aDecisionOfACancelledCallerIsNotBegun() async throws {
        try await withDatabase { database, _, _ in
            let ledger = DecisionWriter(database: database)
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        _ = try await ledger.decide { try $0.append(draft(1)) }
                    }
                }
            }
            let head = try await AuditStore(database: database).head()
            #expect(head == nil)
        }
    }

    @Test func tooManyWaitingAreRefused() async throws {
        try await withDatabase(settings: .patient(waitingLimit: 2)) { database, _, _ in
            let latch = Latch()
            database.pool.asyncWriteWithoutTransaction { _ in latch.wait() }
            let store = AuditStore(database: database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2 { group.addTask { _ = try await store.append(draft(number)) } }
                try await eventually("two wait") { database.waitingWrites == 2 }
                #expect(await code { _ = try await store.append(draft(9)) } == .unavailable)
                latch.open()
                try await group.waitForAll()
            }
            #expect(try await store.head()?.sequence == 2)
        }
    }

    @Test func whatWaitedTooLongIsNotRun() async throws {
        try await withDatabase(settings: DatabaseSettings(waitLimit: .zero)) { database, _, _ in
            let store = AuditStore(database: database)
            #expect(await code { _ = try await store.append(draft(1)) } == .unavailable)
            let head = try await store.head()
            #expect(head == nil)
        }
    }

    /// Nobody waits for what is posted: it is written however late its turn comes, where what somebody waits for is refused.
    @Test func whatIsPostedIsNeverLate() async throws {
        try await withDatabase(settings: DatabaseSettings(waitLimit: .milliseconds(1))) { database, _, _ in
            let latch = Latch()
            let failures = Mutex(0)
            database.pool.asyncWriteWithoutTransaction { _ in latch.wait() }
            let store = AuditStore(database: database)
            database.post({ _ = try $0.append(draft(1)) }, failed: { _ in failures.withLock { $0 += 1 } })
            try await withThrowingTaskGroup(of: SallyError.Code?.self) { group in
                group.addTask { await code { _ = try await store.append(draft(2)) } }
                try await eventually("both wait") { database.waitingWrites == 2 }
                // Past the limit of what came last.
                try await Task.sleep(for: .milliseconds(10))
                latch.open()
                let refusal: SallyError.Code? = try await group.next() ?? nil
                #expect(refusal == .unavailable)
            }
            try await eventually("the posted one is written") {
                let isWritten = try await store.head()?.sequence == 1
                return isWritten || failures.withLock { $0 } > 0
            }
            #expect(failures.withLock { $0 } == 0)
            #expect(try await store.page(AuditQuery()).events.map(\.target) == ["job 1"])
        }
    }

    @Test func anotherProcessThatHoldsTheFileIsWaitedForOnlySoLong() async throws {
        try await withDatabase(settings: .patient(busyLimit: .milliseconds(50))) { database, _, path in
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let store = AuditStore(database: database)
            #expect(await code { _ = try await store.append(draft(1)) } == .unavailable)
            try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
            #expect(try await store.append(draft(1)).sequence == 1)
            try other.close()
        }
    }

    /// The limit is longer than any test: only company can have brought the first write about.
    @Test func aWriteThatIsInNoHasteGoesWithTheNext() async throws {
        try await withDatabase(settings: .patient(companyLimit: .seconds(300))) { database, _, _ in
            let counter = CommitCounter()
            database.pool.add(transactionObserver: counter)
            let store = AuditStore(database: database)
            try await withThrowingTaskGroup(of: Int64.self) { group in
                group.addTask { try await database.write(.withNext) { try $0.append(draft(1)).sequence } }
                try await eventually("the write waits") { database.waitingWrites == 1 }
                #expect(try await store.head() == nil)
                #expect(try await store.append(draft(2)).sequence == 2)
                #expect(try await group.next() == 1)
            }
            #expect(counter.commits.withLock { $0 } == 1)
        }
    }

    @Test func aWriteWithoutCompanyIsWrittenAllTheSame() async throws {
        try await withDatabase { database, _, _ in
            for number in 1...3 {
                let written = try await database.write(.withNext) { try $0.append(draft(number)) }
                #expect(written.sequence == Int64(number))
            }
        }
    }

    @Test func closingDoesNotWaitForCompany() async throws {
        try await withDatabase(settings: .patient(companyLimit: .seconds(300))) { database, _, _ in
            try await withThrowingTaskGroup(of: Int64.self) { group in
                group.addTask { try await database.write(.withNext) { try $0.append(draft(1)).sequence } }
                try await eventually("the write waits") { database.waitingWrites == 1 }
                try database.close()
                #expect(try await group.next() == 1)
            }
        }
    }
}
