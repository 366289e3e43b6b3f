// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyAccounts

/// Makes keys when it is let: threads wait in read(2) for a byte each.
private final class Gate: Sendable {
    private let ends: (read: Int32, write: Int32)
    private let state = Mutex<[UserName]>([])
    let failing: UserName?

    init(failing: UserName? = nil) {
        var pipes: [Int32] = [-1, -1]
        _ = pipe(&pipes)
        ends = (pipes[0], pipes[1])
        self.failing = failing
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    var begun: [UserName] { state.withLock { $0 } }

    func open(for count: Int) {
        _ = [UInt8](repeating: 1, count: count).withUnsafeBytes { write(ends.write, $0.baseAddress, count) }
    }

    func make(_ user: UserName) throws -> KeyPair {
        state.withLock { $0.append(user) }
        var byte: UInt8 = 0
        guard read(ends.read, &byte, 1) == 1 else { throw SallyError(.internal, "the gate broke") }
        if user == failing { throw SallyError(.internal, "no key for \(user)") }
        return try KeyPair.make(.ed25519, comment: user.rawValue)
    }

    func forge(cores: Int, progress: @escaping @Sendable (KeyForge.Progress) -> Void = { _ in }) -> KeyForge {
        let witness = Witness(gate: self)
        return KeyForge(cores: cores, make: { try witness.gate.make($0) }, progress: progress)
    }

    private let over = Mutex(false)
    /// Whether the forge and all of its threads are gone.
    var isOver: Bool { over.withLock { $0 } }

    private final class Witness: Sendable {
        let gate: Gate
        init(gate: Gate) { self.gate = gate }
        deinit { gate.over.withLock { $0 = true } }
    }
}

@Suite struct KeyForgeTests {
    private let people = users(6)

    @Test func makesRealPairsInTheOrderAsked() async throws {
        let heard = Mutex<[KeyForge.Progress]>([])
        let many = users(40)
        let shuffled = many.reversed() + []
        let keys: [UserKey]
        do {
            let forge = KeyForge(
                .ed25519, comment: { "\($0) of lab" }, progress: { now in heard.withLock { $0.append(now) } })
            forge.prepare(shuffled)
            forge.prepare(many)
            keys = try await forge.pairs()
        }
        #expect(keys.map(\.user) == shuffled)
        #expect(keys.allSatisfy { $0.pair.publicKey.comment == "\($0.user) of lab" })
        #expect(Set(keys.map(\.pair.publicKey.blob)).count == 40)
        let told = heard.withLock { $0 }
        #expect(told.allSatisfy { $0.total == 40 })
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.done < $1.done })
        #expect(told.first?.done == 0 && told.last?.done == 40)
    }

    @Test func usesAllCoresAtTheSameTime() async throws {
        let gate = Gate()
        let forge = gate.forge(cores: 3)
        forge.prepare(people)
        try await eventually("three have begun") { gate.begun.count == 3 }
        gate.open(for: 6)
        #expect(try await forge.pairs().count == 6)
        #expect(Set(gate.begun) == Set(people))
    }

    @Test func doesNotBeginWhatIsNotNeeded() async throws {
        let heard = Mutex<[KeyForge.Progress]>([])
        let gate = Gate()
        let forge = gate.forge(cores: 1, progress: { now in heard.withLock { $0.append(now) } })
        forge.prepare(people)
        try await eventually("the first has begun") { gate.begun == [people[0]] }
        forge.keep(only: [people[1], people[4]])
        gate.open(for: 6)
        #expect(try await forge.pairs().map(\.user) == [people[1], people[4]])
        // The first was under way, and its key is thrown away.
        #expect(gate.begun == [people[0], people[1], people[4]])
        #expect(heard.withLock { $0 }.last == .init(done: 2, total: 2))
    }

    @Test func makesThoseThatWereNotForeseenAndNoOthers() async throws {
        let gate = Gate()
        let forge = gate.forge(cores: 1)
        forge.prepare(Array(people[..<4]))
        try await eventually("the first has begun") { gate.begun == [people[0]] }
        gate.open(for: 6)
        let keys = try await forge.pairs(for: [people[5], people[0]])
        #expect(keys.map(\.user) == [people[0], people[5]])
        #expect(Set(gate.begun).isSuperset(of: [people[0], people[5]]))
    }

    @Test func whoeverKeepsNobodyWaitsForNothing() async throws {
        let gate = Gate()
        let forge = gate.forge(cores: 1)
        forge.prepare(people)
        forge.keep(only: [])
        #expect(try await forge.pairs().isEmpty)
        gate.open(for: 1)
    }

    @Test func goesOnWithThoseThatComeLater() async throws {
        let gate = Gate()
        gate.open(for: 6)
        let forge = gate.forge(cores: 2)
        forge.prepare([people[3]])
        #expect(try await forge.pairs().map(\.user) == [people[3]])
        forge.prepare(people)
        #expect(try await forge.pairs().map(\.user) == [people[3]] + people.filter { $0 != people[3] })
    }

    @Test(.timeLimit(.minutes(10))) func beginsNothingMoreWhenCancelled() async throws {
        let gate = Gate()
        let forge = gate.forge(cores: 1)
        forge.prepare(people)
        try await eventually("the first has begun") { gate.begun.count == 1 }
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await forge.pairs() }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
        gate.open(for: 6)
        try await eventually("its thread has ended") { forge.threads == 0 }
        #expect(gate.begun == [people[0]])
        forge.prepare(users(9))
        #expect(forge.threads == 0)
        await #expect(throws: CancellationError.self) { try await forge.pairs() }
    }

    @Test func beginsNothingMoreWhenNobodyHasIt() async throws {
        let gate = Gate()
        try await forget(gate)
        gate.open(for: 6)
        try await eventually("all threads have ended") { gate.isOver }
        #expect(gate.begun == [people[0]])
    }

    private func forget(_ gate: Gate) async throws {
        let forge = gate.forge(cores: 1)
        forge.prepare(people)
        try await eventually("the first has begun") { gate.begun.count == 1 }
        withExtendedLifetime(forge) {}
    }

    @Test func oneFailureEndsAll() async throws {
        let gate = Gate(failing: people[1])
        let forge = gate.forge(cores: 1)
        forge.prepare(people)
        gate.open(for: 6)
        let error = await refusal { try await forge.pairs() }
        #expect(error?.message == "no key for user002")
        #expect(gate.begun == [people[0], people[1]])
    }
}
