// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport

/// More daemons of a cluster, beside the one that the stack and other tests use.
extension Stack {
    /// Runs one more slurmrestd for `body`, which it may not be ready for at once.
    ///
    /// - Parameters:
    ///   - place: where it listens, as slurmrestd(8) takes it: `unix:PATH` of the container, or `HOST:PORT`.
    ///   - plugins: its options that choose what it serves; nil is what the cluster's own one serves.
    func withSlurmrestd(
        _ cluster: String, at place: String, plugins: String? = nil, _ body: () async throws -> Void
    ) async throws {
        let start = """
            umask 0007
            SLURM_JWT=daemon setsid setpriv --reuid=slurmrestd --regid=slurmrestd --clear-groups \
            slurmrestd -a rest_auth/jwt \(plugins ?? Stack.plugins(of: cluster)) \(place) >/dev/null 2>&1 </dev/null &
            echo $!
            """
        let started = try await onNode(cluster, "master", ["sh", "-c", start])
        let process = started.output.filter(\.isNumber)
        guard started.status == 0, !process.isEmpty else { throw Failure("no slurmrestd at \(place): \(started)") }
        func end() async throws { _ = try await onNode(cluster, "master", ["kill", "-TERM", process]) }
        do {
            try await body()
        } catch {
            try await end()
            throw error
        }
        try await end()
    }

    /// Runs one more slurmrestd for `body`, by a keeper that starts it again whenever it ends.
    ///
    /// - Parameter body: gets its socket on this host, and what has it killed from then on as soon as it is larger by a quarter of a
    ///   megabyte than when it began to listen, six times, as its unit's MemoryMax would; the number of times so far is returned.
    func withGrowingSlurmrestd(
        _ cluster: String,
        _ body: (_ socket: String, _ limited: @escaping @Sendable () async throws -> Int) async throws -> Void
    ) async throws {
        let name = "growing-\(port)"
        let folder = "/run/\(name)"
        let start = #"setsid sh -c "$0" sh "$@" >/dev/null 2>&1 </dev/null &"#
        let started = try await onNode(
            cluster, "master",
            [
                "sh", "-c", start, Stack.growingKeeper, folder, "/run/slurmrestd/\(name)", Stack.plugins(of: cluster),
            ])
        guard started.status == 0 else { throw Failure("no keeper of a slurmrestd: \(started)") }
        func end() async throws {
            _ = try await onNode(cluster, "master", ["touch", "\(folder)/stop"])
            try await eventually("the keeper of a slurmrestd on \(cluster) has ended") {
                try await onNode(cluster, "master", ["test", "!", "-e", folder]).status == 0
            }
        }
        do {
            let socket = try await socketFolder(cluster) + "/\(name)"
            try await eventually("it listens at \(socket)") { accepts(socket) }
            try await body(socket) {
                let told = try await onNode(
                    cluster, "master", ["sh", "-c", "touch \(folder)/limited && wc -l <\(folder)/killed"])
                guard let count = Int(told.output.filter(\.isNumber)) else { throw Failure("\(told)") }
                return count
            }
        } catch {
            try await end()
            throw error
        }
        try await end()
    }

    /// Where the sockets of a cluster's daemons lie on this host; in its container that is /run/slurmrestd.
    func socketFolder(_ cluster: String) async throws -> String {
        try await socket(cluster).split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
    }

    /// Arguments: its folder, the socket, the options.
    private static let growingKeeper = #"""
        umask 0007
        mkdir -p "$1" && : >"$1/killed" || exit 1
        while [ ! -e "$1/stop" ]; do
            rm -f "$2"
            SLURM_JWT=daemon setpriv --reuid=slurmrestd --regid=slurmrestd --clear-groups \
                slurmrestd -a rest_auth/jwt $3 "unix:$2" &
            child=$!
            limit=
            while [ ! -e "$1/stop" ]; do
                size=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$child/status" 2>/dev/null)
                [ -n "$size" ] || break
                if [ -S "$2" ]; then
                    [ -n "$limit" ] || limit=$((size + 256))
                    if [ -e "$1/limited" ] && [ "$size" -gt "$limit" ] && [ "$(wc -l <"$1/killed")" -lt 6 ]; then
                        echo "$size" >>"$1/killed"
                        kill -KILL "$child"
                    fi
                fi
                sleep 0.05
            done
            kill -TERM "$child" 2>/dev/null
            wait "$child"
        done
        rm -rf "$1" "$2"
        """#
}
