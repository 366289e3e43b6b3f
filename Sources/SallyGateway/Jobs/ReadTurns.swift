// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Synchronization

/// Turns at asking accounting what one person wants to know: one at a time for each person, and a few in all. Of those who wait that
/// person is next who has waited longest since the last turn, however many questions others have.
final class ReadTurns: Sendable {
    private let state: Mutex<State>

    /// - Parameter most: of different people at the same time. With accounting's four lists that are everybody's (`SlurmListing`) three
    ///   of them leave one of the connections that such reads share (`SlurmConnections.most`) to those who ask slurmctld.
    init(most: Int = 3) { state = Mutex(State(most: most)) }

    /// Whether it is the user's turn, who then has to end it. If not, `bell` has a place until it leaves, and rings when the turn may
    /// have come: then take it.
    func take(_ user: UserName, _ bell: Doorbell) -> Bool {
        let (isTaken, called): (Bool, [Doorbell]) = state.withLock { state in
            guard state.isTurn(of: user) else {
                state.add(bell, of: user)
                return (false, [])
            }
            state.remove(bell, of: user)
            state.asking.insert(user)
            return (true, state.called)
        }
        for bell in called { bell.ring() }
        return isTaken
    }

    /// The user's turn is over: others come first now.
    func end(_ user: UserName) {
        let called: [Doorbell] = state.withLock { state in
            state.asking.remove(user)
            if let place = state.waiting.firstIndex(where: { $0.user == user }) {
                let waiter = state.waiting.remove(at: place)
                state.waiting.append(waiter)
            }
            return state.called
        }
        for bell in called { bell.ring() }
    }

    /// Whoever does not wait any more, such as somebody who hung up, is called no more, and the next one is.
    func leave(_ user: UserName, _ bell: Doorbell) {
        let called: [Doorbell] = state.withLock { state in state.remove(bell, of: user) ? state.called : [] }
        for bell in called { bell.ring() }
    }

    /// How many questions wait.
    var waits: Int { state.withLock { state in state.waiting.reduce(0) { $0 + $1.bells.count } } }

    private struct Waiter {
        let user: UserName
        /// One for each question.
        var bells: [Doorbell]
    }

    private struct State {
        let most: Int
        var asking: Set<UserName> = []
        /// In the order in which they are due. Nobody is here twice, nor without a bell.
        var waiting: [Waiter] = []

        init(most: Int) { self.most = most }

        var free: Int { max(0, most - asking.count) }

        /// Whether fewer are due before than there are free turns.
        func isTurn(of user: UserName) -> Bool {
            guard !asking.contains(user) else { return false }
            return waiting.prefix { $0.user != user }.filter { !asking.contains($0.user) }.count < free
        }

        /// Of those who would get a turn now.
        var called: [Doorbell] {
            waiting.filter { !asking.contains($0.user) }.prefix(free).compactMap(\.bells.first)
        }

        mutating func add(_ bell: Doorbell, of user: UserName) {
            guard let place = waiting.firstIndex(where: { $0.user == user }) else {
                waiting.append(Waiter(user: user, bells: [bell]))
                return
            }
            if !waiting[place].bells.contains(where: { $0 === bell }) { waiting[place].bells.append(bell) }
        }

        /// - Returns: whether it was there.
        @discardableResult mutating func remove(_ bell: Doorbell, of user: UserName) -> Bool {
            guard let place = waiting.firstIndex(where: { $0.user == user }),
                let seat = waiting[place].bells.firstIndex(where: { $0 === bell })
            else { return false }
            waiting[place].bells.remove(at: seat)
            if waiting[place].bells.isEmpty { waiting.remove(at: place) }
            return true
        }
    }
}
