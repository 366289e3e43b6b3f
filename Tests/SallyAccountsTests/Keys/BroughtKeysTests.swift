// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

@Suite struct BroughtKeysTests {
    private let people = users(5)

    private func key() throws -> PublicKey { try KeyPair.make(.ed25519, comment: "own").publicKey }

    @Test func readsAFileOfLines() async throws {
        try await withScratchFolder { folder in
            let (one, two) = (try key(), try key())
            try writeFile("\(folder)/keys", "# ours\n\n  user001 \(one) at home\nuser003\t\(two)", mode: 0o644)
            let read = try BroughtKeys.read("\(folder)/keys", for: people)
            #expect(read.mapValues(\.blob) == [people[0]: one.blob, people[2]: two.blob])
            #expect(read[people[0]]?.comment == "at home")
        }
    }

    @Test func readsAFolder() async throws {
        try await withScratchFolder { folder in
            let (one, two) = (try key(), try key())
            try writeFile("\(folder)/user001.pub", "\(one) at home\n", mode: 0o644)
            try writeFile("\(folder)/user002.pub", "\(two)")
            try writeFile("\(folder)/.hidden", "x")
            let read = try BroughtKeys.read(folder, for: people)
            #expect(read.mapValues(\.blob) == [people[0]: one.blob, people[1]: two.blob])
        }
    }

    @Test func tellsAllProblemsOfAFileAtOnce() async throws {
        try await withScratchFolder { folder in
            let file = "\(folder)/keys"
            let good = try key()
            let lines = [
                "user001 \(good)", "user001 \(good)", "root \(good)", "stranger \(good)", "user002", "\(good)",
                "user003 restrict \(good)", "user004 -----BEGIN OPENSSH PRIVATE KEY-----", "# fine",
                "user005 \(good)\r",
                "NAME \(good)", "user002 \(good)",
            ]
            try writeFile(file, lines.joined(separator: "\n") + "\n")
            let error = try #require(await refusal { try BroughtKeys.read(file, for: people) })
            let expected = [
                (2, "user001 has a key already, at \(file):1"), (3, "\"root\" is not a user name"),
                (4, "stranger is not one of the users"), (5, "the public key is empty"),
                (6, "no user name stands before the key"), (7, "options"), (8, "this is a private key, give the .pub"),
                (10, "carriage return"), (11, "\"NAME\" is not a user name"),
            ]
            let told = error.message.split(separator: "\n")
            #expect(told.count == expected.count, "\(error)")
            for (line, (number, reason)) in zip(told, expected) {
                #expect(line.hasPrefix("\(file):\(number): ") && line.contains(reason), "\(line)")
            }
        }
    }

    @Test func tellsAllProblemsOfAFolderAtOnce() async throws {
        try await withScratchFolder { scratch in
            let folder = "\(scratch)/keys"
            mkdir(folder, 0o755)
            let good = try key()
            try writeFile("\(scratch)/elsewhere", "\(good)\n")
            try writeFile("\(folder)/user001.pub", "\(good)\n\(good)\n")
            #expect(symlink("\(scratch)/elsewhere", "\(folder)/user002.pub") == 0)
            #expect(mkfifo("\(folder)/user003.pub", 0o600) == 0)
            try writeFile("\(folder)/user004", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAsecret\n")
            try writeFile("\(folder)/stranger.pub", "\(good)\n")
            try writeFile("\(folder)/user005.pub", String(repeating: "a", count: 20_000))
            let error = try #require(await refusal { try BroughtKeys.read(folder, for: people) })
            let told = error.message.split(separator: "\n").map(String.init)
            let expected = [
                ("stranger.pub", "not one of the users"), ("user001.pub", "newline"), ("user002.pub", "is a link"),
                ("user003.pub", "not a regular file"), ("user004", "not called NAME.pub"), ("user005.pub", "more than"),
            ]
            #expect(told.count == expected.count, "\(error)")
            for (line, (name, reason)) in zip(told, expected) {
                #expect(line.hasPrefix("\(folder)/\"\(name)\": ") && line.contains(reason), "\(line)")
            }
            #expect(!error.description.contains("secret"))
        }
    }

    @Test func followsNoLinkAndWaitsForNoFIFO() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/keys", "user001 \(try key())\n")
            #expect(symlink("\(folder)/keys", "\(folder)/link") == 0)
            #expect(mkfifo("\(folder)/fifo", 0o600) == 0)
            #expect(
                await refusal { try BroughtKeys.read("\(folder)/link", for: people) }?.message.contains("is a link")
                    == true)
            #expect(
                await refusal { try BroughtKeys.read("\(folder)/fifo", for: people) }?.message
                    .contains("not a regular file") == true)
            #expect(await refusal { try BroughtKeys.read("\(folder)/none", for: people) }?.code == .invalidRequest)
        }
    }

    @Test func refusesWhatOthersCanWriteTo() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/keys", "user001 \(try key())\n", mode: 0o664)
            #expect(
                await refusal { try BroughtKeys.read("\(folder)/keys", for: people) }?.message.contains(
                    "others can write") == true)
            chmod("\(folder)/keys", 0o644)
            #expect(try BroughtKeys.read("\(folder)/keys", for: people).count == 1)
            mkdir("\(folder)/open", 0o700)
            chmod("\(folder)/open", 0o777)
            let error = await refusal { try BroughtKeys.read("\(folder)/open", for: people) }
            #expect(error?.message.contains("others can write") == true)
        }
    }

    @Test func readsTheKeysOfThousands() async throws {
        try await withScratchFolder { folder in
            let many = users(10_000)
            let key = try key()
            try writeFile("\(folder)/keys", many.map { "\($0) \(key) own key of \($0)\n" }.joined())
            #expect(try BroughtKeys.read("\(folder)/keys", for: many).count == 10_000)
        }
    }

    @Test func countsWhatItDoesNotList() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/keys", String(repeating: "user001 x y\n", count: 60))
            let error = try #require(await refusal { try BroughtKeys.read("\(folder)/keys", for: people) })
            #expect(error.message.split(separator: "\n").count == 51)
            #expect(error.message.hasSuffix("and 10 more"))
        }
    }
}
