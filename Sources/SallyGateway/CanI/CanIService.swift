// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// What would happen to a job, and why: the very decision that submitting would make, recorded nowhere.
struct CanIService: Sendable {
    let reader: JobReader
    let gate: Gate

    func explain(_ body: [UInt8], for principal: Principal) async throws -> CanIReply {
        let asked = try await reader.read(body)
        let judged = try reader.foresee(asked.job, for: principal)
        let submit = Submit(
            cluster: reader.config.name, job: judged.job, bounds: judged.bounds, idempotencyKey: "")
        let explanation = gate.explain(submit.question, for: principal)
        let rules = explanation.verdicts.map {
            CanIReply.RuleVerdict(rule: $0.rule.rawValue, verdict: $0.words)
        }
        var facts: [String: String] = [:]
        for detail in submit.details { facts[detail.name] = detail.value }
        switch explanation.decision {
        case .allowed(let grant):
            return CanIReply(
                allowed: true, rules: rules, judged: facts, message: "allowed by \(grant.label)", hint: nil)
        case .refused(let refusal):
            return CanIReply(
                allowed: false, rules: rules, judged: facts, message: refusal.message, hint: refusal.hint)
        }
    }
}

extension RuleVerdict {
    fileprivate var words: String {
        let place = partition.map { " in \($0)" } ?? ""
        switch outcome {
        case .applies:
            switch effect {
            case .allow: return "allows\(place)"
            case .deny: return "denies\(place)"
            }
        case .differs(let difference): return "is about another \(difference)\(place)"
        case .overLimit(let excesses):
            return "over limit\(place): \(excesses.map(\.description).joined(separator: "; "))"
        }
    }
}
