// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import Synchronization
import Testing

@testable import SallyAccounts

@Suite struct KeyArchiveTests {
    static let now = Timestamp(1_800_000_000)

    static func archive(in folder: String) throws -> KeyArchive {
        try KeyArchive(
            folder: folder, cluster: ClusterName("mycluster"), region: "us-east-1", environment: toolEnvironment,
            patience: .milliseconds(200))
    }

    @discardableResult
    static func write(_ keys: [UserKey], wanted: [UserName]? = nil, in folder: String) async throws
        -> KeyArchive.Written
    {
        try await archive(in: folder).write(keys, wanted: wanted ?? keys.map(\.user), at: now) { _ in }
    }

    /// The private key that tar(1) finds in the archive.
    static func text(of name: String, in path: String) async throws -> String {
        let done = try await runTool("tar", ["--extract", "--gzip", "--to-stdout", "--file", path, name])
        return done.output
    }

    static func names(in folder: String) async throws -> [String] {
        try await runTool("ls", ["-A", folder]).output.split(separator: "\n").map(String.init)
    }

    @Test func tarListsWhatIsDocumented() async throws {
        try await withScratchFolder { scratch in
            let folder = "\(scratch)/.starcluster/user_keys"
            let keys = [try freshKey(users(3)[0], .rsa), try freshKey(users(3)[1]), try freshKey(users(3)[2])]
            let written = try await Self.write(keys, in: folder)
            let path = "\(folder)/mycluster-us-east-1.tar.gz"
            #expect(written.path == path)
            #expect(written.users == users(3) && written.kept.isEmpty && written.dropped.isEmpty)
            for made in [folder, "\(scratch)/.starcluster"] { #expect(permissions(of: made) == 0o700) }
            #expect(permissions(of: path) == 0o600)
            #expect(try await Self.names(in: folder) == ["mycluster-us-east-1.tar.gz"])

            let listed = try await runTool("tar", ["-tzf", path])
            #expect(listed.output == "./\n./user001.rsa\n./user002.ed25519\n./user003.ed25519\n", "\(listed)")
            #expect(listed.errors.isEmpty)
            let long = try await runTool("tar", ["-tvzf", path, "--utc", "--full-time"]).output
            let lines = long.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(lines.map { $0[0] } == ["drwx------", "-r--------", "-r--------", "-r--------"])
            #expect(
                lines.allSatisfy { $0[1] == "root/root" && $0[3] == "2027-01-15" && $0[4] == "08:00:00" }, "\(long)")
            let numbers = try await runTool("tar", ["-tvzf", path, "--numeric-owner"]).output
            #expect(numbers.split(separator: "\n").allSatisfy { $0.contains(" 0/0 ") })
            for key in keys {
                #expect(try await Self.text(of: "./\(key.fileName)", in: path) == key.pair.privateKey.reveal())
            }
            let contents = try await Self.archive(in: folder).contents()
            #expect(contents.map(\.name) == keys.map { "./\($0.fileName)" })
            #expect(contents.map(\.size) == keys.map { $0.pair.privateKey.reveal().utf8.count })
            #expect(contents.allSatisfy { $0.mode == 0o400 && $0.modified == Self.now })
        }
    }

    /// The login of the documentation: extract, `ssh -i user001.rsa`.
    @Test func sshReadsWhatIsExtracted() async throws {
        try await withScratchFolder { folder in
            let key = try freshKey(users(1)[0], .rsa)
            let written = try await Self.write([key], in: "\(folder)/keys")
            let out = try await runTool("tar", ["-xzf", written.path, "-C", folder])
            #expect(out.status == 0, "\(out)")
            #expect(permissions(of: "\(folder)/user001.rsa") == 0o400)
            let derived = try await runTool("ssh-keygen", ["-y", "-f", "\(folder)/user001.rsa"])
            #expect(derived.output == "\(key.pair.publicKey)\n")
        }
    }

    @Test func keepsTheKeysOfThoseStillWanted() async throws {
        try await withScratchFolder { folder in
            let people = users(5)
            let old = try people[..<4].map { try freshKey($0) }
            try await Self.write(old, in: folder)
            let new = [try freshKey(people[1], .rsa), try freshKey(people[4])]
            let written = try await Self.write(new, wanted: [people[4], people[3], people[1], people[0]], in: folder)
            #expect(written.users == [people[4], people[3], people[1], people[0]])
            #expect(written.kept == [people[0], people[3]])
            #expect(written.dropped == [people[2]])
            let listed = try await runTool("tar", ["-tzf", written.path]).output
            #expect(listed == "./\n./user005.ed25519\n./user004.ed25519\n./user002.rsa\n./user001.ed25519\n")
            for key in [old[0], old[3]] + new {
                #expect(try await Self.text(of: "./\(key.fileName)", in: written.path) == key.pair.privateKey.reveal())
            }
        }
    }

    @Test func keepsTheKeysOfAnArchiveOfStarClusters() async throws {
        try await withScratchFolder { scratch in
            let keys = "\(scratch)/keys"
            let folder = "\(scratch)/user_keys"
            for made in [keys, folder] { mkdir(made, 0o755) }
            let key = try freshKey(users(1)[0], .rsa)
            try writeFile("\(keys)/user001.rsa", key.pair.privateKey.reveal(), mode: 0o400)
            let path = "\(folder)/mycluster-us-east-1.tar.gz"
            #expect(try await runTool("tar", ["-C", keys, "-czf", path, "."]).status == 0)
            chmod(path, 0o644)
            let written = try await Self.write([], wanted: users(1), in: folder)
            #expect(written.kept == users(1))
            #expect(permissions(of: path) == 0o600)
            #expect(try await Self.text(of: "./user001.rsa", in: path) == key.pair.privateKey.reveal())
        }
    }

    @Test func holdsThousandsAndTellsHowFarItIs() async throws {
        try await withScratchFolder { folder in
            let key = try freshKey(users(1)[0], .rsa)
            let many = users(5000).map { UserKey(user: $0, pair: key.pair) }
            var told: [KeyFileProgress] = []
            let written = try await Self.archive(in: folder).write(many, wanted: users(5000), at: Self.now) {
                told.append($0)
            }
            let last = try #require(told.last)
            #expect(
                last.done == written.size && last.total == written.size && last.name == "mycluster-us-east-1.tar.gz")
            #expect(zip(told, told.dropFirst()).allSatisfy { $0.done < $1.done && $0.elapsed <= $1.elapsed })
            #expect(try await Self.archive(in: folder).contents().count == 5000)
        }
    }

    @Test func saysTheRate() {
        var progress = KeyFileProgress(name: "a", done: 3072, total: 4096, elapsed: .milliseconds(1500))
        #expect(progress.rate == 2048)
        progress.elapsed = .zero
        #expect(progress.rate == nil)
    }

    @Test func noTwoKeysForOnePerson() async throws {
        try await withScratchFolder { folder in
            let user = users(1)[0]
            let error = await refusal { try await Self.write([freshKey(user), freshKey(user, .rsa)], in: folder) }
            #expect(error?.code == .invalidRequest)
            let left = try await Self.names(in: folder)
            #expect(left.isEmpty)
        }
    }

    @Test(arguments: ["", "a/b", "../x", "a b", String(repeating: "r", count: 65)])
    func refusesARegionThatIsNoPartOfAFileName(_ region: String) async throws {
        let error = await refusal {
            try KeyArchive(
                folder: "/tmp/keys", cluster: ClusterName("lab"), region: region, environment: toolEnvironment)
        }
        #expect(error?.code == .misconfigured)
        #expect(KeyArchive.defaultFolder(home: "/home/ada") == "/home/ada/.starcluster/user_keys")
    }
}
