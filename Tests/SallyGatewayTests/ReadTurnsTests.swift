// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import Testing

@testable import SallyGateway

/// One person's questions to accounting take no turn of anybody else's.
@Suite struct ReadTurnsTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")
    private static let carol = UserName(unchecked: "carol")

    @Test func onePersonHasOneTurn() {
        let (turns, bell) = (ReadTurns(most: 2), Doorbell())
        #expect(turns.take(Self.alice, Doorbell()))
        #expect(!turns.take(Self.alice, bell) && !turns.take(Self.alice, bell))
        #expect(turns.waits == 1)
        #expect(turns.take(Self.bob, Doorbell()), "a turn that is free is nobody's to wait for")
        #expect(!bell.isRung)
        turns.end(Self.alice)
        #expect(bell.isRung)
        #expect(turns.take(Self.alice, bell) && turns.waits == 0)
    }

    @Test func aFewHaveTurns() {
        let (turns, bell) = (ReadTurns(most: 2), Doorbell())
        #expect(turns.take(Self.alice, Doorbell()) && turns.take(Self.bob, Doorbell()))
        #expect(!turns.take(Self.carol, bell))
        turns.end(Self.bob)
        #expect(bell.isRung)
        #expect(!turns.take(Self.bob, Doorbell()), "carol was there before")
        #expect(turns.take(Self.carol, bell))
    }

    @Test func whoeverHadATurnComesAfterTheOthers() {
        let turns = ReadTurns(most: 1)
        let (hers, his) = ((0..<100).map { _ in Doorbell() }, Doorbell())
        #expect(turns.take(Self.alice, Doorbell()))
        for bell in hers { #expect(!turns.take(Self.alice, bell)) }
        #expect(!turns.take(Self.bob, his))
        turns.end(Self.alice)
        #expect(his.isRung && !hers.contains(where: \.isRung))
        #expect(!turns.take(Self.alice, hers[0]), "his turn is kept for him")
        #expect(turns.take(Self.bob, his))
        turns.end(Self.bob)
        #expect(hers.count(where: \.isRung) == 1)
        #expect(turns.take(Self.alice, hers[0]) && turns.waits == 99)
    }

    /// Who was called and hung up keeps nobody waiting.
    @Test func whoLeavesMakesRoom() {
        let (turns, first, second, third) = (ReadTurns(most: 1), Doorbell(), Doorbell(), Doorbell())
        #expect(turns.take(Self.alice, Doorbell()))
        #expect(!turns.take(Self.bob, first) && !turns.take(Self.bob, second) && !turns.take(Self.carol, third))
        turns.end(Self.alice)
        #expect(first.isRung && !second.isRung && !third.isRung)
        turns.leave(Self.bob, first)
        #expect(second.isRung && !third.isRung)
        turns.leave(Self.bob, second)
        #expect(third.isRung && turns.waits == 1)
        #expect(turns.take(Self.carol, third))
    }

    private static func cache(_ world: World, _ turns: ReadTurns = ReadTurns()) -> FinishedJobsCache {
        FinishedJobsCache(
            cluster: World.name, queue: world.queue, access: world.cluster.access, turns: turns, life: .seconds(3600))
    }

    private static func question(_ user: UserName, _ since: Int64) -> FinishedJobs {
        FinishedJobs(user: user, job: nil, since: Timestamp(since), limit: 1000)
    }

    @Test func onePersonsQuestionsAreAskedOneByOne() async throws {
        try await withWorld { world, _ in
            let (cache, latch) = (Self.cache(world), Latch())
            world.queue.change { $0.blocksFinished = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                for since in Int64(0)..<100 {
                    group.addTask { _ = try await cache.listing(Self.question(Self.alice, since)) }
                }
                try await eventually("the others wait") { cache.waits == 99 }
                #expect(world.queue.now.accountingReads == 1)
                group.addTask { _ = try await cache.listing(Self.question(Self.bob, 0)) }
                try await eventually("another's is asked") { world.queue.now.accountingReads == 2 }
                #expect(world.queue.now.asked.last?.user == Self.bob)
                latch.open()
                try await group.waitForAll()
            }
            #expect(world.queue.now.accountingReads == 101 && cache.waits == 0)
        }
    }

    @Test func aFewPeoplesQuestionsAreAskedAtOnce() async throws {
        try await withWorld { world, _ in
            let (cache, latch) = (Self.cache(world, ReadTurns(most: 2)), Latch())
            world.queue.change { $0.blocksFinished = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                for user in [Self.alice, Self.bob, Self.carol] {
                    group.addTask { _ = try await cache.listing(Self.question(user, 0)) }
                }
                try await eventually("two are asked") { world.queue.now.accountingReads == 2 && cache.waits == 1 }
                latch.open()
                try await group.waitForAll()
            }
            #expect(world.queue.now.accountingReads == 3)
        }
    }

    @Test func whoHangsUpKeepsNoPlace() async throws {
        try await withWorld { world, _ in
            let (cache, latch) = (Self.cache(world), Latch())
            world.queue.change { $0.blocksFinished = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                group.addTask { _ = try await cache.listing(Self.question(Self.alice, 0)) }
                try await eventually("the first is asked") { world.queue.now.accountingReads == 1 }
                // For a turn, and for what is being asked.
                for since in Int64(0)..<2 {
                    try await withThrowingTaskGroup(of: Void.self) { leaving in
                        leaving.addTask { _ = try? await cache.listing(Self.question(Self.alice, since)) }  // cancelled
                        try await eventually("it waits") { cache.waits == 1 }
                        leaving.cancelAll()
                    }
                    #expect(cache.waits == 0)
                }
                group.addTask { _ = try await cache.listing(Self.question(Self.alice, 2)) }
                try await eventually("the last waits") { cache.waits == 1 }
                latch.open()
                try await group.waitForAll()
            }
            #expect(world.queue.now.asked.map(\.since) == [Timestamp(0), Timestamp(2)])
        }
    }

    /// Somebody who asks in slurmrestd's words and in ours has one turn for both.
    @Test func bothWaysOfAskingShareTheTurns() async throws {
        try await withWorld { world, _ in
            let (turns, latch) = (ReadTurns(), Latch())
            let cache = Self.cache(world, turns)
            let listings = FrontListings(
                cluster: World.name, lister: world.queue, access: world.cluster.access, clock: world.clock, turns: turns
            )
            world.queue.change { $0.blocksLists = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                group.addTask { _ = try await listings.read(.jobs(of: Self.alice, since: Timestamp(0))) }
                try await eventually("the first is read") { world.queue.now.listed.count == 1 }
                group.addTask { _ = try await cache.listing(Self.question(Self.alice, 0)) }
                try await eventually("the second waits") { cache.waits == 1 }
                #expect(world.queue.now.accountingReads == 0)
                latch.open()
                try await group.waitForAll()
            }
            #expect(world.queue.now.accountingReads == 1)
        }
    }
}
