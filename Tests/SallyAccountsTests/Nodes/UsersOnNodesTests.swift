// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// What making users on machines must not do to them and to whoever is there already.
@Suite(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
struct UsersOnNodesTests {
    /// Whoever is there has what they had: password, full name, shell, home, and what lies in it.
    @Test func usersAreAddedLaterAndNobodyElseIsTouched() async throws {
        try await NodesBench.with { bench in
            let desk = KeyDesk()
            let first = try await bench.run(["ann", "ben"], keys: desk.keys)
            #expect(first.isComplete, "\(first.failures) \(first.failed)")
            _ = try await bench.everywhere("echo ann:of-my-own | chpasswd")
            _ = try await bench.run(
                "echo mine >file; chmod 705 .; mkdir -p .ssh; echo own >.ssh/known_hosts", as: "ann")
            let look = """
                getent passwd ann ben; getent shadow ann ben; getent group ann ben
                find /home/ann /home/ben /mnt/ann /mnt/ben -printf '%p %m %U %G %T@ %s\\n' | sort; cat /home/ann/.ssh/*
                """
            let before = try await bench.everywhere(look)
            #expect(before.allSatisfy { $0.contains("ann:$") }, "\(before)")
            let again = try await bench.run(["ann", "ben"], keys: desk.keys)
            #expect(again.isComplete && again.plan.isEmpty && again.steps.isEmpty, "\(again.plan)")
            let second = try await bench.run(["ann", "ben", "cid"], keys: desk.keys)
            #expect(second.isComplete, "\(second.failures) \(second.failed)")
            #expect(Set(second.steps.compactMap(\.user)) == ["cid"], "\(second.steps)")
            #expect(try await bench.everywhere(look) == before)
            #expect(try await bench.everywhere("id -u cid") == ["30002\n", "30002\n"])
            #expect(await desk.made.count == 3)
        }
    }

    /// Neither by passwd nor group of any machine, nor by a home or for containers; and one near the end moves nobody.
    @Test func whatSomebodyHasAnywhereIsGivenToNobody() async throws {
        try await NodesBench.with { bench in
            let others = """
                useradd --uid 30001 --no-create-home other; groupadd --gid 30002 others; useradd --uid 65533 -M last
                printf 'other:30003:2\\n1234:40000:9\\nnonsense\\n' >/etc/subuid; echo other:30006:1 >/etc/subgid
                """
            _ = try await bench.nodes[1].run(others)
            _ = try await bench.controller.run(
                "mkdir /home/old /home/stray; chown 30000:30000 /home/old; chown 65534:65534 /home/stray")
            let before = try await bench.everywhere("getent passwd; getent group; getent shadow | cut -d: -f1,2")
            let report = try await bench.run(["ann", "ben"])
            #expect(report.isComplete, "\(report.failures) \(report.plan.conflicts)")
            #expect(report.accounts.map(\.uid.rawValue) == [30005, 30007])
            let after = try await bench.everywhere("getent passwd; getent group; getent shadow | cut -d: -f1,2")
            for (before, after) in zip(before, after) {
                let lines = Set(after.split(separator: "\n"))
                #expect(before.split(separator: "\n").allSatisfy(lines.contains), "\(after)")
            }
        }
    }

    /// A home of root's, or of a system account's, is nobody's, whatever the settings say.
    @Test func aHomeOfRootsMakesNobodyRoot() async throws {
        try await NodesBench.with { bench in
            _ = try await bench.controller.run(
                "mkdir /home/ann /home/ben /home/dan; chown daemon /home/ben; chown 34567:34567 /home/dan")
            let report = try await bench.run(["ann", "ben", "cid", "dan"]) { $0.adoptsHome = true }
            #expect(report.plan.conflicts.map(\.user.rawValue) == ["ann", "ben"], "\(report.plan.conflicts)")
            for (conflict, owner) in zip(report.plan.conflicts, [0, 1]) {
                #expect(conflict.reason.contains("/home/\(conflict.user) belongs to uid \(owner), not to "))
            }
            let look =
                "getent passwd ann ben; id -u cid dan; stat -c '%U %a' /home/ann /home/ben; awk -F: '$3 == 0' /etc/passwd | wc -l"
            #expect(
                try await bench.everywhere(look)
                    == Array(repeating: "30002\n34567\nroot 755\ndaemon 755\n1\n", count: 2))
        }
    }

    /// Of any machine, and outside of the uids that are chosen from: who has a home of somebody's containers is left alone.
    @Test func aHomeOfSomebodysContainersIsNobodys() async throws {
        try await NodesBench.with { bench in
            _ = try await bench.nodes[1].run("echo eve:200000:65536 >/etc/subuid")
            _ = try await bench.controller.run(
                "mkdir /home/ann /home/ben; chown 200007:200007 /home/ann; chown 34567:34567 /home/ben")
            let report = try await bench.run(["ann", "ben"]) { $0.adoptsHome = true }
            let reason = "uid 200007 of ann belongs to containers of eve there (/etc/subuid, /etc/subgid)"
            #expect(report.plan.conflicts.map(\.reason) == [reason], "\(report.plan.conflicts)")
            #expect(report.plan.conflicts.map(\.node.rawValue) == ["node001"] && report.failures.isEmpty)
            #expect(
                try await bench.everywhere("getent passwd ann; id -u ben; stat -c %u /home/ann")
                    == Array(repeating: "34567\n200007\n", count: 2))
        }
    }

    /// Who has another shell than is wanted, and who had it while it was there, is told as whoever is new.
    @Test func withoutTheirShellNobodyIsMade() async throws {
        try await NodesBench.with { bench in
            func run(_ names: [String]) async throws -> ClusterReport {
                try await bench.run(names) { $0.shell = "/opt/shell" }
            }
            #expect(try await bench.run(["ann"]).isComplete)
            _ = try await bench.controller.run("cp /bin/sh /opt/shell")
            for _ in 1...2 {
                let report = try await run(["ann", "ben"])
                let failures = report.failures.map { "\($0.step.place) \($0.user ?? "") \($0.step.detail)" }
                #expect(
                    failures == ["ann", "ben"].map { "node001 \($0) shell /opt/shell does not exist" }, "\(failures)")
                #expect(
                    try await bench.everywhere("getent passwd ann ben | cut -d: -f1,7") == [
                        "ann:/opt/shell\nben:/opt/shell\n", "ann:/bin/bash\n",
                    ])
            }
            _ = try await bench.nodes[1].run("cp /bin/sh /opt/shell")
            let report = try await run(["ann", "ben"])
            #expect(report.isComplete, "\(report.failures)")
            _ = try await bench.nodes[1].run("chmod -x /opt/shell")
            let gone = try await run(["ann", "ben"]).failures
            #expect(gone.map(\.user) == ["ann", "ben"] && gone.allSatisfy { $0.step.place == "node001" }, "\(gone)")
        }
    }

    /// There are no passwords. Root's own keys stay where they are, and the administrator's are in nobody's files.
    @Test func nobodyHasAPasswordAndNobodyHasRootsKeys() async throws {
        try await NodesBench.with { bench in
            let look = "cd /root && find . -type f | sort | xargs sha256sum"
            let before = try await bench.everywhere(look)
            let desk = KeyDesk()
            let report = try await bench.run(["ann", "ben"], keys: desk.keys)
            #expect(report.isComplete, "\(report.failures)")
            #expect(try await bench.everywhere(look) == before)
            for said in try await bench.everywhere("getent shadow ann ben | cut -d: -f2") {
                #expect(said.split(separator: "\n").count == 2)
                #expect(said.split(separator: "\n").allSatisfy { $0.hasPrefix("!") || $0 == "*" }, "\(said)")
            }
            // What the administrator signs in with, and the private halves that were handed out.
            let own = try await bench.controller.run("awk 'NF { print $2 }' /root/.ssh/authorized_keys")
            let places = "/home /etc /var/lib /mnt"
            #expect(try await bench.controller.run("grep -rlF \(own.dropLast()) \(places) || true").isEmpty)
            for pair in await desk.made.values {
                let secret = pair.privateKey.reveal().split(separator: "\n")[2]
                for said in try await bench.everywhere("grep -rlF \(secret) /root \(places) || true") {
                    #expect(said.isEmpty)
                }
            }
            #expect(try await bench.nodes[1].run("grep -rl 'PRIVATE KEY' /root || true").isEmpty)
        }
    }

    /// Every program that the scripts start is one that writes down its arguments and environment first.
    @Test func whatIsSecretIsOnNoCommandLine() async throws {
        try await NodesBench.with(["master": []]) { bench in
            _ = try await bench.controller.run(
                """
                mkdir /opt/watched && cd /opt/watched && touch /var/log/words && chmod 666 /var/log/words
                for program in /usr/sbin/* /usr/bin/*; do
                    name=${program##*/}
                    [ -x "$program" ] || continue
                    printf '#!/bin/bash -p\\n{ echo; printf "%%s\\\\n" "$0" "$@"; /usr/bin/cat /proc/self/environ; } >>/var/log/words\\nexec %s "$@"\\n' \\
                        "$program" >$name
                done
                chmod 755 *
                """)
            let desk = KeyDesk()
            _ = try await bench.run(["ann", "cid"], keys: desk.keys, slurmCommands: "/opt/watched")
            // Somebody whose home is there gets keys from a process of their own.
            _ = try await bench.run("rm -r .ssh", as: "ann")
            _ = try await bench.run("rm .ssh/authorized_keys", as: "cid")
            let report = try await bench.run(["ann", "ben", "cid"], keys: desk.keys, slurmCommands: "/opt/watched")
            #expect(report.isComplete, "\(report.failures)")
            let programs = try await bench.controller.run("grep -aoE '^/opt/watched/[a-z-]+$' /var/log/words | sort -u")
            for name in ["setpriv", "systemd-sysusers", "ssh-keygen", "chown"] {
                #expect(programs.contains("/opt/watched/\(name)\n"), "\(programs)")
            }
            // Beginnings of what is secret in the two forms that private keys have.
            let bad = "grep -acE 'PRIVATE KEY|b3BlbnNzaC1rZXktdjE|MII' /var/log/words || true"
            #expect(try await bench.controller.run(bad) == "0\n")
            for user in ["ann", "ben", "cid"] {
                let key = try await bench.run("sed -n 3p .ssh/id_ed25519", as: user)
                #expect(try await bench.controller.run("grep -acF \(key.dropLast()) /var/log/words || true") == "0\n")
            }
        }
    }

    /// A folder is given to its user when it is made. What is put into it later has the owner that it has.
    @Test func scratchIsGivenOnce() async throws {
        try await NodesBench.with { bench in
            #expect(try await bench.run(["ann"]).isComplete)
            _ = try await bench.everywhere(
                "touch /mnt/ann/of-another; chown 34567:34567 /mnt/ann/of-another; rm /scratch/ann; mkdir /mnt/volume")
            let report = try await bench.run(["ann", "volume"])
            #expect(report.failures.compactMap(\.user) == ["volume", "volume"], "\(report.failures)")
            for said in try await bench.everywhere(
                "stat -c '%u:%g %a' /mnt/ann /mnt/ann/of-another /mnt/volume; readlink /scratch/ann")
            {
                #expect(said == "30000:30000 700\n34567:34567 644\n0:0 755\n/mnt/ann\n")
            }
        }
    }

    /// (what users have made of their folders, what is said of it; nil where there is nothing to say)
    static let tricks: [(user: String, trick: String, said: String?)] = [
        ("ann", "rm -r .ssh; ln -s /etc .ssh", "~/.ssh is a link"),
        ("ben", "rm .ssh/authorized_keys; ln -s /etc/shadow .ssh/authorized_keys", "authorized_keys is a link"),
        ("cid", "rm -f .ssh/known_hosts; ln -s /etc/shadow .ssh/known_hosts; rm .ssh/authorized_keys", nil),
        ("dan", "rm .ssh/id_ed25519; ln -s /etc/shadow .ssh/id_ed25519", "id_ed25519 is not a file"),
        // Without a newline at the end, which the next line must not be glued to.
        ("eve", "printf %s 'ssh-rsa AAAA own' >.ssh/authorized_keys", nil),
        ("fay", "printf 'own\\0key\\n' >>.ssh/authorized_keys", "authorized_keys cannot be read"),
    ]

    @Test func whatAUserMadeOfTheFolderIsNotFollowed() async throws {
        try await NodesBench.with(["master": []]) { bench in
            let names = Self.tricks.map(\.user)
            let desk = KeyDesk()
            #expect(try await bench.run(names, keys: desk.keys).isComplete)
            for (user, trick, _) in Self.tricks { _ = try await bench.run(trick, as: user) }
            let look =
                "stat -c '%n %U %G %a %Y' /etc /etc/shadow; sha256sum /etc/shadow /home/fay/.ssh/*; ls -A /etc"
            let before = try await bench.controller.run(look)
            let report = try await bench.run(names, keys: desk.keys)
            let failures = report.failures.sorted { ($0.user ?? "") < ($1.user ?? "") }
            let expected = Self.tricks.filter { $0.said != nil }
            #expect(failures.map(\.user) == expected.map(\.user), "\(failures)")
            for (failure, trick) in zip(failures, expected) {
                #expect(failure.step.detail.contains(trick.said ?? ""), "\(failure)")
            }
            #expect(try await bench.controller.run(look) == before)
            let lines = try await bench.controller.run("cat /home/eve/.ssh/authorized_keys").split(separator: "\n")
            #expect(lines.count == 3 && lines.first == "ssh-rsa AAAA own", "\(lines)")
            #expect(try await bench.controller.run("grep -c sally:lab: /home/cid/.ssh/authorized_keys") == "2\n")
        }
    }
}
