// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyClusters

#if canImport(Glibc)
import Glibc
#endif

/// `put` and `get` against a real sshd, and the same over podman exec.
@Suite(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
struct FileCopyTests {
    /// What programs say is kept in a file.
    private func withLab(_ body: (Lab, FileCopy, FileCopy, String) async throws -> Void) async throws {
        try await Lab.with { lab in
            try await lab.addUser("ann")
            for (index, lab) in [lab, lab.overPodman].enumerated() {
                let work = "\(lab.ssh.folder)/work\(index)"
                try Disk.makeFolder(work, mode: 0o755)
                let errors = open("\(work)/errors", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
                defer { close(errors) }
                try await body(lab, lab.copy(as: "ann", errors: errors), lab.copy(as: "root", errors: errors), work)
            }
        }
    }

    private func failure(_ body: () async throws -> Void) async -> SallyError? {
        do {
            try await body()
            return nil
        } catch { return error as? SallyError }
    }

    /// A tree with what copying has to keep: modes, links, names.
    private func makeTree(_ folder: String) throws {
        try Disk.makeFolder(folder, mode: 0o750)
        try Disk.makeFolder("\(folder)/sub dir", mode: 0o700)
        try writeFile("\(folder)/sub dir/it's;-x", "one\ntwo", mode: 0o741)
        try writeFile("\(folder)/suid", "s", mode: 0o4755)
        symlink("nowhere", "\(folder)/link")
    }

    @Test func whatWasPutAndGotIsTheSame() async throws {
        try await withLab { lab, ann, _, work in
            try makeTree("\(work)/tree")
            let big = String(repeating: "0123456789abcdef\n", count: 100_000)
            try writeFile("\(work)/big", big, mode: 0o640)
            let put = try await ann.put(["\(work)/big", "\(work)/tree"], to: ".")
            #expect(put.map(\.to) == ["big", "tree"])
            #expect(put.map(\.bytes) == [1_700_000, 8])
            let owners = try await lab.ssh.run("find /home/ann/big /home/ann/tree -printf '%u %m %P\\n' | sort")
            #expect(
                owners == "ann 640 \nann 700 sub dir\nann 741 sub dir/it's;-x\nann 750 \nann 755 suid\nann 777 link\n")

            try Disk.makeFolder("\(work)/back", mode: 0o755)
            let got = try await ann.get(["big", "/home/ann/tree"], to: "\(work)/back")
            #expect(got.map(\.bytes) == [1_700_000, 8])
            #expect(try String(contentsOfFile: "\(work)/back/big", encoding: .utf8) == big)
            #expect(permissions(of: "\(work)/back/big") == 0o640)
            #expect(permissions(of: "\(work)/back/tree/sub dir/it's;-x") == 0o741)
            #expect(permissions(of: "\(work)/back/tree/sub dir") == 0o700)
            #expect(permissions(of: "\(work)/back/tree/suid") == 0o755)
            #expect(Disk.names(in: "\(work)/back") == ["big", "tree"])
            let left = try await lab.ssh.run("ls -A /home/ann; rm -rf /home/ann/big /home/ann/tree")
            #expect(!left.contains(".sally-put"))
        }
    }

    @Test func oneThingMayGetAnotherName() async throws {
        try await withLab { lab, ann, _, work in
            try writeFile("\(work)/file", "new")
            _ = try await lab.ssh.run("rm -rf /home/ann/x; ln -s /etc/hostname /home/ann/x")
            let put = try await ann.put(["\(work)/file"], to: "~/x")
            #expect(put.map(\.to) == ["./x"] || put.map(\.to) == ["x"])
            // The link is replaced, not followed.
            #expect(try await lab.ssh.run("cat /home/ann/x; stat -c %F /home/ann/x") == "newregular file\n")
            _ = try await ann.get(["x"], to: "\(work)/y")
            #expect(try String(contentsOfFile: "\(work)/y", encoding: .utf8) == "new")
        }
    }

    @Test func aFolderThatIsThereGetsWhatIsNew() async throws {
        try await withLab { lab, ann, _, work in
            try makeTree("\(work)/tree")
            _ = try await lab.ssh.run("rm -rf /home/ann/tree")
            _ = try await ann.put(["\(work)/tree"], to: ".")
            _ = try await lab.ssh.run("touch /home/ann/tree/kept")
            try writeFile("\(work)/tree/suid", "changed", mode: 0o600)
            _ = try await ann.put(["\(work)/tree"], to: ".")
            #expect(try await lab.ssh.run("cd /home/ann/tree; ls; cat suid") == "kept\nlink\nsub dir\nsuid\nchanged")

            _ = try await ann.get(["tree"], to: work)
            #expect(Disk.names(in: "\(work)/tree") == ["kept", "link", "sub dir", "suid"])
        }
    }

    @Test func whatIsMissingIsSaidAsDocumented() async throws {
        try await withLab { _, ann, _, work in
            try writeFile("\(work)/a", "a")
            try writeFile("\(work)/b", "b")
            let local = await failure { _ = try await ann.put(["\(work)/nope"], to: ".") }
            #expect(local?.message == "Local file or directory does not exist: \(work)/nope")
            for place in ["nowhere/x", "nowhere/", "/nowhere/x"] {
                let remote = await failure { _ = try await ann.put(["\(work)/a"], to: place) }
                #expect(remote?.message == "Remote path does not exist: \(place)")
                #expect(remote?.code == .notFound)
            }
            let many = await failure { _ = try await ann.put(["\(work)/a", "\(work)/b"], to: "nowhere") }
            #expect(many?.message == "Remote path does not exist: nowhere")
            let file = await failure { _ = try await ann.put(["\(work)/a", "\(work)/b"], to: "/etc/hostname") }
            #expect(file?.message == "remote path is not a folder: /etc/hostname")
            let source = await failure { _ = try await ann.get(["/etc/hostname", "no such"], to: work) }
            #expect(source?.message == "Remote file or directory does not exist: no such")
            for place in ["\(work)/no/x", "\(work)/no/"] {
                let target = await failure { _ = try await ann.get(["/etc/hostname"], to: place) }
                #expect(target?.message == "Local file or directory does not exist: \(place)")
            }
            let twice = await failure {
                _ = try await ann.get(["/etc/hostname", "/proc/sys/kernel/hostname"], to: work)
            }
            #expect(twice?.message == "two of the paths are called hostname")
            #expect(Disk.names(in: work).sorted() == ["a", "b", "errors"])
        }
    }

    @Test func whatTheUserMayNotDoIsNotDone() async throws {
        try await withLab { lab, ann, _, work in
            try writeFile("\(work)/a", "a")
            let into = await failure { _ = try await ann.put(["\(work)/a"], to: "/etc/motd") }
            #expect(into?.message == "a was not copied")
            let secret = await failure { _ = try await ann.get(["/etc/shadow"], to: "\(work)/shadow") }
            #expect(secret?.message == "shadow was not copied")
            #expect(Disk.names(in: work) == ["a", "errors"])
            let nobody = try lab.copy(as: "nobody9", errors: 2)
            let user = await failure { _ = try await nobody.put(["\(work)/a"], to: ".") }
            #expect(user?.message == "user nobody9 does not exist on master")
            #expect(user?.code == .notFound)
        }
    }

    @Test func rootFollowsNoLinkOfAUsers() async throws {
        try await withLab { lab, ann, root, work in
            try writeFile("\(work)/evil", "evil")
            try Disk.makeFolder("\(work)/tree", mode: 0o755)
            try writeFile("\(work)/tree/evil", "evil")
            _ = try await lab.ssh.run(
                """
                cd /home/ann
                rm -rf etc shadow sub tree real
                runuser -u ann -- ln -s /etc etc
                runuser -u ann -- ln -s /etc/shadow shadow
                runuser -u ann -- mkdir tree real
                """)
            for place in ["/home/ann/etc", "/home/ann/etc/evil", "/home/ann/../ann/etc/"] {
                let put = await failure { _ = try await root.put(["\(work)/evil"], to: place) }
                #expect(put?.code == .denied)
                #expect(put?.message == "master: etc is a link of a user, and root follows none: name the user with -u")
            }
            for source in ["/home/ann/shadow", "/home/ann/etc/shadow"] {
                let got = await failure { _ = try await root.get([source], to: "\(work)/got") }
                #expect(got?.code == .denied)
            }
            let merged = await failure { _ = try await root.put(["\(work)/tree"], to: "/home/ann") }
            #expect(merged?.code == .denied)
            #expect(try await lab.ssh.run("ls /etc/evil 2>/dev/null || echo none") == "none\n")
            #expect(!exists("\(work)/got"))

            // A file of root's may go into a folder of a user's: by a rename, which follows nothing.
            _ = try await lab.ssh.run("runuser -u ann -- ln -s /etc/passwd /home/ann/real/evil")
            _ = try await root.put(["\(work)/evil"], to: "/home/ann/real")
            #expect(
                try await lab.ssh.run("cat /home/ann/real/evil; stat -c %U%F /home/ann/real/evil")
                    == "evilrootregular file\n")
            // The user's own links are the user's own affair.
            let own = await failure { _ = try await ann.put(["\(work)/evil"], to: "/home/ann/etc/evil") }
            #expect(own?.message == "evil was not copied")
        }
    }

    @Test func whatIsGivenUpLeavesNothing() async throws {
        try await withLab { lab, ann, _, work in
            // What the copy itself would tidy with takes longer than it is left alone.
            _ = try await lab.ssh.run(
                "printf '#!/bin/sh\\nsleep 5\\nexec /usr/bin/rm \"$@\"\\n' >/usr/local/bin/rm; chmod 755 /usr/local/bin/rm"
            )
            // Larger than can have come before it is given up.
            try writeFile("\(work)/endless", "")
            #expect(truncate("\(work)/endless", 1 << 34) == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await ann.put(["\(work)/endless"], to: ".") }
                try await eventually("the draft is there") {
                    try await lab.ssh.run("ls -A /home/ann").contains(".sally-put.")
                }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            let left = try await lab.ssh.run("ls -A /home/ann")
            #expect(!left.contains(".sally-put.") && !left.contains("endless"))
        }
    }

    /// A user who can write into the stream sends what a copy never holds.
    @Test func whatComesIsAStrangers() async throws {
        try await withScratchFolder { folder in
            let draft = try LocalCopy.draft(in: folder)
            #expect(permissions(of: draft) == 0o700)
            #expect(throws: SallyError.self) { try LocalCopy.settle(draft, as: "\(folder)/x") }
            #expect(mkfifo("\(draft)/pipe", 0o600) == 0)
            let refused = await failure { try LocalCopy.settle(draft, as: "\(folder)/x") }
            #expect(refused?.message == "what came holds something that is no file, folder or link")
            #expect(!exists("\(folder)/x"))
            unlink("\(draft)/pipe")
            try writeFile("\(draft)/f", "x", mode: 0o4777)
            try LocalCopy.settle(draft, as: "\(folder)/x")
            #expect(permissions(of: "\(folder)/x") == 0o777)
            try writeFile("\(draft)/f", "x")
            try writeFile("\(draft)/g", "x")
            #expect(throws: SallyError.self) { try LocalCopy.settle(draft, as: "\(folder)/x") }
        }
    }
}
