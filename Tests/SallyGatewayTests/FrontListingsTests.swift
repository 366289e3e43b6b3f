// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallyTestSupport
import SlurmClient
import SlurmModel
import StrictJSON
import Synchronization
import Testing

@testable import SallyGateway

/// What is kept of lists, and how often Slurm is asked for them.
@Suite struct FrontListingsTests {
    private static let alice = UserName(unchecked: "alice")
    private static let bob = UserName(unchecked: "bob")
    private static let job = SlurmListing.job(JobID(rawValue: 1)!, of: alice)  // a small number

    private static var settings: WorldSettings {
        var settings = WorldSettings()
        settings.before = { queue in
            queue.change { state in
                for (listing, noun) in [
                    (SlurmListing.users, SlurmNoun.user), (.accounts, .account), (.qos, .qos), (.nodes, .node),
                ] as [(SlurmListing, SlurmNoun)] {
                    state.records[listing] = (1...10).map { number in
                        var record = SlurmRecord(noun, version: APIVersion(rawValue: 42))
                        record["name"] = .text("name\(number)")
                        return record
                    }
                }
            }
        }
        return settings
    }

    private func listings(
        _ world: World, _ limits: FrontListings.Limits = .init(), turns: ReadTurns = ReadTurns()
    ) -> FrontListings {
        FrontListings(
            cluster: World.name, lister: world.queue, access: world.cluster.access, clock: world.clock, turns: turns,
            limits: limits)
    }

    @Test func whatIsKeptIsFoundByItsName() async throws {
        try await withWorld(Self.settings) { world, _ in
            let kept = try await listings(world).read(.users)
            #expect(kept.count == 10)
            #expect(kept.records(named: "name7").map { $0.text("name") } == ["name7"])
            #expect(kept.records(named: "name77").isEmpty && kept.records(named: "").isEmpty)
            #expect((0..<10).allSatisfy { kept.record($0)?.text("name") == "name\($0 + 1)" })
        }
    }

    @Test func aFewListsAreKept() async throws {
        try await withWorld(Self.settings) { world, _ in
            let listings = listings(world, FrontListings.Limits(count: 2))
            for listing in [SlurmListing.users, .accounts, .qos, .nodes] {
                _ = try await listings.read(listing)
                world.clock.advance(1)
            }
            #expect(listings.held.count == 2)
            // The newest are.
            _ = try await listings.read(.nodes)
            #expect(world.queue.now.listed == [.users, .accounts, .qos, .nodes])
            _ = try await listings.read(.users)
            #expect(world.queue.now.listed.count == 5)
        }
    }

    @Test func whatIsKeptIsBoundedInBytes() async throws {
        try await withWorld(Self.settings) { world, _ in
            let one = try await listings(world).read(.users).bytes
            #expect(one > 500)
            let listings = listings(world, FrontListings.Limits(bytes: one + one / 2))
            for listing in [SlurmListing.users, .accounts, .qos] {
                _ = try await listings.read(listing)
                #expect(listings.held.bytes <= one + one / 2)
            }
        }
    }

    /// Also what nobody asks for again.
    @Test func whatIsOldGoes() async throws {
        try await withWorld(Self.settings) { world, _ in
            let listings = listings(world)
            _ = try await listings.read(.users)
            listings.sweep()
            #expect(listings.held.count == 1 && listings.held.bytes > 0)
            world.clock.advance(15)
            listings.sweep()
            #expect(listings.held.count == 0 && listings.held.bytes == 0)
            // A clock that is set back makes nothing young.
            _ = try await listings.read(.users)
            world.clock.advance(-1000)
            _ = try await listings.read(.users)
            #expect(world.queue.now.listed.count == 3)
        }
    }

    @Test func aListThatIsTooLongIsRefused() async throws {
        try await withWorld(Self.settings) { world, _ in
            let listings = listings(world, FrontListings.Limits(largest: 500))
            let error = await #expect(throws: SallyError.self) { _ = try await listings.read(.users) }
            #expect(error?.code == .tooLarge && error?.slurm?.number == 7006)
            #expect(listings.held.count == 0)
        }
    }

    /// Whoever asks for many things at once waits for one after the other; others do not wait for that.
    @Test func onePersonsListsAreReadOneByOne() async throws {
        try await withWorld(Self.settings) { world, _ in
            let listings = listings(world)
            let latch = Latch()
            world.queue.change { $0.blocksLists = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                group.addTask { _ = try await listings.read(Self.job) }
                try await eventually("the first is read") { world.queue.now.listed.count == 1 }
                group.addTask { _ = try await listings.read(.jobs(of: Self.alice, since: Timestamp(0))) }
                try await eventually("the second waits") { listings.waits == 1 }
                group.addTask { _ = try await listings.read(.jobs(of: Self.bob, since: Timestamp(0))) }
                try await eventually("another's is read") { world.queue.now.listed.count == 2 }
                #expect(world.queue.now.listed.last == .jobs(of: Self.bob, since: Timestamp(0)))
                latch.open()
                try await group.waitForAll()
            }
            #expect(world.queue.now.listed.count == 3 && listings.waits == 0)
        }
    }

    @Test func aFewPeoplesListsAreReadAtOnce() async throws {
        try await withWorld(Self.settings) { world, _ in
            let listings = listings(world, turns: ReadTurns(most: 2))
            let latch = Latch()
            world.queue.change { $0.blocksLists = latch }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { latch.open() }
                for name in ["a", "b", "c"] {
                    group.addTask {
                        _ = try await listings.read(.jobs(of: UserName(unchecked: name), since: Timestamp(0)))
                    }
                }
                try await eventually("one waits") { listings.waits == 1 }
                #expect(world.queue.now.listed.count <= 2)
                // What is everybody's does not wait for them.
                group.addTask { _ = try await listings.read(.users) }
                try await eventually("the cluster's is read") { world.queue.now.listed.contains(.users) }
                latch.open()
                try await group.waitForAll()
            }
        }
    }

    /// Whole hours, and further back whole days: whoever asks for other moments asks Slurm the same.
    @Test func otherMomentsAreTheSameQuestion() {
        let now = Timestamp(1_800_000_000)
        var asked: Set<Timestamp> = []
        for minutes in -10_000..<(31 * 24 * 60) {
            let since = now - .seconds(minutes * 60)
            let moment = FinishedJobs.asked(since: since, now: now)
            #expect(moment <= min(since, now))
            asked.insert(moment)
        }
        #expect(asked.count <= 31 + 49)
    }
}

/// The lists of answers.
@Suite struct FrontAnswerTests {
    private final class Written: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func list(_ count: Int) -> FrontList {
            FrontList("jobs", count: count) { [self] place, output in
                state.withLock { $0 += 1 }
                if !place.isMultiple(of: 3) { output += String(repeating: "7", count: 1000).utf8 }
            }
        }
    }

    @Test func aLongListIsWrittenPieceByPiece() {
        let written = Written()
        let list = written.list(3000)
        var piece = FrontList.Piece(bytes: [], next: 0, isBegun: false)
        var whole: [UInt8] = []
        var pieces = 0
        while piece.next < list.count {
            piece = list.piece(from: piece.next, isBegun: piece.isBegun)
            #expect(piece.bytes.count <= 130 << 10)
            whole += piece.bytes
            pieces += 1
        }
        #expect(pieces > 10 && written.count == 3000)
        // What wrote nothing leaves no comma.
        #expect(whole.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).count == 2000)
        #expect(!whole.starts(with: ",".utf8))
    }

    /// Until a long one is taken nothing of it is made.
    @Test func aLongListIsMadeAsItIsTaken() {
        let written = Written()
        _ = Response.slurm(written.list(100), ["meta": 1])
        #expect(written.count == 0)
        _ = Response.slurm(written.list(5), ["meta": 1])
        #expect(written.count == 5)
    }
}
