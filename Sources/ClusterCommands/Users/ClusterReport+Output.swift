// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import StrictJSON

extension ClusterReport {
    /// Schema `sally.cluster.users/1`.
    func json(_ cluster: ClusterName, dryRun: Bool, _ outcome: CreateUsers.Outcome) -> JSONValue {
        let planned = plan.steps.sorted { $0.key < $1.key }.map { node, steps -> JSONValue in
            ["node": .string(node.rawValue), "steps": .array(steps.map { .string($0.summary) })]
        }
        return [
            "schema": "sally.cluster.users/1", "cluster": .string(cluster.rawValue), "dry_run": .bool(dryRun),
            "complete": .bool(isComplete && outcome.unsettled == nil),
            "users": .array(
                accounts.map { ["name": .string($0.name.rawValue), "uid": .integer(Int64($0.uid.rawValue))] }),
            "planned": .array(planned),
            "done": .array(steps.map(\.json)),
            "conflicts": .array(plan.conflicts.map(\.json)), "unreached": unreached(failed),
            "key_files": .array(outcome.keyFiles.map { .string($0) }), "keys": outcome.keys.json,
        ]
    }

    /// What an administrator has to look at, a line each.
    var problems: [String] {
        plan.conflicts.map { "\($0.user) was left alone: on \($0.node) \($0.reason)" }
            + failures.map(\.problem)
            + failed.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    }

    /// What is not done, nil where all is; the same command again does the rest.
    var incomplete: SallyError? {
        guard !isComplete else { return nil }
        let conflicts = Set(plan.conflicts.map(\.user)).count
        var parts: [String] = []
        if conflicts > 0 { parts.append(counted(conflicts, "user") + " left alone") }
        if !failures.isEmpty { parts.append(counted(failures.count, "step") + " failed") }
        if !failed.isEmpty { parts.append(counted(failed.count, "machine") + " not reached or not finished") }
        return SallyError(
            failures.isEmpty && failed.isEmpty ? .conflict : .unavailable, parts.joined(separator: "; "),
            hint: "the rest is done; the same command again does what is missing")
    }
}

extension ClusterReport {
    /// What of it keeps new nodes from being used: machines that all need and that were not reached, what failed for
    /// everybody, accounts that are not there. A key or a folder of one user's, who may have seen to it, is no reason.
    ///
    /// - Parameter needed: the controller and the machine that has the homes.
    func blocking(_ nodes: [NodeName], needing needed: [NodeName]) -> ClusterReport {
        var report = self
        report.failed = failed.filter { (nodes + needed).contains($0.key) }
        report.steps = steps.filter { step in
            let isNew = nodes.contains { $0.rawValue == step.step.place }
            guard step.user != nil else { return isNew || needed.contains { $0.rawValue == step.step.place } }
            return isNew && step.step.name == "account"
        }
        return report
    }
}

extension KeyNews {
    var json: JSONValue {
        func names(_ users: [UserName]) -> JSONValue { .array(users.map { .string($0.rawValue) }) }
        return [
            "known": names(known), "finished": names(finished), "waiting": names(waiting),
            "unrenewed": names(unrenewed), "stale": names(stale),
            "unheld": names(unheld), "dropped": names(dropped),
            "removed_files": .array(files.removed.map { .string($0) }),
            "left_files": .array(files.left.map { .string($0) }),
        ]
    }
}

extension ClusterReport.UserStep {
    var json: JSONValue {
        [
            "node": .string(step.place), "step": .string(step.name), "outcome": .string(step.outcome.rawValue),
            "user": user.map { .string($0) } ?? .null, "detail": .string(step.detail),
        ]
    }

    var problem: String { "\(step.place): \(step.name)\(user.map { " of \($0)" } ?? "") failed: \(step.detail)" }
}

extension AccountConflict {
    var json: JSONValue {
        ["user": .string(user.rawValue), "node": .string(node.rawValue), "reason": .string(reason)]
    }
}

extension AccountPlan {
    /// For `--dry-run`, a line each.
    var lines: [String] {
        steps.sorted { $0.key < $1.key }.flatMap { node, steps in steps.map { "\(node): \($0.summary)" } }
    }
}

/// Machines that were not reached, and why.
func unreached(_ failed: [NodeName: String]) -> JSONValue {
    .array(
        failed.sorted { $0.key < $1.key }.map { ["node": .string($0.key.rawValue), "reason": .string($0.value)] })
}

/// `1 user`, `2 users`.
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
