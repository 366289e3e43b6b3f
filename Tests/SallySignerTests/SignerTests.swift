// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Glibc
import JWTKit
import SallyKeepProtocol
import SallyModel
import SallySigner
import SallySocket
import SallyTestSupport
import Testing

@Suite struct SignerTests {
    static func with(
        perMinute: Int = 600, _ body: (Signer, SignerFixture) async throws -> Void
    ) async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let signer = try await fixture.signer(perMinute: perMinute)
            try await signer.register(try account("alice", 20001, gids: [20500]))
            try await body(signer, fixture)
        }
    }

    static func refuses(
        _ code: SallyError.Code, at location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws {
        let error = try await #require(throws: SallyError.self, sourceLocation: location) { try await body() }
        #expect(error.code == code, sourceLocation: location)
    }

    @Test func mintsWhatSlurmUnderstands() async throws {
        try await Self.with { signer, fixture in
            let token = try await signer.mint(try mint("alice", 20001))
            let claims = try await ReadClaims.read(token)
            #expect(claims.sun == "alice")
            #expect(claims.uid == 20001 && claims.gid == 20001)
            #expect(claims.iat == fixture.clock.now.rawValue)
            #expect(claims.exp == token.expires.rawValue && claims.exp - claims.iat == 15)
            let id = try #require(claims.id)
            #expect(id.name == "alice" && !id.gecos.isEmpty && id.dir == "/home/alice" && id.shell == "/bin/bash")
            #expect(id.gids == [20001, 20500])
        }
    }

    @Test(arguments: MintPurpose.allCases) func mintsForNoLongerThanNeeded(_ purpose: MintPurpose) async throws {
        try await Self.with { signer, fixture in
            let token = try await signer.mint(try mint("alice", 20001, purpose))
            let life = token.expires - fixture.clock.now
            #expect(life <= .seconds(purpose == .submit ? 15 : 60))
        }
    }

    /// Whatever the signer's own file says: what DESIGN.md promises of a token.
    @Test func noTokenLivesLongerThanIsPromised() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            var settings = try fixture.settings()
            settings.clusters[0].submitLife = .seconds(3600)
            settings.clusters[0].otherLife = .seconds(3600)
            let signer = try await Signer(settings, clock: fixture.clock)
            try await signer.register(try account("alice", 20001))
            let promised: [(MintPurpose, Int64)] = [(.submit, 15), (.update, 15), (.cancel, 120), (.read, 120)]
            try #require(promised.count == MintPurpose.allCases.count)
            for (purpose, seconds) in promised {
                let token = try await signer.mint(try mint("alice", 20001, purpose))
                let claims = try await ReadClaims.read(token)
                #expect(claims.exp - claims.iat == seconds, "\(purpose)")
                #expect(token.expires.rawValue == claims.exp && claims.iat == fixture.clock.now.rawValue)
            }
            for purpose in ServicePurpose.allCases {
                let reads = [.readQueue, .readAccounting].contains(purpose)
                let token = try await signer.mintService(
                    MintServiceRequest(
                        cluster: try ClusterName("dev"), purpose: purpose, position: reads ? nil : position(3)))
                let claims = try await ReadClaims.read(token)
                #expect(claims.exp - claims.iat == 120, "\(purpose)")
                #expect(token.expires.rawValue == claims.exp)
            }
        }
    }

    @Test func mintsForNobodyItDoesNotManage() async throws {
        try await Self.with { signer, _ in
            try await Self.refuses(.denied) { _ = try await signer.mint(try mint("bob", 20002)) }
            try await Self.refuses(.denied) { _ = try await signer.mint(try mint("alice", 20002)) }
            try await Self.refuses(.notFound) { _ = try await signer.mint(try mint("alice", 20001, cluster: "other")) }
        }
    }

    @Test(arguments: [(0, hash), (-4, hash), (1, "junk"), (1, String(repeating: "G", count: 64))] as [(Int64, String)])
    func mintsForNoDecisionThatCannotBe(_ sequence: Int64, _ hash: String) async throws {
        try await Self.with { signer, _ in
            let request = try mint("alice", 20001, position: AuditPosition(sequence: sequence, hash: hash))
            try await Self.refuses(.invalidRequest) { _ = try await signer.mint(request) }
        }
    }

    @Test func mintsNothingForADeniedName() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            do {
                let signer = try await fixture.signer()
                try await signer.register(try account("alice", 20001))
                try await signer.deny(try UserName("alice"))
                try await Self.refuses(.denied) { _ = try await signer.mint(try mint("alice", 20001)) }
            }
            let again = try await fixture.signer()
            #expect(again.list.denied.map(\.rawValue) == ["alice"])
            try await Self.refuses(.denied) { _ = try await again.mint(try mint("alice", 20001)) }
            try await again.allow(try UserName("alice"))
            _ = try await again.mint(try mint("alice", 20001))
        }
    }

    @Test func mintsNothingForAWithdrawnAccountUntilItIsRegisteredAgain() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let dev = try account("alice", 20001).cluster
            do {
                let signer = try await fixture.signer()
                try await signer.register(try account("alice", 20001))
                _ = try await signer.mint(try mint("alice", 20001))
                #expect(try await signer.withdraw(try UserName("alice"), on: dev))
                #expect(try await !signer.withdraw(try UserName("alice"), on: dev))
                try await Self.refuses(.denied) { _ = try await signer.mint(try mint("alice", 20001)) }
            }
            do {
                let signer = try await fixture.signer()
                try await Self.refuses(.denied) { _ = try await signer.mint(try mint("alice", 20001)) }
                try await signer.register(try account("alice", 20001))
                _ = try await signer.mint(try mint("alice", 20001))
            }
            _ = try await fixture.signer().mint(try mint("alice", 20001))
        }
    }

    @Test func deniesANameBeforeItIsManaged() async throws {
        try await Self.with { signer, _ in
            try await signer.deny(try UserName("bob"))
            try await signer.register(try account("bob", 20002))
            try await Self.refuses(.denied) { _ = try await signer.mint(try mint("bob", 20002)) }
        }
    }

    @Test func keepsNameAndUidTogetherForEver() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            for _ in 0..<2 {
                let signer = try await fixture.signer()
                try await signer.register(try account("alice", 20001))
                try await Self.refuses(.conflict) { try await signer.register(try account("alice", 20002)) }
                try await Self.refuses(.conflict) { try await signer.register(try account("bob", 20001)) }
                #expect(signer.list.accounts.count == 1)
            }
        }
    }

    @Test func refusesAccountsThatAreMoreThanAPerson() async throws {
        try await Self.with { signer, _ in
            let bad: [ManagedAccount] = [
                try account("bob", 19999), try account("bob", 30000), try account("bob", 20002, gids: [27]),
                try account("bob", 20002, gids: [0]), try account("bob", 20002, gid: 0),
                try account("bob", 20002, gid: 27), try account("bob", 20002, gid: 65534),
                try account("bob", 20002, gids: [65534]),
                try account("bob", 20002, gecos: ""), try account("bob", 20002, gecos: "a\nb"),
                try account("bob", 20002, gecos: "a:b"), try account("bob", 20002, home: "/"),
                try account("bob", 20002, home: "/root"), try account("bob", 20002, home: "/etc/bob"),
                try account("bob", 20002, home: "/home/../root"), try account("bob", 20002, home: "home/bob"),
                try account("bob", 20002, home: "/home//bob"), try account("bob", 20002, home: "/bob"),
                try account("bob", 20002, home: "/var/lib/bob"), try account("bob", 20002, shell: "bash"),
                try account("bob", 20002, shell: ""), try account("bob", 20002, shell: "/bin/../bin/sh"),
                // Each would be two fields of a line of passwd(5).
                try account("bob", 20002, home: "/home/b:ob"), try account("bob", 20002, shell: "/bin/sh:x"),
            ]
            for account in bad {
                try await Self.refuses(.denied) { try await signer.register(account) }
            }
            try await Self.refuses(.notFound) { try await signer.register(try account("bob", 20002, cluster: "other")) }
        }
    }

    @Test func refusesAccountsThatAreTooLong() async throws {
        func text(_ start: String, bytes: Int) -> String {
            start + String(repeating: "x", count: bytes - start.utf8.count)
        }
        let groups = Array((20500...20564) as ClosedRange<UInt32>)
        try await Self.with { signer, _ in
            let bad: [ManagedAccount] = [
                try account("bob", 20002, gecos: text("B", bytes: 129)),
                try account("bob", 20002, home: text("/home/", bytes: 257)),
                try account("bob", 20002, shell: text("/bin/", bytes: 257)),
                try account("bob", 20002, gids: groups),
            ]
            for account in bad {
                try await Self.refuses(.denied) { try await signer.register(account) }
            }
            try await signer.register(
                try account(
                    "bob", 20002, gids: Array(groups.dropLast()), gecos: text("B", bytes: 128),
                    home: text("/home/", bytes: 256), shell: text("/bin/", bytes: 256)))
        }
    }

    @Test func limitsTokensPerNameAndMinute() async throws {
        try await Self.with(perMinute: 3) { signer, fixture in
            try await signer.register(try account("bob", 20002))
            for _ in 0..<3 { _ = try await signer.mint(try mint("alice", 20001)) }
            try await Self.refuses(.rateLimited) { _ = try await signer.mint(try mint("alice", 20001)) }
            _ = try await signer.mint(try mint("bob", 20002))
            fixture.clock.advance(.seconds(60))
            _ = try await signer.mint(try mint("alice", 20001))
        }
    }

    @Test func mintsForTheServiceAccountOnlyWhatItIsFor() async throws {
        try await Self.with { signer, _ in
            let cluster = try ClusterName("dev")
            for purpose in ServicePurpose.allCases {
                let reads = [.readQueue, .readAccounting].contains(purpose)
                let token = try await signer.mintService(
                    MintServiceRequest(cluster: cluster, purpose: purpose, position: reads ? nil : position(3)))
                let claims = try await ReadClaims.read(token)
                #expect(claims.sun == "sallyport" && claims.uid == nil && claims.exp - claims.iat <= 120)
            }
            for purpose in [ServicePurpose.cancelLeaverJob, .holdLeaverJob] {
                let request = MintServiceRequest(cluster: cluster, purpose: purpose, position: nil)
                try await Self.refuses(.invalidRequest) { _ = try await signer.mintService(request) }
            }
            for purpose in [ServicePurpose.readQueue, .readAccounting] {
                let request = MintServiceRequest(cluster: cluster, purpose: purpose, position: position(3))
                try await Self.refuses(.invalidRequest) { _ = try await signer.mintService(request) }
            }
            #expect(
                try signer.records(after: 0, limit: 100).mints.map(\.purpose).sorted()
                    == ["cancel-leaver-job", "hold-leaver-job"])
        }
    }

    /// Reads are no events' tokens: more than one decision's worth, in no page, and counted across a restart.
    @Test func countsReadsOfTheServiceAccount() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let cluster = try ClusterName("dev")
            do {
                let signer = try await fixture.signer()
                try await signer.register(try account("alice", 20001))
                for _ in 0..<10 {
                    for purpose in [ServicePurpose.readQueue, .readAccounting] {
                        _ = try await signer.mintService(
                            MintServiceRequest(cluster: cluster, purpose: purpose, position: nil))
                    }
                }
                _ = try await signer.mint(try mint("alice", 20001, position: position(3)))
                #expect(try signer.records(after: 0, limit: 100).serviceReads == 20)
            }
            let signer = try await fixture.signer()
            let records = try signer.records(after: 0, limit: 1)
            #expect(records.serviceReads == 20 && records.mints.map(\.position.sequence) == [3])
        }
    }

    @Test func recordsEveryToken() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            do {
                let signer = try await fixture.signer()
                try await signer.register(try account("alice", 20001))
                for sequence in [5, 3, 4, 4, 9, 1] as [Int64] {
                    _ = try await signer.mint(try mint("alice", 20001, position: position(sequence)))
                }
            }
            let signer = try await fixture.signer()
            #expect(try signer.records(after: 0, limit: 100).mints.map(\.position.sequence) == [1, 3, 4, 4, 5, 9])
            #expect(try signer.records(after: 0, limit: 3).mints.map(\.position.sequence) == [1, 3, 4, 4])
            #expect(try signer.records(after: 4, limit: 3).mints.map(\.position.sequence) == [5, 9])
            #expect(try signer.records(after: 9, limit: 3).mints.isEmpty)
            #expect(throws: SallyError.self) { try signer.records(after: 0, limit: 0) }
        }
    }

    @Test func noPageCutsAnEventInTwo() async throws {
        try await withScratchFolder { folder in
            let signer = try await SignerFixture(folder).signer()
            try await signer.register(try account("alice", 20001))
            for sequence in [1, 1, 1, 1, 1, 2] as [Int64] {
                _ = try await signer.mint(try mint("alice", 20001, position: position(sequence)))
            }
            #expect(try signer.records(after: 0, limit: 1).mints.map(\.position.sequence) == [1, 1, 1, 1, 1])
            #expect(try signer.records(after: 1, limit: 1).mints.map(\.position.sequence) == [2])
        }
    }

    @Test func oneDecisionPaysForAFewTokens() async throws {
        try await withScratchFolder { folder in
            let signer = try await SignerFixture(folder).signer()
            try await signer.register(try account("alice", 20001))
            for _ in 1...8 { _ = try await signer.mint(try mint("alice", 20001, position: position(3))) }
            let ninth = try mint("alice", 20001, position: position(3))
            try await Self.refuses(.denied) { _ = try await signer.mint(ninth) }
            _ = try await signer.mint(try mint("alice", 20001, position: position(4)))
        }
    }

    /// A gateway that was frozen between its own check and its question gets nothing: its submission may be settled by now.
    @Test(arguments: MintPurpose.allCases) func mintsNothingThatIsNotWantedAnyMore(_ purpose: MintPurpose) async throws
    {
        try await Self.with { signer, fixture in
            let request = try mint("alice", 20001, purpose, by: fixture.clock.now + .seconds(20))
            // A minute that clocks may be apart.
            fixture.clock.advance(.seconds(79))
            _ = try await signer.mint(request)
            fixture.clock.advance(.seconds(1))
            try await Self.refuses(.unavailable) { _ = try await signer.mint(request) }
            #expect(try signer.records(after: 0, limit: 100).mints.count == 1)
        }
    }

    @Test func mintsNoTokenToSubmitWithoutATimeByWhichItIsWanted() async throws {
        try await Self.with { signer, _ in
            let request = try mint("alice", 20001, .submit, by: nil)
            let error = try await #require(throws: SallyError.self) { try await signer.mint(request) }
            #expect(error.code == .invalidRequest && error.message.contains("mintBy"))
            #expect(error.hint?.contains("upgrade both") == true)
            _ = try await signer.mint(try mint("alice", 20001, .cancel, by: nil))
            #expect(try signer.records(after: 0, limit: 100).mints.map(\.purpose) == ["cancel"])
        }
    }

    /// What was decided before a head was signed is at least as old as the head, whatever the gateway says.
    @Test func anOldDecisionPaysForNothing() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            do {
                let signer = try await fixture.signer()
                try await signer.register(try account("alice", 20001))
                _ = try await signer.countersign(position(4))
                fixture.clock.advance(.seconds(10))
                _ = try await signer.countersign(position(7))
                fixture.clock.advance(.seconds(290))
                _ = try await signer.mint(try mint("alice", 20001, position: position(4)))
                fixture.clock.advance(.seconds(1))
                for sequence in [1, 4] as [Int64] {
                    let old = try mint("alice", 20001, position: position(sequence))
                    try await Self.refuses(.denied) { _ = try await signer.mint(old) }
                }
                let service = MintServiceRequest(
                    cluster: try ClusterName("dev"), purpose: .holdLeaverJob, position: position(4))
                try await Self.refuses(.denied) { _ = try await signer.mintService(service) }
                for sequence in [5, 7, 8] as [Int64] {
                    _ = try await signer.mint(try mint("alice", 20001, position: position(sequence)))
                }
            }
            // Another start knows the times of the heads too; a clock that was set back makes nothing older or younger.
            fixture.clock.advance(.seconds(-3600))
            let signer = try await fixture.signer()
            _ = try await signer.countersign(position(9))
            fixture.clock.advance(.seconds(3600 + 9))
            let seventh = try mint("alice", 20001, position: position(7))
            _ = try await signer.mint(seventh)
            fixture.clock.advance(.seconds(1))
            try await Self.refuses(.denied) { _ = try await signer.mint(seventh) }
        }
    }

    @Test func countersignsOnlyForwards() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let other = String(repeating: "b", count: 64)
            var key = ""
            do {
                let signer = try await fixture.signer()
                let made = try await signer.countersign(position(5))
                fixture.clock.advance(.seconds(5))
                #expect(try await signer.countersign(position(5)) == made)
                key = try signer.records(after: 0, limit: 1).publicKey
                let verifier = try P256.Signing.PublicKey(pemRepresentation: key)
                let raw = try #require(Base64.url.decode(made.signature))
                let signature = try P256.Signing.ECDSASignature(rawRepresentation: raw)
                #expect(
                    verifier.isValidSignature(signature, for: Countersignature.message(made.position, at: made.time)))
                #expect(
                    !verifier.isValidSignature(signature, for: Countersignature.message(position(6), at: made.time)))
            }
            let signer = try await fixture.signer()
            #expect(try signer.records(after: 0, limit: 1).publicKey == key)
            try await Self.refuses(.conflict) { _ = try await signer.countersign(position(5, other)) }
            try await Self.refuses(.conflict) { _ = try await signer.countersign(position(4)) }
            try await Self.refuses(.invalidRequest) { _ = try await signer.countersign(position(0)) }
            #expect(try await signer.countersign(position(6)).position == position(6))
            try await signer.register(try account("alice", 20001))
            let lie = try mint("alice", 20001, position: position(6, other))
            try await Self.refuses(.conflict) { _ = try await signer.mint(lie) }
        }
    }

    @Test func remembersEveryHead() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let other = String(repeating: "b", count: 64)
            do {
                let signer = try await fixture.signer()
                for sequence in [2, 5, 5, 9] as [Int64] { _ = try await signer.countersign(position(sequence)) }
            }
            let signer = try await fixture.signer()
            #expect(try signer.records(after: 0, limit: 100).heads == [position(2), position(5), position(9)])
            #expect(try signer.records(after: 0, limit: 2).heads == [position(2), position(5)])
            #expect(try signer.records(after: 5, limit: 2).heads == [position(9)])
            #expect(try signer.records(after: 9, limit: 2).heads.isEmpty)
            try await signer.register(try account("alice", 20001))
            let lie = try mint("alice", 20001, position: position(5, other))
            try await Self.refuses(.conflict) { _ = try await signer.mint(lie) }
        }
    }

    /// As a version left it that kept only the newest head, and as a signer does that is killed between its two writes.
    @Test func takesUpTheHeadOfAnOlderFolder() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            _ = try await fixture.signer().countersign(position(5))
            #expect(unlink(folder + "/state/heads.log") == 0)
            let signer = try await fixture.signer()
            #expect(try signer.records(after: 0, limit: 100).heads == [position(5)])
            try await Self.refuses(.conflict) { _ = try await signer.countersign(position(4)) }
        }
    }

    /// As a copy of a running signer's folder can be: the newest head never goes back.
    @Test func signsTheLastHeadOfTheLogAgain() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let path = folder + "/state/head.json"
            do {
                let signer = try await fixture.signer()
                _ = try await signer.countersign(position(2))
                let old = try #require(try DurableFile.read(path))
                _ = try await signer.countersign(position(5))
                try DurableFile.replace(path, with: old)
            }
            for _ in 0..<2 {
                let signer = try await fixture.signer()
                let records = try signer.records(after: 0, limit: 100)
                #expect(records.heads == [position(2), position(5)])
                let head = try #require(records.head)
                #expect(head.position == position(5))
                let raw = try #require(Base64.url.decode(head.signature))
                let key = try P256.Signing.PublicKey(pemRepresentation: records.publicKey)
                #expect(
                    key.isValidSignature(
                        try P256.Signing.ECDSASignature(rawRepresentation: raw),
                        for: Countersignature.message(head.position, at: head.time)))
                try await Self.refuses(.conflict) { _ = try await signer.countersign(position(4)) }
            }
        }
    }

    @Test(arguments: [nil, 2, 3] as [Int64?]) func startsOnNoHeadThatTheLogDoesNotHave(_ other: Int64?) async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let path = folder + "/state/head.json"
            do {
                let signer = try await fixture.signer()
                _ = try await signer.countersign(position(2))
                _ = try await signer.countersign(position(5))
            }
            if let other {
                let head = Countersignature(
                    position: position(other, String(repeating: "b", count: 64)), time: Timestamp(1), signature: "x")
                try DurableFile.replace(path, with: Array(KeepJSON.text(head).utf8))
            } else {
                #expect(unlink(path) == 0)
            }
            try await Self.refuses(.misconfigured) { _ = try await fixture.signer() }
        }
    }

    @Test func countersignsSoManyHeadsAMinute() async throws {
        try await Self.with { signer, fixture in
            for sequence in 1...60 as ClosedRange<Int64> { _ = try await signer.countersign(position(sequence)) }
            _ = try await signer.countersign(position(60))
            try await Self.refuses(.rateLimited) { _ = try await signer.countersign(position(61)) }
            fixture.clock.advance(.seconds(60))
            _ = try await signer.countersign(position(61))
        }
    }

    @Test func namesThePrimaryGroupOfTheDirectory() async throws {
        try await Self.with { signer, _ in
            try await signer.register(try account("bob", 20002, gid: 5000, gids: [5000, 20500]))
            let claims = try await ReadClaims.read(try await signer.mint(try mint("bob", 20002)))
            #expect(claims.uid == 20002 && claims.gid == 5000 && claims.id?.gids == [5000, 20500])
            for gid in [nil, 20002, 5001] as [UInt32?] {
                try await Self.refuses(.conflict) {
                    try await signer.register(try account("bob", 20002, gid: gid, gids: [20500]))
                }
            }
            try await signer.register(try account("carol", 20003, gid: 100))
            #expect(try await ReadClaims.read(try await signer.mint(try mint("carol", 20003))).gid == 100)
        }
    }

    /// A line from before the primary group was recorded has none, and takes one once.
    @Test func readsAccountsWithoutAPrimaryGroup() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let line =
                #"{"cluster":"dev","user":"alice","uid":20001,"gids":[],"gecos":"A","home":"/home/alice","shell":"/bin/sh"}"#
            let old: ManagedAccount = try KeepJSON.message(from: line)
            #expect(old.gid == nil)
            do {
                let signer = try await fixture.signer()
                try await signer.register(old)
                #expect(try await ReadClaims.read(try await signer.mint(try mint("alice", 20001))).gid == 20001)
                try await signer.register(try account("alice", 20001, gid: 5000))
            }
            let signer = try await fixture.signer()
            #expect(try await ReadClaims.read(try await signer.mint(try mint("alice", 20001))).gid == 5000)
            try await Self.refuses(.conflict) { try await signer.register(try account("alice", 20001, gid: 20001)) }
        }
    }

    @Test func signsRS256WithItsKeyID() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let key = try Insecure.RSA.PrivateKey(pem: rsaKey)
            try writeFile(folder + "/rsa", rsaKey)
            var settings = try fixture.settings()
            settings.clusters[0].key = .rs256(path: folder + "/rsa", kid: "k1")
            let signer = try await Signer(settings, clock: fixture.clock)
            try await signer.register(try account("alice", 20001))
            let token = try await signer.mint(try mint("alice", 20001))
            let keys = JWTKeyCollection()
            await keys.add(rsa: key.publicKey, digestAlgorithm: .sha256, kid: "k1")
            #expect(try await keys.verify(token.token, as: ReadClaims.self).sun == "alice")
            let header = String(
                decoding: try #require(Base64.url.decode(token.token.prefix { $0 != "." })), as: UTF8.self)
            #expect(header.contains(#""kid":"k1""#) && header.contains(#""alg":"RS256""#))
        }
    }

    @Test(arguments: [(0, false), (1, true), (128, true), (129, false)])
    func aKeyIDHas128BytesAtMost(bytes: Int, isTaken: Bool) async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            try writeFile(folder + "/rsa", rsaKey)
            var settings = try fixture.settings()
            settings.clusters[0].key = .rs256(path: folder + "/rsa", kid: String(repeating: "k", count: bytes))
            let wanted = settings
            if isTaken {
                _ = try await Signer(wanted, clock: fixture.clock)
            } else {
                try await Self.refuses(.misconfigured) { _ = try await Signer(wanted, clock: fixture.clock) }
            }
        }
    }

    @Test func startsOnNoKeyThatOthersCanRead() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            #expect(chmod(folder + "/key", 0o640) == 0)
            try await Self.refuses(.misconfigured) { _ = try await fixture.signer() }
            #expect(unlink(folder + "/key") == 0)
            try await Self.refuses(.misconfigured) { _ = try await fixture.signer() }
            try writeFile(folder + "/key", "short")
            try await Self.refuses(.misconfigured) { _ = try await fixture.signer() }
            var settings = try fixture.settings()
            settings.clusters[0].key = .rs256(path: folder + "/key", kid: "k1")
            try await Self.refuses(.misconfigured) { _ = try await Signer(settings, clock: fixture.clock) }
        }
    }

    @Test func startsOnceOnAStateFolderOfItsOwn() async throws {
        try await withScratchFolder { folder in
            let fixture = try SignerFixture(folder)
            let first = try await fixture.signer()
            try await Self.refuses(.conflict) { _ = try await fixture.signer() }
            #expect(permissions(of: folder + "/state") == 0o700)
            #expect(permissions(of: folder + "/state/countersign.pem") == 0o600)
            _ = first.list
            var settings = try fixture.settings()
            settings.clusters.append(settings.clusters[0])
            try await Self.refuses(.misconfigured) { _ = try await Signer(settings, clock: fixture.clock) }
        }
    }
}
