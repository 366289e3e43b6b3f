// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Synchronization
import Testing

/// ssh between real nodes, keys to sign in with, scratch folders. Nothing else makes accounts meanwhile: what somebody else
/// writes between two looks is no finding here.
@Suite(.enabled(if: StewardBench.isWanted, "SALLYPORT_CLUSTER_JSON names no cluster"), .serialized)
struct TrustOnSlurmTests {
    /// Makes pairs and remembers them, as an archive would.
    final class Desk: Sendable {
        private let pairs = Mutex<[UserName: KeyPair]>([:])
        var made: [UserName: KeyPair] { pairs.withLock { $0 } }

        var source: ClusterSetup.KeySource {
            { users in
                for user in users {
                    let pair = try KeyPair.make(.ed25519, comment: "\(user)")
                    self.pairs.withLock { $0[user] = pair }
                }
                return self.made.filter { users.contains($0.key) }.mapValues(\.publicKey)
            }
        }
    }

    static func setup(_ bench: StewardBench, _ keys: ClusterSetup.Keys) throws -> ClusterSetup {
        ClusterSetup(
            trust: try SSHTrust(cluster: bench.name, networks: [bench.subnet]), addresses: [:], keys: keys,
            scratch: try ClusterSetup.Scratch(folders: "/mnt", links: "/scratch"))
    }

    static func run(_ bench: StewardBench, _ users: [UserRequest], _ setup: ClusterSetup) async throws -> ClusterReport
    {
        try await ClusterRun(
            layout: bench.engine().layout, transport: bench.transport, users: users, setup: setup, uids: 61000...61999,
            dryRun: false, by: "root", told: { _ in }
        ).run()
    }

    private static func asUser(_ user: UserName, _ script: String) -> String {
        "setpriv --reuid=$(id -u \(user)) --regid=$(id -g \(user)) --init-groups env -i HOME=/home/\(user) USER=\(user) "
            + "PATH=/usr/bin:/bin bash -c \(shellQuoted("cd; \(script)"))"
    }

    private static let ssh = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20"

    @Test func goesFromNodeToNodeWithoutAPassword() async throws {
        try await StewardBench.with { bench in
            let users = try EngineOnSlurmTests.requests(bench, 3)
            let desk = Desk()
            let setup = try Self.setup(bench, .init(brought: [:], source: desk.source, renew: false))
            let report = try await Self.run(bench, users, setup)
            #expect(report.isComplete, "\(report.failures) \(report.plan.conflicts) \(report.failed)")
            #expect(desk.made.count == 3)
            for user in users.map(\.name) {
                for (from, to) in [(bench.nodes[0], bench.nodes[1]), (bench.nodes[1], bench.nodes[0])] {
                    let said = try await bench.run(Self.asUser(user, "\(Self.ssh) \(to) 'id -un; uname -n'"), on: from)
                    #expect(said == "\(user)\n\(to)\n")
                }
                // The key that was handed out opens the door from outside, which here is another machine's root.
                let pair = try #require(desk.made[user])
                let said = try await bench.run(
                    "umask 077; printf '%b' \(shellQuoted(pair.privateKey.reveal().replacing("\n", with: "\\n"))) >/root/k; "
                        + "\(Self.ssh) -i /root/k -o IdentitiesOnly=yes \(user)@\(bench.nodes[1]) id -un; rm -f /root/k",
                    on: bench.nodes[0])
                #expect(said == "\(user)\n")
                // No private half of it is anywhere in the home.
                let secret = pair.privateKey.reveal().split(separator: "\n").dropFirst().prefix(2).joined()
                #expect(try await bench.run("grep -rlF \(shellQuoted(secret)) /home/\(user) || true").isEmpty)
                let modes = try await bench.run(
                    "cd /home/\(user); stat -c '%a %U %n' . .ssh .ssh/authorized_keys .ssh/id_ed25519 /mnt/\(user); readlink /scratch/\(user)"
                )
                #expect(
                    modes
                        == "700 \(user) .\n700 \(user) .ssh\n600 \(user) .ssh/authorized_keys\n600 \(user) .ssh/id_ed25519\n700 \(user) /mnt/\(user)\n/mnt/\(user)\n"
                )
            }
            let again = try await Self.run(bench, users, setup)
            #expect(again.isComplete && again.plan.isEmpty, "\(again.plan)")
            #expect(desk.made.count == 3)
        }
    }

    /// What people put there stays; what is missing comes back; a new key takes the old one's place.
    @Test func keepsWhatIsTheUsers() async throws {
        try await StewardBench.with { bench in
            let users = try EngineOnSlurmTests.requests(bench, 1)
            let user = users[0].name
            let desk = Desk()
            let setup = try Self.setup(bench, .init(brought: [:], source: desk.source, renew: false))
            _ = try await Self.run(bench, users, setup)
            let own = try KeyPair.make(.ed25519, comment: "of my own").publicKey.line(comment: "of my own")
            // Without a newline at the end, which the next line must not be glued to.
            _ = try await bench.run(
                Self.asUser(
                    user,
                    "grep -v :nodes .ssh/authorized_keys >a; printf '%s' \(shellQuoted(own)) >>a; mv a .ssh/authorized_keys; chmod 755 .ssh; touch /mnt/\(user)/mine"
                ))
            let report = try await Self.run(bench, users, setup)
            #expect(report.isComplete, "\(report.failures) \(report.plan.conflicts)")
            let lines = try await bench.run("cat /home/\(user)/.ssh/authorized_keys; stat -c %a /home/\(user)/.ssh")
                .split(separator: "\n").map(String.init)
            #expect(lines.count == 4 && lines.contains(own) && lines.last == "700", "\(lines)")
            let first = try #require(desk.made[user])
            let renewed = try await Self.run(
                bench, users, try Self.setup(bench, .init(brought: [:], source: desk.source, renew: true)))
            #expect(renewed.isComplete)
            let after = try await bench.run("cat /home/\(user)/.ssh/authorized_keys")
            #expect(!after.contains(first.publicKey.description))
            #expect(after.contains(try #require(desk.made[user]).publicKey.description) && after.contains(own))
            // A key of one's own is brought instead.
            let brought = try KeyPair.make(.ed25519, comment: "").publicKey
            _ = try await Self.run(
                bench, users, try Self.setup(bench, .init(brought: [user: brought], source: nil, renew: false)))
            let last = try await bench.run("cat /home/\(user)/.ssh/authorized_keys; ls /mnt/\(user)")
            #expect(last.contains("\(brought) sally:") && last.contains(own) && last.hasSuffix("\nmine\n"))
            #expect(last.split(separator: "\n").count == 4, "\(last)")
        }
    }

    /// (what the user has made of the folder, what is said of it)
    @Test(arguments: [
        ("rm -rf .ssh; ln -s /etc .ssh", "~/.ssh is a link"),
        ("rm .ssh/authorized_keys; ln -s /etc/passwd .ssh/authorized_keys", "authorized_keys is a link"),
        ("rm .ssh/authorized_keys; mkfifo .ssh/authorized_keys", "authorized_keys is not a file"),
        ("rm .ssh/id_ed25519; mkfifo .ssh/id_ed25519", "id_ed25519 is not a file"),
        ("head -c 300000 /dev/zero >>.ssh/authorized_keys", "over 256 KiB"),
        (
            "rm -f .ssh/id_ed25519 .ssh/authorized_keys; ssh-keygen -q -t ed25519 -N secret -f .ssh/id_ed25519",
            "passphrase"
        ),
    ]) func followsNoLinkOfAUsers(_ trick: String, _ reason: String) async throws {
        try await StewardBench.with { bench in
            let users = try EngineOnSlurmTests.requests(bench, 2)
            let setup = try Self.setup(bench, .init(brought: [:], source: Desk().source, renew: false))
            _ = try await Self.run(bench, users, setup)
            let look =
                "stat -c '%n %U %a' /etc /etc/passwd; ls -d /etc/authorized_keys* /etc/id_ed25519* 2>/dev/null; grep sally: /etc/passwd"
            let before = try await bench.run(look)
            _ = try await bench.run(Self.asUser(users[0].name, trick))
            _ = try await bench.run(Self.asUser(users[1].name, "rm .ssh/authorized_keys"))
            let report = try await Self.run(bench, users, setup)
            #expect(report.failures.map(\.user) == [users[0].name.rawValue], "\(report.failures)")
            #expect(report.failures.first?.step.detail.contains(reason) == true, "\(report.failures)")
            #expect(try await bench.run(look) == before && before.hasPrefix("/etc root 755\n"))
            // The other one was helped all the same.
            #expect(
                try await bench.run("grep -c sally: /home/\(users[1].name)/.ssh/authorized_keys") == "2\n")
        }
    }

    /// What lies where a scratch folder belongs is not given to anybody.
    @Test func takesNoFolderOfOthers() async throws {
        try await StewardBench.with { bench in
            let users = try EngineOnSlurmTests.requests(bench, 2)
            let taken = users[0].name
            _ = try await bench.run("mkdir -m 755 /mnt/\(taken)", on: bench.nodes[1])
            let report = try await Self.run(
                bench, users, try Self.setup(bench, .init(brought: [:], source: nil, renew: false)))
            #expect(report.failures.map(\.user) == [taken.rawValue], "\(report.failures)")
            #expect(report.failures.first?.step.detail.contains("is not a folder of uid") == true)
            #expect(
                try await bench.run("stat -c '%U %a' /mnt/\(taken); rmdir /mnt/\(taken)", on: bench.nodes[1])
                    == "root 755\n")
            #expect(try await bench.run("stat -c %U /mnt/\(users[1].name)", on: bench.nodes[1]) == "\(users[1].name)\n")
        }
    }

    /// Lines of others in the system's known hosts stay; ours are there once.
    @Test func sharesTheFileOfKnownHosts() async throws {
        try await StewardBench.with { bench in
            let file = "/etc/ssh/ssh_known_hosts"
            let foreign =
                "elsewhere.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIElsewhereElsewhereElsewhereElsewhereElsew"
            _ = try await bench.run("printf '%s\\n' '\(foreign)' >>\(file)", on: bench.nodes[1])
            let users = try EngineOnSlurmTests.requests(bench, 1)
            for _ in 0..<2 {
                _ = try await Self.run(
                    bench, users, try Self.setup(bench, .init(brought: [:], source: nil, renew: false)))
            }
            let lines = try await bench.run("cat \(file)", on: bench.nodes[1]).split(separator: "\n").map(String.init)
            #expect(lines.count { $0 == foreign } == 1)
            #expect(lines.count { $0 == "# sallyport begin \(bench.name)" } == 1)
            for node in bench.nodes {
                #expect(lines.count { $0.hasPrefix("\(node),") && $0.contains(" ssh-ed25519 ") } == 1, "\(lines)")
            }
            _ = try await bench.run("sed -i '/^elsewhere/d' \(file)", on: bench.nodes[1])
        }
    }
}
