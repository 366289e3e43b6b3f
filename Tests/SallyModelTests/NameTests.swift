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
