// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

/// What stands in the way of an archive is left as it is, and nothing is left behind.
@Suite struct KeyArchiveRefusalTests {
    private static let file = "mycluster-us-east-1.tar.gz"

    /// Shell commands that make `$1` an archive, in a folder of their own with `key` (a good RSA key) in it, and a word of
    /// why it is left alone.
    static let foreign: [(String, String)] = [
        (
            "echo password >users.txt; cp key user001.rsa; tar -czf $1 ./users.txt ./user001.rsa",
            "passwords in clear text"
        ),
        ("cp key user001.rsa; cp key notes; tar -czf $1 ./user001.rsa ./notes", "\"./notes\" in it is no key"),
        ("cp key user001.rsa; tar -czf $1 user001.rsa", "is no key of a user"),
        ("cp key root.rsa; tar -czf $1 ./root.rsa", "is no key of a user"),
        ("cp key user001.pem; tar -czf $1 ./user001.pem", "is no key of a user"),
        ("mkdir sub; cp key sub/user001.rsa; tar -czf $1 ./sub", "is no key of a user"),
        ("ln -s /etc/passwd user001.rsa; tar -czf $1 ./user001.rsa", "neither a file nor a folder"),
        (
            "cp key user001.rsa; ln user001.rsa user002.rsa; tar -czf $1 ./user001.rsa ./user002.rsa",
            "neither a file nor"
        ),
        ("cp key user001.rsa; tar -czf $1 ./user001.rsa ./user001.rsa --hard-dereference", "has two keys"),
        ("echo hello >user001.rsa; tar -czf $1 ./user001.rsa", "is no private key of its type"),
        ("cp key user001.ed25519; tar -czf $1 ./user001.ed25519", "is no private key of its type"),
        ("head -c 20000 /dev/zero >user001.rsa; tar -czf $1 ./user001.rsa", "has more than 16384 bytes"),
        ("head -c 100000000 /dev/zero | gzip >$1", "unpacks to more than"),
        ("echo hello >$1", "not gzip's"),
        (": >$1", "not gzip's"),
        ("echo hello | gzip >$1", "cut off"),
        ("cp key user001.rsa; tar -cz ./user001.rsa | head -c 300 >$1", "not gzip's"),
        ("cp key user001.rsa; (tar -cz ./user001.rsa; echo more) >$1", "not gzip's"),
        ("ln -s key $1", "is a link"),
        ("mkdir $1", "is not a regular file"),
        ("mkfifo $1", "is not a regular file"),
        ("cp key user001.rsa; tar -czf $1 ./user001.rsa; chmod 620 $1", "can be written by others"),
    ]

    @Test(arguments: foreign) func leavesAlone(_ setup: String, _ reason: String) async throws {
        try await withScratchFolder { scratch in
            let (work, folder) = ("\(scratch)/work", "\(scratch)/keys")
            for made in [work, folder] { mkdir(made, 0o700) }
            let path = "\(folder)/\(Self.file)"
            try writeFile("\(work)/key", try freshKey(users(1)[0], .rsa).pair.privateKey.reveal())
            let script = "umask 077; cd \(work); \(setup.replacing("$1", with: path))"
            let made = try await runTool("bash", ["-c", script])
            #expect(made.status == 0, "\(made)")
            func state() async throws -> String {
                try await runTool("bash", ["-c", "ls -AlR --full-time \(folder); [ -f \(path) ] && sha256sum \(path)"])
                    .output
            }
            let before = try await state()
            let error = try #require(
                await refusal { try await KeyArchiveTests.write([freshKey(users(2)[1])], in: folder) })
            #expect(error.description.contains(reason), "\(error)")
            #expect(error.code == .conflict)
            #expect(error.hint != nil)
            #expect(!error.description.contains("PRIVATE KEY-"))
            #expect(try await state() == before)
            let listing = await refusal { try await KeyArchiveTests.archive(in: folder).contents() }
            #expect(listing?.code == .conflict)
        }
    }

    @Test func refusesFoldersThatOthersControl() async throws {
        try await withScratchFolder { scratch in
            for (name, mode) in [("group", 0o770), ("world", 0o707), ("sticky", 0o1777)] as [(String, mode_t)] {
                mkdir("\(scratch)/\(name)", 0o700)
                chmod("\(scratch)/\(name)", mode)
            }
            mkdir("\(scratch)/real", 0o700)
            #expect(symlink("\(scratch)/real", "\(scratch)/link") == 0)
            try writeFile("\(scratch)/file", "x")
            for (folder, reason) in [
                ("\(scratch)/group", "others can write"), ("\(scratch)/world", "others can write"),
                ("\(scratch)/sticky", "others can write"), ("\(scratch)/link", "is a link or no folder"),
                ("\(scratch)/link/", "is a link or no folder"), ("\(scratch)/file", "is a link or no folder"),
                ("\(scratch)/file/sub", "cannot be made"), ("keys", "not an absolute path"),
                ("~/keys", "not an absolute path"), ("", "not an absolute path"), ("/", "not an absolute path"),
                ("\(scratch)/real/../real", "not an absolute path"),
            ] {
                let error = await refusal { try await KeyArchiveTests.write([freshKey(users(1)[0])], in: folder) }
                #expect(error?.message.contains(reason) == true, "\(folder): \(error?.message ?? "written")")
                #expect(error?.code == .misconfigured)
            }
            #expect(try await KeyArchiveTests.names(in: "\(scratch)/real").isEmpty)
            // A link on the way there is somebody's home on another disk.
            try await KeyArchiveTests.write([freshKey(users(1)[0])], in: "\(scratch)/link/keys")
            #expect(exists("\(scratch)/real/keys/\(Self.file)"))
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root can give a folder away")) func refusesFoldersOfSomebodyElse()
        async throws
    {
        try await withScratchFolder { scratch in
            mkdir("\(scratch)/keys", 0o700)
            #expect(chown("\(scratch)/keys", 12345, 12345) == 0)
            let error = await refusal {
                try await KeyArchiveTests.write([freshKey(users(1)[0])], in: "\(scratch)/keys")
            }
            #expect(error?.message.contains("belongs to uid 12345") == true)
            let written = try await KeyArchiveTests.write([freshKey(users(1)[0])], in: scratch)
            #expect(chown(written.path, 12345, 12345) == 0)
            let file = await refusal { try await KeyArchiveTests.write([freshKey(users(1)[0])], in: scratch) }
            #expect(file?.message.contains("belongs to uid 12345") == true)
        }
    }

    @Test func looksWithoutMakingAnything() async throws {
        try await withScratchFolder { scratch in
            let missing = await refusal { try await KeyArchiveTests.archive(in: "\(scratch)/none").contents() }
            #expect(missing?.code == .notFound)
            #expect(!exists("\(scratch)/none"))
            #expect(await refusal { try await KeyArchiveTests.archive(in: scratch).contents() }?.code == .notFound)
        }
    }

    @Test func waitsForNobodyForEver() async throws {
        try await withScratchFolder { folder in
            let held = try await KeyFolderLock(KeyFolder(folder, missing: .refuse), patience: .zero)
            let error = await refusal { try await KeyArchiveTests.write([freshKey(users(1)[0])], in: folder) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("another program writes keys") == true)
            withExtendedLifetime(held) {}
        }
    }

    @Test func manyAtOnceLoseNoKey() async throws {
        try await withScratchFolder { folder in
            let people = users(8)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for user in people {
                    group.addTask {
                        let archive = try KeyArchive(
                            folder: folder, cluster: ClusterName("mycluster"), region: "us-east-1",
                            environment: toolEnvironment, patience: .seconds(240))
                        _ = try await archive.write([freshKey(user)], wanted: people, at: KeyArchiveTests.now) { _ in }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await KeyArchiveTests.archive(in: folder).contents().map(\.user) == people)
            #expect(try await KeyArchiveTests.names(in: folder) == [Self.file])
        }
    }

    @Test func goesOnAfterARunThatWasKilled() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/.\(Self.file).draft", "half", mode: 0o644)
            try writeFile("\(folder)/.keys.lock", "")
            try await KeyArchiveTests.write([freshKey(users(1)[0])], in: folder)
            #expect(try await KeyArchiveTests.names(in: folder) == [Self.file])
            #expect(permissions(of: "\(folder)/\(Self.file)") == 0o600)
        }
    }

    /// A disk of 16 KiB, on which 400 keys have no room.
    @Test(.enabled(if: getuid() == 0, "only root can mount a small disk")) func leavesNothingOnAFullDisk() async throws
    {
        try await withScratchFolder { folder in
            let mounted = try await runTool("mount", ["-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", folder])
            try #require(mounted.status == 0, "\(mounted)")
            do {
                let old = try freshKey(users(1)[0])
                try await KeyArchiveTests.write([old], in: folder)
                let many = try users(400).map { try freshKey($0) }
                let error = try #require(await refusal { try await KeyArchiveTests.write(many, in: folder) })
                #expect(error.code == .unavailable)
                #expect(error.message.contains("No space left on device"), "\(error)")
                #expect(try await KeyArchiveTests.names(in: folder) == [Self.file])
                let kept = try await KeyArchiveTests.text(of: "./user001.ed25519", in: "\(folder)/\(Self.file)")
                #expect(kept == old.pair.privateKey.reveal())
            } catch {
                Issue.record(error)
            }
            #expect(try await runTool("umount", [folder]).status == 0)
        }
    }

    @Test func leavesNothingWhenItIsCancelled() async throws {
        try await withScratchFolder { folder in
            let place = try KeyFolder(folder, missing: .refuse)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try place.replace([(name: "a", bytes: [1]), (name: "b", bytes: [2])]) { _ in
                            withUnsafeCurrentTask { $0?.cancel() }
                        }
                        Issue.record("it was written")
                    } catch {
                        #expect(error is CancellationError)
                    }
                }
            }
            #expect(try await KeyArchiveTests.names(in: folder).isEmpty)
        }
    }

    /// Of several files none is replaced when one cannot be.
    @Test func replacesAllOrNone() async throws {
        try await withScratchFolder { folder in
            let place = try KeyFolder(folder, missing: .refuse)
            try writeFile("\(folder)/a", "old")
            mkdir("\(folder)/b", 0o700)
            let error = await refusal {
                try place.replace([(name: "a", bytes: [1]), (name: "b", bytes: [2])]) { _ in }
            }
            #expect(error?.message.contains("b\" is not a regular file") == true)
            #expect(try await KeyArchiveTests.names(in: folder) == ["a", "b"])
            #expect(try place.read("a", limit: 3) == Array("old".utf8))
        }
    }

    /// A gzip that fails half-way, or packs nothing.
    @Test(arguments: ["printf '\\037\\213'; exit 1", "cat", "exit 0"])
    func writesNothingThatIsNotPacked(_ script: String) async throws {
        try await withScratchFolder { folder in
            mkdir("\(folder)/keys", 0o700)
            try writeFile("\(folder)/gzip", "#!/bin/sh\n\(script)\n", mode: 0o700)
            var environment = toolEnvironment
            environment["PATH"] = "\(folder):\(toolEnvironment["PATH", default: ""])"
            let archive = try KeyArchive(
                folder: "\(folder)/keys", cluster: ClusterName("lab"), region: "lab", environment: environment)
            let error = await refusal {
                try await archive.write([freshKey(users(1)[0])], wanted: [], at: KeyArchiveTests.now) { _ in }
            }
            #expect(error?.message == "gzip did not pack the keys")
            #expect(try await KeyArchiveTests.names(in: "\(folder)/keys").isEmpty)
        }
    }

    @Test func saysThatGzipIsMissing() async throws {
        try await withScratchFolder { folder in
            let archive = try KeyArchive(
                folder: folder, cluster: ClusterName("lab"), region: "lab", environment: ["PATH": "/nonexistent"])
            let error = await refusal {
                try await archive.write([freshKey(users(1)[0])], wanted: [], at: KeyArchiveTests.now) { _ in }
            }
            #expect(error?.message == "gzip is not installed")
            #expect(try await KeyArchiveTests.names(in: folder).isEmpty)
        }
    }
}
