// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

/// What slurmctld is told and asked about single nodes.
struct SlurmNodes {
    let health: ClusterHealth

    /// How slurmctld sees a node, such as `IDLE+DRAIN`; nil when it knows no such node.
    func state(of node: NodeName) async throws -> NodeState? {
        let shown = try await health.script("scontrol --oneliner show node \"$1\"", [node.rawValue])
        return shown.succeeded ? ProbeJob.value(of: "State", in: shown.output).map(NodeState.init) : nil
    }

    /// Keeps new jobs off nodes. One that slurmctld does not know gets none anyway.
    func drain(_ nodes: [NodeName], reason: String) async throws {
        try await succeed(
            """
            reason=$1
            shift
            for node; do
                scontrol show node "$node" >/dev/null 2>&1 || continue
                scontrol update NodeName="$node" State=DRAIN Reason="$reason" || exit 1
            done
            """, [SlurmNodes.line(reason)] + nodes.map(\.rawValue), "nodes could not be drained")
    }

    /// Lets jobs onto nodes that were drained.
    func resume(_ nodes: [NodeName]) async throws {
        try await succeed(
            "for node; do scontrol update NodeName=\"$node\" State=RESUME || exit 1; done", nodes.map(\.rawValue),
            "nodes could not be resumed")
    }

    /// What runs on these nodes, or waits for one of them and no other.
    func jobs(on nodes: [NodeName]) async throws -> [JobOnNode] {
        let listed = try await succeed(
            """
            set -u
            declare -A leaving=() known=()
            for node; do leaving[$node]=1; done
            # hit LIST: whether one of the nodes is in Slurm's list of names; the same lists come again and again.
            hit() {
                local name
                [ -n "$1" ] || return 1
                if [ -z "${known[$1]-}" ]; then
                    known[$1]=no
                    for name in $(scontrol show hostnames "$1"); do
                        if [ -n "${leaving[$name]-}" ]; then known[$1]=yes; fi
                    done
                fi
                [ "${known[$1]}" = yes ]
            }
            rows=$(squeue --noheader --format='%i|%u|%N|%n') || exit 1
            while IFS='|' read -r id user on asks; do
                how=
                if hit "$on"; then how=on; fi
                if hit "$asks"; then how=$how+asks; fi
                [ -z "$how" ] || printf '%s|%s|%s\\n' "$id" "$user" "$how"
            done <<<"$rows"
            """, nodes.map(\.rawValue), "the jobs on these nodes could not be listed")
        return try JobOnNode.parse(listed.output)
    }

    /// What became of jobs whose node was taken away.
    struct Ended: Equatable {
        var requeued: [String] = []
        var cancelled: [String] = []
    }

    /// Takes jobs off their nodes: puts them back into the queue where they can run elsewhere and be run again, else
    /// cancels them.
    func end(_ jobs: [JobOnNode]) async throws -> Ended {
        let said = try await succeed(
            """
            for job; do
                case $job in
                requeue:*) scontrol requeue "${job#*:}" 2>/dev/null && { echo "requeued ${job#*:}"; continue; } ;;
                esac
                scancel "${job#*:}" && echo "cancelled ${job#*:}" || exit 1
            done
            """, jobs.map { ($0.asksForNode ? "cancel:" : "requeue:") + $0.id }, "jobs could not be ended")
        var ended = Ended()
        for line in said.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2 else { continue }
            if words[0] == "requeued" { ended.requeued.append(String(words[1])) }
            if words[0] == "cancelled" { ended.cancelled.append(String(words[1])) }
        }
        return ended
    }

    @discardableResult
    private func succeed(_ script: String, _ arguments: [String], _ what: String) async throws -> Completion {
        let done = try await health.script(script, arguments, deadline: .seconds(120))
        guard done.succeeded else {
            throw SallyError(
                .unavailable, "\(what): \(SlurmNodes.line(done.errorOutput))", cause: done.errorOutput)
        }
        return done
    }

    /// One line of printable ASCII, as scontrol(1) takes a reason, and not too long.
    static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Character in
            (0x20...0x7e).contains(scalar.value) && scalar != "\"" ? Character(scalar) : " "
        }
        return String(String(scalars).split(separator: " ").joined(separator: " ").prefix(200))
    }
}

/// A node's state as scontrol(1) prints it: `IDLE+DRAIN`, `DOWN*+DRAIN`, `MIXED`.
struct NodeState: Equatable {
    private let base: Substring
    private let flags: Set<Substring>

    init(_ text: String) {
        let parts = text.split(separator: "+")
        let first = parts.first ?? ""
        // A mark behind the state: * does not answer, ~ # % $ @ ^ power, - planned.
        base = first.prefix { $0.isLetter || $0 == "_" }
        flags = Set(parts.dropFirst().map { $0.prefix { $0.isLetter || $0 == "_" } })
        answers = !text.contains("*") && !flags.contains("NOT_RESPONDING")
    }

    /// slurmctld has heard from it.
    let answers: Bool
    var isDrained: Bool { flags.contains("DRAIN") }
    /// Up, drained and without jobs.
    var isHeldBack: Bool { base == "IDLE" && isDrained && answers }
    /// Takes jobs.
    var isUsable: Bool {
        ["IDLE", "MIXED", "ALLOCATED"].contains(base) && answers
            && flags.isDisjoint(with: ["DRAIN", "FAIL", "MAINTENANCE", "MAINT", "INVALID_REG"])
    }
}
