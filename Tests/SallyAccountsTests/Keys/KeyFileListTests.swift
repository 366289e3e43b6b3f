// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

@Suite struct KeyFileListTests {
    private static let list = ".mycluster-us-east-1.keys"

    /// A folder with an encrypted file for each user, by a program in the place of age.
    private func withFiles(
        _ count: Int, _ body: (_ folder: String, KeyFileList, AgeEncryption, [UserKey]) async throws -> Void
    ) async throws {
        try await withScratchFolder { scratch in
            mkdir("\(scratch)/bin", 0o700)
            try writeFile("\(scratch)/bin/age", "#!/bin/sh\necho age-encryption.org/v1; sha256sum\n", mode: 0o700)
            var environment = toolEnvironment
            environment["PATH"] = "\(scratch)/bin:\(CleanEnvironment.path)"
            let age = AgeEncryption(environment: environment)
            let folder = "\(scratch)/keys"
            let list = try KeyFileList(folder: folder, cluster: ClusterName("mycluster"), region: "us-east-1")
            let keys = try users(count).map { try freshKey($0) }
            #expect(try list.held().handedOut.isEmpty)
            #expect(try await list.sweep(for: Self.owners([], [], list)) == KeyFileList.Swept())
            try await write(keys, age, list, folder)
            try await body(folder, list, age, keys)
        }
    }

    /// As of a run that has seen what is on the list now.
    private static func owners(
        _ listed: [UserName], _ others: Set<UserName>?, _ list: KeyFileList
    ) throws -> KeyOwners {
        KeyOwners(listed: listed, bringing: [], others: others, seen: try list.held())
    }

    private func write(_ keys: [UserKey], _ age: AgeEncryption, _ list: KeyFileList, _ folder: String) async throws {
        let recipients = Dictionary(
            uniqueKeysWithValues: try keys.map { ($0.user, try AgeRecipient.key($0.pair.publicKey)) })
        _ = try await age.write(keys, for: recipients, in: folder, noted: list) { _, _ in }
    }

    @Test func filesOfThoseNotWantedGo() async throws {
        try await withFiles(4) { folder, list, age, keys in
            #expect(permissions(of: "\(folder)/\(Self.list)") == 0o600)
            #expect(
                try list.held().handedOut.mapValues(\.description)
                    == Dictionary(
                        uniqueKeysWithValues: keys.map { ($0.user, $0.pair.publicKey.description) }))
            // A new one of somebody is ours as well.
            let new = try freshKey(keys[1].user)
            try await write([new], age, list, folder)
            #expect(try list.held().handedOut[new.user]?.description == new.pair.publicKey.description)
            let owners = try Self.owners([keys[0].user, keys[3].user], [], list)
            let swept = try await list.sweep(for: owners)
            #expect(swept.users.map(\.rawValue).sorted() == ["user002", "user003"])
            #expect(swept.removed.sorted() == ["\(folder)/user002.ed25519.age", "\(folder)/user003.ed25519.age"])
            #expect(swept.left.isEmpty)
            #expect(
                try await KeyArchiveTests.names(in: folder) == [
                    Self.list, "user001.ed25519.age", "user004.ed25519.age",
                ])
            #expect(try await list.sweep(for: owners) == KeyFileList.Swept())
            _ = try await list.sweep(for: Self.owners([], [], list))
            #expect(try await KeyArchiveTests.names(in: folder).isEmpty)
        }
    }

    /// Files that another list of the cluster wrote are on the same list of files, and stay.
    @Test func filesOfAnotherListStay() async throws {
        try await withFiles(3) { folder, list, age, keys in
            #expect(try await list.sweep(for: Self.owners([keys[0].user], nil, list)) == KeyFileList.Swept())
            let swept = try await list.sweep(for: Self.owners([keys[0].user], [keys[2].user], list))
            #expect(swept.users == [keys[1].user])
            #expect(
                try await KeyArchiveTests.names(in: folder) == [
                    Self.list, "user001.ed25519.age", "user003.ed25519.age",
                ])
            #expect(Set(try list.held().handedOut.keys) == [keys[0].user, keys[2].user])
            // What another run has written since is not this one's to judge.
            let before = try Self.owners([keys[0].user], [], list)
            try await write([try freshKey(keys[2].user)], age, list, folder)
            #expect(try await list.sweep(for: before) == KeyFileList.Swept())
        }
    }

    /// What others put there, in the place of ours too, stays.
    @Test func whatIsNotOursStays() async throws {
        try await withFiles(4) { folder, list, _, keys in
            try writeFile("\(folder)/user009.ed25519.age", "somebody's")
            try writeFile("\(folder)/user001.ed25519.age", "another")
            unlink("\(folder)/user002.ed25519.age")
            #expect(symlink("\(folder)/user009.ed25519.age", "\(folder)/user002.ed25519.age") == 0)
            unlink("\(folder)/user003.ed25519.age")
            let swept = try await list.sweep(for: Self.owners([], [], list))
            #expect(swept.removed == ["\(folder)/user004.ed25519.age"])
            #expect(swept.left == ["\(folder)/user001.ed25519.age", "\(folder)/user002.ed25519.age"])
            #expect(
                try await KeyArchiveTests.names(in: folder) == [
                    "user001.ed25519.age", "user002.ed25519.age", "user009.ed25519.age",
                ])
        }
    }

    /// A list that somebody wrote into names no other file.
    @Test(arguments: ["../kept", "kept", "user002.ed25519.age", "user001.ed25519"])
    func aLineNamesOnlyItsUsersFile(_ file: String) async throws {
        try await withScratchFolder { scratch in
            let folder = "\(scratch)/keys"
            mkdir(folder, 0o700)
            for path in [
                "\(scratch)/kept", "\(folder)/kept", "\(folder)/user002.ed25519.age", "\(folder)/user001.ed25519",
            ] {
                try writeFile(path, "")
            }
            let key = try freshKey(users(1)[0]).pair.publicKey
            let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
            try writeFile("\(folder)/\(Self.list)", "user001 \(file) \(empty) \(key)\nnonsense\n", mode: 0o600)
            let list = try KeyFileList(folder: folder, cluster: ClusterName("mycluster"), region: "us-east-1")
            #expect(try await list.sweep(for: Self.owners([], [], list)) == KeyFileList.Swept())
            #expect(exists("\(scratch)/kept") && exists("\(folder)/kept") && exists("\(folder)/user002.ed25519.age"))
            #expect(exists("\(folder)/user001.ed25519"))
        }
    }
}
