// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Where the conversations with all machines of a cluster meet: each brings what it found and goes on when all have, with
/// what was decided on all of it.
actor Rendezvous<Found: Sendable, Decision: Sendable> {
    private var awaited: Set<NodeName>
    private var found: [NodeName: Found] = [:]
    private(set) var decision: Result<Decision, any Error>?
    private var waiting: [CheckedContinuation<Decision, any Error>] = []
    private let decide: @Sendable ([NodeName: Found]) throws -> Decision

    /// - Parameter decide: called once, with what the machines that came have found.
    init(of nodes: [NodeName], decide: @escaping @Sendable ([NodeName: Found]) throws -> Decision) {
        awaited = Set(nodes)
        self.decide = decide
    }

    /// Brings what `node` found, and waits for the others. There is no deadline here: a conversation has one, so every
    /// machine comes or leaves.
    ///
    /// - Throws: what `decide` threw.
    func meet(_ node: NodeName, with found: Found) async throws -> Decision {
        self.found[node] = found
        leave(node)
        if let decision { return try decision.get() }
        return try await withCheckedThrowingContinuation { waiting.append($0) }
    }

    /// Nobody waits for `node` any more.
    func leave(_ node: NodeName) {
        awaited.remove(node)
        guard awaited.isEmpty, decision == nil else { return }
        let made = Result { try decide(found) }
        decision = made
        for continuation in waiting { continuation.resume(with: made) }
        waiting = []
    }
}

/// The points at which the conversations of one run meet.
struct Meetings: Sendable {
    struct Seen: Sendable {
        var observation: NodeObservation
        var accounts: [DesiredAccount]
    }

    let choice: Rendezvous<NodeObservation, [DesiredAccount]>
    let plans: Rendezvous<Seen, AccountPlan>
    /// The machine that serves homes has the keys that it is to write, and says how others know these homes. They pass when it
    /// has.
    let prepared: Rendezvous<HomeMarks, HomeMarks>
    /// The controller has written the managed record. Others pass when it has.
    let recorded: Rendezvous<Void, Void>

    init(
        nodes: [NodeName], controller: NodeName, homeServer: NodeName,
        choose: @escaping @Sendable ([NodeName: NodeObservation]) throws -> [DesiredAccount],
        plan: @escaping @Sendable ([NodeName: Seen]) throws -> AccountPlan
    ) {
        choice = Rendezvous(of: nodes, decide: choose)
        plans = Rendezvous(of: nodes, decide: plan)
        let preparing = nodes.filter { $0 == homeServer }
        prepared = Rendezvous(of: preparing) { found in
            guard preparing.allSatisfy({ found[$0] != nil }) else {
                throw SallyError(.unavailable, "there are no keys for \(homeServer)", hint: "nothing was changed")
            }
            return found[homeServer] ?? HomeMarks()
        }
        recorded = Rendezvous(of: [controller]) { found in
            guard found[controller] != nil else {
                throw SallyError(
                    .unavailable, "the managed record on \(controller) was not written", hint: "nothing was changed")
            }
        }
    }

    func leave(_ node: NodeName) async {
        await choice.leave(node)
        await plans.leave(node)
        await prepared.leave(node)
        await recorded.leave(node)
    }

    /// Why there are no keys. Then nothing was changed.
    var unprepared: (any Error)? {
        get async {
            if case .failure(let error) = await prepared.decision { return error }
            return nil
        }
    }

    /// Why nothing could be decided.
    var failure: (any Error)? {
        get async {
            if case .failure(let error) = await choice.decision { return error }
            if case .failure(let error) = await plans.decision { return error }
            return nil
        }
    }

    var decided: ([DesiredAccount], AccountPlan)? {
        get async {
            guard case .success(let accounts) = await choice.decision, case .success(let plan) = await plans.decision
            else { return nil }
            return (accounts, plan)
        }
    }
}

/// Lets so many in at the same time, in the order in which they came.
actor Turnstile {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ limit: Int) { free = limit }

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// One who is inside, and leaves once.
actor Inside {
    private var turnstile: Turnstile?
    init(_ turnstile: Turnstile) { self.turnstile = turnstile }

    func leave() async {
        let turnstile = turnstile
        self.turnstile = nil
        await turnstile?.leave()
    }
}
