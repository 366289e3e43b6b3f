// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import Testing

@Suite struct INIDocumentTests {
    private func value(_ key: String, _ text: String) throws -> String? {
        let document = INIDocument.parse(text, file: "/c")
        return try document.section("s", "x")?.value(of: key)?.text
    }

    private func problem(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return ""
        } catch { return "\(error)" }
    }

    @Test(arguments: [
        ("k = v", "v"), ("k: v", "v"), ("K=v", "v"), ("k = a=b:c", "a=b:c"), ("k : a = b", "a = b"), ("k =", ""),
        ("k = \"\"", ""), ("k = v # note", "v"), ("k = v ; note", "v"), ("k = v#note;x", "v#note;x"),
        ("k = # note", ""), ("k =#v", "#v"), ("k = a\n  b\n\tc", "a\nb\nc"), ("k = a,\n  b, # first\n  c", "a,\nb,\nc"),
        ("k = a\n# note\n; note\n\n  b", "a\nb"), ("k = a\n  # note\n  b", "a\nb"), ("k =\n  b", "b"),
        ("k = v\r\nl = w\r", "v"), ("  # note\nk = v", "v"), ("k\t=\tv\t", "v"), ("k = é", "é"),
        ("k = %(other)s/x\nother = /a", "/a/x"), ("k = 100%%", "100%"),
        ("k = %(Other)s\nother = %(third)s\nthird = 3", "3"),
    ])
    func valuesAreReadAsConfigParserReadsThem(_ text: String, _ expected: String) throws {
        #expect(try value("k", "[s x]\n\(text)") == expected)
    }

    @Test func sectionsHaveAKindAndAName() throws {
        let document = INIDocument.parse(
            "\u{feff}# first\n[global]\n[Aws info] ; note\n[cluster  a b]\n[cluster c]\nk = v\n[plugin p]", file: "/c")
        #expect(document.sections.map(\.title) == ["global", "aws info", "cluster a b", "cluster c", "plugin p"])
        #expect(document.names(of: "cluster") == ["a b", "c"])
        #expect(try document.section("cluster", "c")?.value(of: "k")?.place.description == "/c:6")
        #expect(try document.section("cluster", "C") == nil)
        #expect(try document.section("cluster", "c")?.value(of: "other") == nil)
        #expect(document.problems.isEmpty)
    }

    @Test func everyValueKnowsItsLine() throws {
        let section = try #require(try INIDocument.parse("\n[s x]\n\na = 1\n  2\nb = 3", file: "/c").section("s", "x"))
        #expect(section.place == FilePlace(file: "/c", line: 2))
        #expect(try section.value(of: "a")?.place.line == 4)
        #expect(try section.value(of: "b")?.place.line == 6)
    }

    @Test func defaultsStandInForAllSections() throws {
        let text = "[DEFAULT]\nroot = /data\nk = d\n[s x]\ndir = %(root)s/x\n[s y]\nk = own"
        let document = INIDocument.parse(text, file: "/c")
        #expect(try document.section("s", "x")?.value(of: "dir")?.text == "/data/x")
        #expect(try document.section("s", "x")?.value(of: "k")?.text == "d")
        #expect(try document.section("s", "y")?.value(of: "k")?.text == "own")
        #expect(document.sections.count == 2)
    }

    @Test(arguments: [
        ("k = 50% off", "a bare %"), ("k = %", "a bare %"), ("k = %(a", "with the s"),
        ("k = %(a)d\na = 1", "with the s"),
        ("k = %(no)s", "has \"no\""), ("k = %(k)s", "leads back to itself"),
        ("k = %(a)s\na = %(b)s\nb = %(a)s", "leads back to itself"),
    ])
    func aPercentSignIsOneClearErrorWithItsLine(_ text: String, _ expected: String) {
        let found = problem { try value("k", "[s x]\n\(text)") }
        #expect(found.contains(expected) && found.hasPrefix("/c:2: [s x]: k: "), "\(found)")
        #expect(!found.contains("\n"))
    }

    @Test func valuesThatGrowAreStopped() {
        let lines = (0..<10).map { "k\($0) = " + String(repeating: "%(k\($0 + 1))s", count: 20) }
        let text = "[s x]\n" + lines.joined(separator: "\n") + "\nk10 = aaaaaaaaaa"
        #expect(!problem { try value("k0", text) }.isEmpty)
        #expect(problem { try value("k5", text) }.contains("65536 bytes"))
    }

    @Test func tenValuesMayBePassedThroughAsInConfigParser() throws {
        func chain(_ length: Int) -> String {
            "k = %(k1)s\n" + (1..<length).map { "k\($0) = %(k\($0 + 1))s\n" }.joined() + "k\(length) = end"
        }
        #expect(try value("k", "[s x]\n\(chain(9))") == "end")
        #expect(problem { try value("k", "[s x]\n\(chain(10))") }.contains("more than ten"))
    }

    @Test func aSectionOrAKeyGivenTwiceNamesBothLines() throws {
        let document = INIDocument.parse("[s x]\nk = 1\n[s y]\nk = 1\nK: 2\n  more\nl = 3\n[s x]\nk = 3", file: "/c")
        #expect(
            problem { try document.section("s", "x") } == "/c:8: [s x]: the section is given twice, first in /c:1")
        let other = try #require(try document.section("s", "y"))
        #expect(problem { try other.value(of: "k") } == "/c:5: [s y]: k is given twice, first in /c:4")
        // The line that goes on with the second stands for nothing, and the rest of the section is good.
        #expect(try other.value(of: "l")?.text == "3")
    }

    @Test(arguments: [
        ("novalue hush", 2, "neither a section"), ("= hush", 2, "neither a section"), ("  k = hush", 2, "goes on with"),
    ])
    func whatIsNoKeyBreaksOnlyItsSectionAndIsNotShown(_ line: String, _ number: Int, _ expected: String) throws {
        let document = INIDocument.parse("[s x]\n\(line)\n  hush\n[s y]\nk = v", file: "/c")
        let found = problem { try document.section("s", "x") }
        #expect(found.contains(expected) && found.hasPrefix("/c:\(number): [s x]: "), "\(found)")
        #expect(!found.contains("hush"))
        #expect(try document.section("s", "y")?.value(of: "k")?.text == "v")
    }

    @Test(arguments: [("[s x", "] is missing"), ("[s x] y", "nothing may follow ]")])
    func aBrokenTitleBreaksItsOwnSection(_ title: String, _ expected: String) throws {
        let document = INIDocument.parse("[s a]\nk = v\n\(title)\nk = w", file: "/c")
        #expect(problem { try document.section("s", "x") }.contains(expected))
        #expect(try document.section("s", "a")?.value(of: "k")?.text == "v")
    }

    @Test func linesBeforeTheFirstSectionConcernNone() throws {
        let document = INIDocument.parse("k = hush\n  hush\n[s x]\nk = v", file: "/c")
        #expect(document.problems.map(\.description) == ["/c:1: a key stands before the first section"])
        #expect(try document.section("s", "x")?.value(of: "k")?.text == "v")
    }

    @Test func valuesNeverPrintThemselves() throws {
        let document = INIDocument.parse("[aws info]\naws_secret_access_key = hush\n  hush", file: "/c")
        var text = ""
        dump(document, to: &text)
        #expect(!text.contains("hush") && !"\(document)".contains("hush"))
    }

    @Test func listsAreCutAtCommas() throws {
        let section = INIDocument.parse("[s x]\nk = a, b,,\n  c\nl =", file: "/c").sections[0]
        #expect(try section.value(of: "k")?.items == ["a", "b", "", "c"])
        #expect(try section.value(of: "l")?.items == [])
    }
}
