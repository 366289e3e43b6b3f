// SPDX-License-Identifier: Apache-2.0

/// How what a given-up call left on a node is found and killed.
///
/// Every call carries a mark in its environment, which what it starts inherits. Ending our end of a call does not end
/// what it started: podman 4.3 leaves it in the container, sshd leaves what does not write, and timeout(1) and
/// setsid(1) take a program out of its process group. So a second, short call kills all that carry the mark, and their
/// sessions.
struct NodeSweep: Sendable, Equatable {
    static let variable = "SALLY_CALL"
    let mark: String

    static func random() -> NodeSweep { NodeSweep(mark: ShellMark.random().text) }

    /// The variable, as env(1) and podman(1) take it.
    var assignment: String { "\(NodeSweep.variable)=\(mark)" }

    /// What ends a call on the node itself, should we be killed before we can.
    static func timeout(_ deadline: Duration) -> [String] {
        ["/usr/bin/timeout", "--kill-after=5", "\(deadline.components.seconds + 5)"]
    }

    /// The call that kills.
    var invocation: Invocation {
        .script(NodeSweep.script, arguments: [mark], deadline: .seconds(20), outputLimit: 1 << 16)
    }

    private static let script = """
        for round in 1 2 3; do
            found=
            for file in $(grep -lzxFs -- "\(variable)=$1" /proc/[0-9]*/environ); do
                process=${file#/proc/}
                process=${process%/environ}
                found=1
                read -r line <"/proc/$process/stat" || continue
                fields=(${line##*) })
                session=${fields[3]}
                for other in /proc/[0-9]*; do
                    read -r line <"$other/stat" || continue
                    fields=(${line##*) })
                    [ "${fields[3]}" = "$session" ] && kill -KILL "${other#/proc/}"
                done
                kill -KILL "$process"
            done 2>/dev/null
            [ -z "$found" ] && exit 0
        done
        """
}

/// Runs `body` and, should it be given up, `clean`: also when our task was cancelled, for it has to be done all the same.
func sweeping<Answer>(
    _ clean: @escaping @Sendable () async -> Void, after body: () async throws -> Answer
) async throws -> Answer {
    do {
        return try await body()
    } catch {
        // An unstructured task, because ours may be cancelled; it is awaited.
        await Task { await clean() }.value
        throw error
    }
}
