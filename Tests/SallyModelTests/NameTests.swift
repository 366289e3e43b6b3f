// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@Suite struct NameTests {
    @Test(arguments: ["alice", "_a", "a-b_c", "a1", "x23456789012345678901234567890ab"])
    func takesUserNames(_ text: String) throws {
        #expect(try UserName(text).rawValue == text)
    }

    @Test(
        arguments: [
            "", "0", "5002", "root", "slurm", "nobody", "-x", "Alice", "al ice", "a\n", "ålice", "a:b", "a/b", "a.b",
            "..",
            "x2345678901234567890123456789012x", "munge", "sallyport", "sudo",
        ])
    func refusesUserNames(_ text: String) {
        #expect(UserName(rawValue: text) == nil)
        #expect(throws: SallyError.self) { try UserName(text) }
    }

    @Test func saysWhatIsWrongWithoutControlCharacters() {
        do {
            _ = try UserName("a\nb\u{7f}\u{e9}")
            Issue.record("accepted")
        } catch let error as SallyError {
            #expect(error.message == #"user name "a\u{a}b\u{7f}\u{e9}" is not valid"#)
            #expect(error.hint?.contains("1-32 characters") == true)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: [("okta:K", "okta:\u{212a}"), ("okta:caf\u{e9}", "okta:cafe\u{301}"), ("okta:;", "okta:\u{37e}")])
    func groupsAreComparedByBytes(_ one: String, _ other: String) throws {
        #expect(one == other, "Swift's text has them for the same")
        let (one, other) = (try GroupName(one), try GroupName(other))
        #expect(one != other && (one < other) != (other < one))
        #expect(Set([one, other]).count == 2)
        #expect(Set([one]).isDisjoint(with: [other]))
    }

    @Test func subjectsAreComparedByBytes() {
        let (one, other) = (Subject(issuer: "i", subject: "K"), Subject(issuer: "i", subject: "\u{212a}"))
        #expect(one != other && Set([one, other]).count == 2)
        #expect(one == Subject(issuer: "i", subject: "K"))
    }

    @Test func aGroupsSourceEndsAtTheFirstColonByte() throws {
        #expect(try GroupName("okta:\u{301}x:y").source == "okta")
    }

    @Test func otherNamesTakeNoLettersThatLookLikeTheirs() {
        for text in ["\u{212a}", "a\u{301}", "\u{37e}"] {
            #expect(PartitionName(rawValue: text) == nil && AccountName(rawValue: text) == nil)
            #expect(QOSName(rawValue: text) == nil && NodeName(rawValue: text) == nil)
            #expect(ReservationName(rawValue: text) == nil && UserName(rawValue: text) == nil)
        }
    }

    @Test func cutsLongNamesInMessages() {
        #expect(quoted(String(repeating: "x", count: 1000)).utf8.count < 80)
    }

    @Test func accountsAreLowerCaseAsSlurmctldMakesThem() throws {
        #expect(try AccountName("LAB") == AccountName("lab"))
        #expect(try QOSName("High") == QOSName("high"))
        #expect(try PartitionName("GPU") != PartitionName("gpu"))
    }

    @Test(arguments: ["-gpu", "", "a b", "a,b", "a/b", "a;b"])
    func refusesPartitionNames(_ text: String) {
        #expect(PartitionName(rawValue: text) == nil)
    }

    @Test(arguments: ["okta:hpc-users", "local:x", "entra:4a1f-..-x"])
    func groupsCarryTheirSource(_ text: String) throws {
        #expect(try GroupName(text).source == text.split(separator: ":").first.map(String.init))
    }

    @Test(arguments: ["hpc-users", ":x", "okta:", "Okta:x", "okta:a\nb"])
    func refusesGroupsWithoutSource(_ text: String) {
        #expect(GroupName(rawValue: text) == nil)
    }
}
