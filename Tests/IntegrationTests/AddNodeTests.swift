// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import StrictJSON
import Testing

/// Nodes that come and go on a running cluster of each Slurm, while a job runs: a cluster of the test's own, because
/// slurmctld is started again, and jobs and nodes are the whole point.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized) struct AddNodeTests {
    private static let settings = """
        plugins:
          createusers: {type: createusers, usernames: [linus, tux], accounts: [research]}
          gate: {command: FOLDER/gate}

        """

    private func withCluster(_ name: String, _ template: String, _ body: (OwnCluster) async throws -> Void) async throws
    {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/clusters.yaml", Self.settings.replacing("FOLDER", with: folder))
            // A plugin that lets nobody through until it is open.
            try writeFile(
                "\(folder)/gate", "#!/bin/sh\n[ -e '\(folder)/open' ] || { echo closed >&2; exit 1; }\n", mode: 0o755)
            try await OwnCluster.with(name, template, in: folder, body)
        }
    }

    @Test(arguments: [("an12", "demo"), ("an13", "demo13")])
    func aNodeComesAndGoesWhileAJobRuns(_ name: String, _ template: String) async throws {
        try await withCluster(name, template) { bench in
            try writeFile("\(bench.folder)/open", "")
            _ = try await bench.done(["runplugin", "createusers", bench.name])
            _ = try await bench.done(["runplugin", "gate", bench.name])
            let survivor = try await bench.submit("linus", node: "node001", "sleep 3600")
            try await bench.waitForState(survivor, "RUNNING")

            // Not everything could be made there: Slurm knows the node and gives it nothing.
            _ = try await runProgram("/bin/rm", ["\(bench.folder)/open"])
            let held = try await bench.cluster(["addnode", bench.name])
            #expect(held.status != 0 && held.errors.contains("node003 stays drained: "), "\(held)")
            #expect(held.errors.contains("`sally cluster addnode -a node003 \(bench.name)` goes on"), "\(held)")
            #expect(try await bench.machines == ["master", "node001", "node002", "node003"])
            let state = try await bench.on("master", "scontrol --oneliner show node node003")
            #expect(
                state.contains("State=IDLE+DRAIN") && state.contains("Reason=sallyport: node003 stays drained"),
                "\(state)")
            let waiting = try await bench.submit(
                "linus", node: "node003", "uname -n >/home/linus/where; id -u >>/home/linus/where")
            try await eventually("the job waits for the node") {
                try await bench.on("master", "squeue -h -j \(waiting) -o '%T %r'").hasPrefix("PENDING ReqNodeNotAvail")
            }

            // The same command goes on, and the job that waited runs.
            try writeFile("\(bench.folder)/open", "")
            let added = try await bench.done(["addnode", "-a", "node003", "--json", bench.name])
            let report = try JSONValue(parsing: Array(added.output.utf8))
            #expect(report["schema"] == "sally.cluster.addnode/1")
            #expect(report["nodes"]?.array?.first?["name"] == "node003", "\(added)")
            try await bench.waitForState(waiting, "COMPLETED")
            let uid = try await bench.on("node001", "id -u linus")
            #expect(try await bench.on("master", "cat /home/linus/where") == "node003\n\(uid)")
            #expect(try await bench.state(of: survivor) == "RUNNING")

            // All machines have one slurm.conf, one another's names and one another's host keys.
            var files: Set<String> = []
            for node in ["master", "node001", "node002", "node003"] {
                files.insert(try await bench.on(node, "sha256sum /etc/slurm/slurm.conf /etc/slurm/gres.conf"))
                #expect(try await bench.on(node, "getent hosts node003 master").contains("node003"))
            }
            #expect(files.count == 1)
            let ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes"
            #expect(
                try await bench.said(by: "linus", on: "node001", "\(ssh) node003 '\(ssh) node001 uname -n; uname -n'")
                    == "node001\nnode003\n")
            #expect(try await bench.said(by: "tux", on: "node003", "\(ssh) master id -un") == "tux\n")
            #expect(try await bench.said(by: "linus", "srun -N3 uname -n | sort") == "node001\nnode002\nnode003\n")

            // A job keeps its node; who insists ends it.
            let busy = try await bench.submit("tux", node: "node003", "sleep 3600")
            try await bench.waitForState(busy, "RUNNING")
            let asked = try await bench.cluster(["removenode", bench.name, "node003"], input: "something else\n")
            #expect(
                asked.status == SallyError.Code.conflict.exitStatus && asked.errors.contains("was not removed"),
                "\(asked)")
            let refused = try await bench.cluster(["removenode", "--yes", bench.name, "node003"])
            #expect(refused.status == SallyError.Code.conflict.exitStatus, "\(refused)")
            #expect(
                refused.errors.contains("node003 is not removed: jobs 1 running there: \(busy) of tux"), "\(refused)")
            #expect(try await bench.state(of: busy) == "RUNNING")
            let gone = try await bench.done(["removenode", "--yes", "--force", "--json", bench.name, "node003"])
            let removal = try JSONValue(parsing: Array(gone.output.utf8))
            #expect(removal["cancelled"]?.array?.compactMap(\.string) == [busy], "\(gone)")

            #expect(try await bench.machines == ["master", "node001", "node002"])
            #expect(try await bench.on("master", "scontrol show node node003 2>&1 || true").contains("not found"))
            for node in ["master", "node001", "node002"] {
                let traces = "grep -l node003 /etc/ssh/ssh_known_hosts /etc/hosts /etc/slurm/*.conf || true"
                #expect(try await bench.on(node, traces) == "")
                #expect(try await bench.on(node, "grep -c '^node001,' /etc/ssh/ssh_known_hosts") != "0\n")
            }
            #expect(try await bench.state(of: survivor) == "RUNNING")
            let missing = try await bench.cluster(["sshnode", bench.name, "node003", "true"])
            #expect(missing.errors.contains("node 'node003' does not exist"), "\(missing)")
        }
    }

    /// Another node that is down is no reason to do without a new one, and learns of it when it is started.
    @Test func aNodeComesThoughAnotherIsDown() async throws {
        try await withCluster("an13", "demo13") { bench in
            _ = try await bench.done(["runplugin", "createusers", bench.name])
            let podman = bench.stack.administrator
            let stopped = try await runProgram(
                "podman", ["stop", "sallyport-\(bench.name)-node002"], environment: podman)
            #expect(stopped.status == 0, "\(stopped)")
            let added = try await bench.done(["addnode", bench.name])
            #expect(
                added.output == "node003 is a node of cluster \(bench.name)\n" && added.errors.contains("node002"),
                "\(added)")
            let job = try await bench.submit("linus", node: "node003", "true")
            try await bench.waitForState(job, "COMPLETED")
            _ = try await bench.done(["restart", bench.name])
            for node in ["master", "node001", "node002", "node003"] {
                #expect(try await bench.on(node, "getent hosts node003 | awk '{ print $2 }'") == "node003\n")
                #expect(try await bench.on(node, "grep -c ^NodeName=node003 /etc/slurm/slurm.conf") == "1\n")
            }
            // One that is down can go, too.
            _ = try await runProgram("podman", ["stop", "sallyport-\(bench.name)-node002"], environment: podman)
            _ = try await bench.done(["removenode", "--yes", bench.name, "node002"])
            #expect(try await bench.machines == ["master", "node001", "node003"])
        }
    }

    /// Machines that exist already, which here are the containers, by their sshd.
    @Test func aListedMachineGetsItsUsersAndIsForgotten() async throws {
        try await withCluster("an12", "demo") { bench in
            try await AddNodeTests.list(bench, ["node001"])
            _ = try await bench.done(["runplugin", "createusers", "anlab"])
            #expect(try await bench.on("node002", "id linus 2>&1 || true").contains("no such user"))

            let unlisted = try await bench.cluster(["addnode", "-a", "node002", "anlab"])
            #expect(unlisted.status == SallyError.Code.notFound.exitStatus, "\(unlisted)")
            #expect(
                unlisted.errors.contains("`- {name: node002, address: ADDRESS}` under clusters.anlab.nodes"),
                "\(unlisted)")
            try await AddNodeTests.list(bench, ["node001", "node002"])
            let added = try await bench.done(["addnode", "-a", "node002", "anlab"])
            #expect(added.errors.contains("Slurm may use node002 already"), "\(added)")
            let ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes"
            #expect(try await bench.said(by: "linus", on: "node001", "\(ssh) node002 uname -n") == "node002\n")

            let early = try await bench.cluster(["removenode", "anlab", "node002"])
            #expect(
                early.status == SallyError.Code.conflict.exitStatus && early.errors.contains("still listed"), "\(early)"
            )
            try await AddNodeTests.list(bench, ["node001"], hostKeys: .keep)
            _ = try await bench.done(["removenode", "anlab", "node002"])
            for node in ["master", "node001"] {
                #expect(try await bench.on(node, "grep -c node002 /etc/ssh/ssh_known_hosts || true") == "0\n")
            }
            let known = try await Self.text("\(bench.folder)/known").split(separator: "\n")
            #expect(known.count == 2)
            // Nothing on the machine itself was asked for.
            #expect(try await bench.on("node002", "id -un linus") == "linus\n")
            let again = try await bench.cluster(["removenode", "anlab", "node002"])
            #expect(again.status == SallyError.Code.notFound.exitStatus, "\(again)")
        }
    }

    private static func text(_ path: String) async throws -> String {
        try await runProgram("/bin/cat", [path]).output
    }

    private enum HostKeys { case write, keep }

    /// Writes clusters.yaml with the cluster `anlab`: the containers' master and these nodes, over ssh as root.
    private static func list(_ bench: OwnCluster, _ nodes: [String], hostKeys: HostKeys = .write) async throws {
        if try await runProgram("/usr/bin/test", ["-e", "\(bench.folder)/key"]).status != 0 {
            try await SSHNode.makeKey("\(bench.folder)/key", passphrase: "")
        }
        let key = try await text("\(bench.folder)/key.pub").filter { $0 != "\n" }
        let said = try await bench.done(["list", "--json", bench.name])
        let list = try JSONValue(parsing: Array(said.output.utf8))
        var known = ""
        var lines = ""
        for machine in list["clusters"]?.array?.first?["machines"]?.array ?? [] {
            guard let name = machine["name"]?.string, let address = machine["address"]?.string,
                name == "master" || nodes.contains(name)
            else { continue }
            let hostKey = try await bench.on(
                name,
                "umask 077; mkdir -p /root/.ssh; echo '\(key)' >/root/.ssh/authorized_keys; cat /etc/ssh/ssh_host_ed25519_key.pub"
            )
            known += "\(address) \(hostKey)"
            lines += "      - {name: \(name), address: \(address)\(name == "master" ? ", role: controller" : "")}\n"
        }
        if hostKeys == .write { try writeFile("\(bench.folder)/known", known) }
        try writeFile(
            "\(bench.folder)/clusters.yaml",
            settings.replacing("FOLDER", with: bench.folder) + """
                clusters:
                  anlab:
                    provider: inventory
                    login: root
                    identity_file: \(bench.folder)/key
                    known_hosts: \(bench.folder)/known
                    nodes:
                \(lines)
                """)
    }
}
