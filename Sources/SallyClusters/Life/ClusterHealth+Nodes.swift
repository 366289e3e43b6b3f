// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

extension ClusterHealth {
    /// Puts Slurm's files and the names of all machines in place on every container that runs; one that does not gets them
    /// when it is started.
    ///
    /// - Parameter containers: their names.
    func spread(on containers: Set<String>) async throws {
        let arguments = [ClusterHealth.places(in: record.subnet), ClusterHealth.names(record)]
        let script = ClusterHealth.spreading
        try await withThrowingTaskGroup(of: Void.self) { group in
            for container in record.containers where containers.contains(container.name) {
                group.addTask {
                    let done = try await run(
                        .script(script, arguments: arguments, deadline: .seconds(60)), on: container)
                    guard done.succeeded else {
                        throw SallyError(
                            .unavailable, "slurm.conf and names could not be put in place on \(container.hostname)",
                            cause: done.errorOutput)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// The container's own lines of hosts(5) stay; those about the cluster's network are ours. Podman mounts the file, so
    /// it is written in place.
    private static let spreading = """
        set -eu
        for file in slurm.conf gres.conf; do
            install -o root -g root -m 0644 "/run/sallyport/$file" "/etc/slurm/$file"
        done
        hosts=$(awk -v places="$1" '
            BEGIN { count = split(places, list, " "); for (i = 1; i <= count; i++) ours[list[i]] = 1 }
            !($1 in ours)' /etc/hosts; printf '%s\\n' "$2")
        [ "$hosts" = "$(cat /etc/hosts)" ] || printf '%s\\n' "$hosts" >/etc/hosts
        """

    /// Every address that a machine of the cluster may have; the gateway's is none of them.
    static func places(in subnet: Subnet) -> String {
        subnet.hostNumbers.drop { $0 < ClusterLayout.firstHost }.map(subnet.host).joined(separator: " ")
    }

    static func names(_ record: ClusterRecord) -> String {
        record.containers.map { "\($0.address)\t\($0.hostname) \($0.name)" }.joined(separator: "\n")
    }

    /// A new machine is whole: the shared /home, munge with the cluster's key, host keys, sshd.
    func waitForMachine(_ container: ClusterRecord.Container) async throws {
        try await wait("\(container.hostname)") {
            try await run(
                .script(
                    """
                    mountpoint -q /home && munge -n </dev/null | unmunge >/dev/null 2>&1 &&
                        [ -s /etc/ssh/ssh_host_ed25519_key.pub ] && (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null
                    """, deadline: .seconds(30)), on: container
            ).succeeded
        }
    }

    /// Makes Slurm's daemons know the nodes that their files have now. Jobs run on meanwhile.
    func learnNodes() async throws {
        if record.release.needsRestartForNodes {
            // sally-node starts it again. Its jobs come back from StateSaveLocation.
            let restarted = try await script(
                """
                old=$(pgrep -o -x slurmctld) && kill "$old"
                for ((try = 0; try < 600; try++)); do
                    new=$(pgrep -o -x slurmctld) && [ "$new" != "$old" ] && scontrol ping | grep -q ' is UP' && exit 0
                    sleep 0.1
                done
                exit 1
                """, deadline: .seconds(120))
            guard restarted.succeeded else {
                throw SallyError(
                    .unavailable, "slurmctld of cluster \(record.name) did not come up again",
                    hint: "`podman logs \(record.controller?.name ?? "")` says why", cause: restarted.errorOutput)
            }
        }
        try await rereadFiles()
    }

    /// slurmctld of 24.11 first waits up to ten seconds for calls to nodes that are down, and does all of it before it answers. That
    /// is as long as scontrol(1) waits for it (slurm.conf(5), MessageTimeout), which therefore reads a file of its own that says more.
    private static let rereading = """
        patient=$(mktemp) && trap 'rm -f "$patient"' EXIT &&
            { grep -vi '^MessageTimeout=' /etc/slurm/slurm.conf; echo MessageTimeout=90; } >"$patient" &&
            SLURM_CONF=$patient scontrol reconfigure
        """

    /// Asks again where scontrol(1) gave up.
    func rereadFiles() async throws {
        for attempt in 1...3 {
            let done = try await script(ClusterHealth.rereading, deadline: .seconds(120))
            guard done.succeeded || attempt < 3 else {
                throw SallyError(
                    .unavailable, "scontrol reconfigure failed: \(SlurmNodes.line(done.errorOutput))",
                    cause: done.errorOutput)
            }
            try await waitForController()
            if done.succeeded { return }
        }
    }
}
