// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import StrictJSON

extension RemovalReport {
    /// Schema `sally.cluster.users.change/1`.
    func json(_ cluster: ClusterName, dryRun: Bool) -> JSONValue {
        [
            "schema": "sally.cluster.users.change/1", "cluster": .string(cluster.rawValue),
            "act": .string(plan.act.rawValue), "dry_run": .bool(dryRun), "complete": .bool(isComplete),
            "users": .array(plan.users.map { .string($0.user.rawValue) }),
            "removed": .array(removed.sorted().map { .string($0.rawValue) }),
            "waiting": .array(
                waiting.sorted { $0.key < $1.key }.map { user, jobs in
                    [
                        "user": .string(user.rawValue),
                        "jobs": .array(jobs.map { .integer(Int64($0.rawValue)) }),
                    ]
                }),
            "planned": .array(
                plan.summaries.map { ["node": .string($0.node.rawValue), "text": .string($0.text)] }),
            "done": .array(steps.map(\.json)),
            "conflicts": .array(plan.conflicts.map(\.json)),
            "unreached": unreached(failed),
        ]
    }

    /// What was done, in a line.
    func show(_ surroundings: Surroundings) {
        let failed = Set(failures.compactMap(\.user))
        let good = plan.users.map(\.user).filter { !failed.contains($0.rawValue) && waiting[$0] == nil }
        let word =
            switch plan.act {
            case .lock: "locked"
            case .unlock: "unlocked"
            case .remove: "removed"
            }
        let people = plan.act == .remove ? removed.sorted() : good
        guard !people.isEmpty else { return }
        surroundings.print("\(word): \(people.map(\.rawValue).joined(separator: ", "))")
    }

    var problems: [String] {
        plan.conflicts.map { "\($0.user) was left alone: on \($0.node) \($0.reason)" }
            + waiting.sorted { $0.key < $1.key }.map { user, jobs in
                "\(user) is locked and not removed: jobs \(jobs.map { "\($0)" }.joined(separator: ", ")) have not ended"
            } + failures.map(\.problem) + failed.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    }

    func requireComplete() throws {
        guard !isComplete else { return }
        var parts: [String] = []
        let conflicts = Set(plan.conflicts.map(\.user)).count
        if conflicts > 0 { parts.append(counted(conflicts, "user") + " left alone") }
        if !waiting.isEmpty { parts.append(counted(waiting.count, "user") + " with jobs that have not ended") }
        if !failures.isEmpty { parts.append(counted(failures.count, "step") + " failed") }
        if !failed.isEmpty { parts.append(counted(failed.count, "machine") + " not reached or not finished") }
        throw SallyError(
            failures.isEmpty && failed.isEmpty ? .conflict : .unavailable, parts.joined(separator: "; "),
            hint: "the rest is done; the same command again does what is missing")
    }
}
