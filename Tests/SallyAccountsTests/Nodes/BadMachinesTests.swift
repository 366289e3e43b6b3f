// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// Machines that die, are full, or are others than we think: one clear error, the others are done, and the same command
/// again does the rest.
@Suite(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"), .serialized)
struct BadMachinesTests {
    static let expiry = DesiredAccount.Expiry.atFirst(ExpiryDay(days: 30000))

    /// A machine, the program during which it dies (in the place of that program, so that it has done nothing yet), and what
    /// the next run knows of the day on which accounts end: `addnode` knows none.
    static let deaths: [(node: String, program: String, then: DesiredAccount.Expiry)] = [
        ("node001", "systemd-sysusers", expiry), ("master", "systemd-sysusers", expiry), ("master", "chage", expiry),
        ("master", "chmod", expiry), ("master", "chown", expiry), ("master", "systemd-sysusers", .unchanged),
        ("master", "chage", .unchanged),
    ]

    @Test(arguments: deaths) func whoIsKilledIsDoneTheNextTime(
        _ death: (node: String, program: String, then: DesiredAccount.Expiry)
    ) async throws {
        try await NodesBench.with { bench in
            let victim = try #require(bench.nodes.first { $0.node.rawValue == death.node })
            _ = try await victim.run(
                """
                mkdir -p /opt/stand-in && cd /opt/stand-in
                printf '#!/bin/bash\\ntouch /run/reached; exec sleep 1000\\n' >\(death.program); chmod 755 \(death.program)
                """)
            let desk = KeyDesk()
            func run(_ commands: String?, _ expiry: DesiredAccount.Expiry) async throws -> ClusterReport {
                try await bench.run(["ann", "ben"], keys: desk.keys, slurmCommands: commands) { $0.expiry = expiry }
            }
            // Only the machine that dies has the folder that comes first in PATH.
            async let first = Result { try await run("/opt/stand-in", Self.expiry) }
            try await eventually("it is in the middle of it") {
                try await victim.run("ls /run/reached 2>/dev/null || true") == "/run/reached\n"
            }
            let killed = try await victim.podman.call(["kill", victim.container], deadline: .seconds(240)).run()
            #expect(killed.succeeded, "\(killed.errorOutput)")
            let report = try await first.get()
            #expect(!report.isComplete && report.failed.keys.map(\.rawValue) == [death.node], "\(report.failed)")
            let other = try #require(bench.nodes.first { $0.node.rawValue != death.node })
            #expect(try await other.run("id -u ann ben") == "30000\n30001\n")

            let started = try await victim.podman.call(["start", victim.container], deadline: .seconds(240)).run()
            #expect(started.succeeded, "\(started.errorOutput)")
            try await eventually("its sshd listens again") {
                let done = try? await bench.cluster.transport().run(.script("true"), on: victim.node)  // not yet
                return done?.succeeded == true
            }
            let second = try await run(nil, death.then)
            #expect(second.isComplete, "\(second.failures) \(second.plan.conflicts) \(second.failed)")
            let look = """
                id -u ann ben; for name in ann ben; do chage -l $name | sed -n 's/^Account expires.*: //p'; done
                stat -c '%a %U %n' /home/ann /home/ben/.bashrc /home/ben/.ssh/authorized_keys; ls -A /home
                """
            for said in try await bench.everywhere(look) {
                #expect(
                    said
                        == "30000\n30001\nFeb 20, 2052\nFeb 20, 2052\n700 ann /home/ann\n644 ben /home/ben/.bashrc\n"
                        + "600 ben /home/ben/.ssh/authorized_keys\n.sallyport-home\nann\nben\n")
            }
            let third = try await run(nil, death.then)
            #expect(third.isComplete && third.plan.isEmpty, "\(third.plan)")
        }
    }

    @Test func anotherHostKeyIsNoMachineOfOurs() async throws {
        try await NodesBench.with { bench in
            let known = bench.controller.known
            let good = try await runProgram("cat", [known], environment: ["PATH": "/usr/bin:/bin"]).output
            try await SSHNode.makeKey("\(bench.controller.folder)/other", passphrase: "")
            let other = try await runProgram(
                "cat", ["\(bench.controller.folder)/other.pub"], environment: ["PATH": "/usr/bin:/bin"]
            ).output
            let lines = good.split(separator: "\n").filter { !$0.hasPrefix("node001 ") } + ["node001 \(other)"]
            try writeFile(known, lines.joined(separator: "\n"))
            let report = try await bench.run(["ann"])
            #expect(!report.isComplete && report.failures.isEmpty)
            let reason = try #require(report.failed[NodeName("node001")])
            #expect(reason.contains("host key") && !reason.contains("\n"), "\(reason)")
            #expect(try await bench.nodes[1].signIns() == 0)
            #expect(try await bench.controller.run("id -u ann") == "30000\n")
            // What nobody has verified is told to nobody.
            let written = try await bench.controller.run("cat /etc/ssh/ssh_known_hosts")
            #expect(written.contains("master,") && !written.contains("node001"), "\(written)")
            try writeFile(known, good)
            #expect(try await bench.run(["ann"]).isComplete)
            #expect(
                try await bench.everywhere("id -u ann; grep -c ^node001 /etc/ssh/ssh_known_hosts") == [
                    "30000\n1\n", "30000\n1\n",
                ])
        }
    }

    /// /home of node001 is a folder of its own: nobody is half made there, and the same command again does the rest.
    @Test func aMachineWithoutTheHomesGetsNobody() async throws {
        guard let image = TestContainers.nodeImage else { return }
        try await SSHCluster.with(image: image, machines: ["master": [], "node001": []]) { cluster in
            let bench = NodesBench(cluster: cluster, image: image)
            let known =
                "getent passwd ann | cut -d: -f1,3; ls -A /mnt /home; head -c 32 /home/.sallyport-home 2>/dev/null | wc -c"
            let said =
                "/home on node001 is not the file system of master: mount it there, then run the same command again"
            for _ in 1...2 {
                let report = try await bench.run(["ann"])
                #expect(report.failed == [bench.nodes[1].node: said] && report.failures.isEmpty, "\(report)")
                #expect(
                    try await bench.everywhere(known) == [
                        "ann:30000\n/home:\n.sallyport-home\nann\n\n/mnt:\nann\n32\n", "/home:\n\n/mnt:\n0\n",
                    ])
            }
            for node in bench.nodes { #expect(try await node.signIns() == 2) }
            // What addnode asks before Slurm may use a machine.
            func others() async throws -> [NodeName: String] {
                try await ClusterUsers(layout: bench.layout, transport: bench.cluster.transport())
                    .list(.everyMachine).otherHomes
            }
            #expect(try await others() == [bench.nodes[1].node: said])
            let mark = try await bench.controller.run("cat /home/.sallyport-home")
            #expect(
                try await bench.controller.run("stat -c '%u %g %a %F' /home/.sallyport-home")
                    == "0 0 644 regular file\n")
            // As if it were mounted now.
            _ = try await bench.nodes[1].run("printf %s \(shellQuoted(mark)) >/home/.sallyport-home")
            let mounted = try await bench.run(["ann"])
            #expect(mounted.isComplete, "\(mounted.failures) \(mounted.failed)")
            #expect(try await bench.nodes[1].run("id -u ann") == "30000\n")
            #expect(try await bench.run(["ann"]).plan.isEmpty)
            #expect(try await others().isEmpty)
            #expect(try await bench.controller.run("cat /home/.sallyport-home") == mark)
            // One that was there and is gone is said where nothing else is to be done.
            _ = try await bench.nodes[1].run("rm /home/.sallyport-home")
            let lost = try await bench.run(["ann"])
            #expect(lost.plan.isEmpty && lost.failed == [bench.nodes[1].node: said], "\(lost)")
        }
    }

    /// No account without a line of the record.
    @Test func withoutRoomForTheRecordNobodyIsMade() async throws {
        let full = ["--tmpfs", "/var/lib/sallyport:size=64k,mode=0700"]
        try await NodesBench.with(["master": full, "node001": []]) { bench in
            _ = try await bench.controller.run(
                "dd if=/dev/zero of=/var/lib/sallyport/filler bs=4k 2>/dev/null; df --output=avail /var/lib/sallyport")
            let names = (1...60).map { "user\($0)" }
            let report = try await bench.run(names)
            let reason = report.failed[bench.controller.node]
            #expect(reason?.hasPrefix("the managed record ") == true, "\(report.failed)")
            #expect(try await bench.everywhere("getent passwd user1 user60 | wc -l; ls /home") == ["0\n", "0\n"])
            _ = try await bench.controller.run("rm /var/lib/sallyport/filler")
            let again = try await bench.run(names)
            #expect(again.isComplete, "\(again.failures) \(again.failed)")
        }
    }

    /// Nobody gets half a home, and who has one keeps what is in it.
    @Test func withoutRoomForHomesNoHalfOneIsLeft() async throws {
        guard let image = TestContainers.nodeImage else { return }
        let machines = ["master": ["--tmpfs", "/home:size=1m,mode=0755"]]
        try await SSHCluster.with(image: image, machines: machines) { cluster in
            let bench = NodesBench(cluster: cluster, image: image)
            #expect(try await bench.run(["ann"]).isComplete)
            let own = "for i in {1..50}; do echo \"ssh-rsa AAAA$i own\"; done | tee -a .ssh/authorized_keys >all"
            try await bench.run(own, as: "ann")
            // Room for a few more, and the line of ann's own pair is gone.
            _ = try await bench.controller.run(
                """
                sed -i /:nodes/d /home/ann/.ssh/authorized_keys; chown ann:ann /home/ann/.ssh/authorized_keys
                dd if=/dev/zero of=/home/filler bs=4k 2>/dev/null; truncate -s -80k /home/filler
                """)
            let names = ["ann"] + (1...12).map { "user\($0)" }
            let report = try await bench.run(names)
            let failed = Set(report.failures.compactMap(\.user))
            #expect(!failed.isEmpty && failed.count < names.count, "\(report.failures)")
            #expect(
                report.failures.contains { $0.step.detail.contains("No space left on device") }, "\(report.failures)")
            for name in names.dropFirst() {
                let said = try await bench.controller.run(
                    "cd /home/\(name) 2>/dev/null && cmp .bashrc /etc/skel/.bashrc && stat -c %U . && wc -l <.ssh/authorized_keys; true"
                )
                #expect(said == (failed.contains(name) ? "" : "\(name)\n1\n"), "\(name)")
            }
            #expect(try await bench.controller.run("grep -cFxf /home/ann/all /home/ann/.ssh/authorized_keys") == "50\n")
            #expect(try await bench.controller.run("ls -A /home | grep sally || true").isEmpty)
            _ = try await bench.controller.run("rm /home/filler")
            let again = try await bench.run(names)
            #expect(again.isComplete, "\(again.failures) \(again.plan.conflicts)")
            #expect(try await bench.controller.run("ls /home | wc -l") == "13\n")
        }
    }
}

extension Result where Failure == any Error {
    /// What `body` returns or throws.
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
