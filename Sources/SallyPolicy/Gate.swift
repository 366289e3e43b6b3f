// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Decides, reserves and records in one transaction, and is the only maker of `Authorized`.
///
/// An `Authorized` exists only after the transaction that decided it has committed. Refusals of a known person's recorded
/// actions are committed as events as well, and then thrown.
package struct Gate: Sendable {
    private let ledger: any DecisionLedger
    private let policy: PolicySource
    private let clock: any WallClock
    private let counter: any DecisionCounter

    package init(
        ledger: any DecisionLedger, policy: PolicySource, clock: any WallClock,
        counter: any DecisionCounter = NoDecisionCounter()
    ) {
        self.ledger = ledger
        self.policy = policy
        self.clock = clock
        self.counter = counter
    }

    /// - Parameter request: the request id, for the audit event.
    /// - Throws: `SallyError(.unauthenticated)` when the session is not live; `.denied` or `.limitExceeded` from policy;
    ///   what the ledger throws.
    package func authorize<A: DirectAction>(
        _ action: A, by principal: Principal, request: String?
    ) async throws -> Authorized<A> {
        let actor = Actor.person(principal)
        let ruling: Ruling<AuditPosition?>
        switch A.recording {
        case .counted: ruling = try await look(action, principal)
        case .chained:
            ruling = try await ledger.decide { [policy] transaction in
                guard try transaction.isLive(principal.session) else { return .notLive }
                switch policy.current.policy.decide(action.question, for: Asker(principal)) {
                case .refused(let refusal):
                    _ = try transaction.append(draft(action, actor, refusal, request))
                    return .refused(refusal)
                case .allowed(let grant):
                    return .allowed(try transaction.append(draft(action, actor, grant.label, request)))
                }
            }
        }
        let position = try allowed(ruling, action.verb)
        counter.count(action.verb, .allowed)
        return Authorized(action: action, actor: actor, position: position, decidedAt: clock.now)
    }

    /// Decides a job and reserves it under its idempotency key.
    ///
    /// - Parameter fingerprint: SHA-256 of the canonical request, lower-case hexadecimal.
    /// - Throws: as the other `authorize`; `SallyError(.conflict)` when the key belongs to another request.
    package func authorize(
        _ submit: Submit, by principal: Principal, fingerprint: String, request: String?
    ) async throws -> SubmitAdmission {
        let actor = Actor.person(principal)
        let ruling = try await ledger.decide { [policy] transaction -> Ruling<Admitted> in
            guard try transaction.isLive(principal.session) else { return .notLive }
            switch policy.current.policy.decide(submit.question, for: Asker(principal)) {
            case .refused(let refusal):
                _ = try transaction.append(draft(submit, actor, refusal, request))
                return .refused(refusal)
            case .allowed(let grant):
                let position = try transaction.append(draft(submit, actor, grant.label, request))
                let reservation = SubmissionDraft(
                    person: principal.person, cluster: submit.clusterName, operation: submit.operation,
                    idempotencyKey: submit.idempotencyKey, fingerprint: fingerprint, mintBy: submit.mintBy)
                let outcome = try transaction.reserve(reservation, decidedAt: position)
                return .allowed(Admitted(position: position, outcome: outcome))
            }
        }
        let admitted = try allowed(ruling, submit.verb)
        counter.count(submit.verb, admitted.outcome.isFirst ? .allowed : .repeated)
        switch admitted.outcome {
        case .reserved(let id):
            let authorized = Authorized(
                action: submit, actor: actor, position: admitted.position, decidedAt: clock.now)
            return .proceed(authorized, reservation: id)
        case .answered(let job): return .answered(job)
        case .outcomeUnknown(let id): return .outcomeUnknown(id)
        case .refused(let refusal): return .refused(refusal)
        }
    }

    /// For `sallyd admin` over the local socket, which has neither provider nor session. Always recorded.
    ///
    /// - Precondition: the socket checked that its peer is `uid` and that `uid` may administer.
    package func authorize(
        _ action: Administer, byLocalAdministrator uid: UInt32, request: String?
    ) async throws -> Authorized<Administer> {
        let actor = Actor.localAdministrator(uid: uid)
        let position = try await ledger.decide { transaction in
            try transaction.append(draft(action, actor, "local administrator", request))
        }
        counter.count(action.verb, .allowed)
        return Authorized(action: action, actor: actor, position: position, decidedAt: clock.now)
    }

    /// For the gateway itself. What changes something is recorded, reads are counted.
    package func authorize(_ action: SystemAction) async throws -> Authorized<SystemAction> {
        let position: AuditPosition? =
            switch action.recording {
            case .counted: nil
            case .chained: try await ledger.decide { try $0.append(draft(action)) }
            }
        counter.count(action.name, .allowed)
        return Authorized(action: action, actor: .system, position: position, decidedAt: clock.now)
    }

    /// What `can-i` shows: the very decision that `authorize` would make now, with what each rule says. Records nothing.
    package func explain(_ question: Question, for principal: Principal) -> Explanation {
        policy.current.policy.explain(question, for: Asker(principal))
    }

    /// A decision that leaves nothing behind needs no transaction of the writer's.
    private func look(_ action: some DirectAction, _ principal: Principal) async throws -> Ruling<AuditPosition?> {
        guard try await ledger.isLive(principal.session) else { return .notLive }
        switch policy.current.policy.decide(action.question, for: Asker(principal)) {
        case .refused(let refusal): return .refused(refusal)
        case .allowed: return .allowed(nil)
        }
    }

    /// What an allowing ruling holds; counts and throws any other.
    private func allowed<Yes: Sendable>(_ ruling: Ruling<Yes>, _ verb: String) throws -> Yes {
        switch ruling {
        case .allowed(let yes): return yes
        case .refused(let refusal):
            counter.count(verb, .refused)
            throw refusal.error
        case .notLive:
            counter.count(verb, .unauthenticated)
            throw SallyError(.unauthenticated, "the session has ended", hint: "sign in again with `sally login`")
        }
    }
}

/// What became of a job's request at the gate.
package enum SubmitAdmission: Sendable {
    /// Submit it now, and record the outcome under this reservation.
    case proceed(Authorized<Submit>, reservation: Int64)
    /// The same request came before and Slurm made this job of it.
    case answered(JobID)
    /// The same request came before and what became of it is not known yet.
    case outcomeUnknown(Int64)
    /// The same request came before and Slurm refused it.
    case refused(SlurmRefusal)
}

/// What a transaction returns: refusals are values, so that their events commit.
private enum Ruling<Yes: Sendable>: Sendable {
    case allowed(Yes)
    case refused(Refusal)
    case notLive
}

private struct Admitted: Sendable {
    let position: AuditPosition
    let outcome: ReservationOutcome
}

extension ReservationOutcome {
    fileprivate var isFirst: Bool {
        switch self {
        case .reserved: true
        case .answered, .outcomeUnknown, .refused: false
        }
    }
}

private func draft(_ action: some Action, _ actor: Actor, _ rule: String, _ request: String?) -> AuditDraft {
    AuditDraft(
        actor: actor.label, action: action.verb, cluster: action.cluster, target: action.target, outcome: .allowed,
        rule: rule, request: request, details: action.details)
}

private func draft(_ action: some Action, _ actor: Actor, _ refusal: Refusal, _ request: String?) -> AuditDraft {
    AuditDraft(
        actor: actor.label, action: action.verb, cluster: action.cluster, target: action.target, outcome: .refused,
        rule: refusal.label, request: request, details: action.details + [.init("refusal", refusal.message)])
}

private func draft(_ action: SystemAction) -> AuditDraft {
    AuditDraft(
        actor: Actor.system.label, action: action.name, cluster: action.cluster, target: action.target,
        outcome: .allowed, rule: "system")
}
