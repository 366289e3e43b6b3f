// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct INIFilesTests {
    private func load(_ file: String, _ environment: [String: String] = [:]) throws -> INIDocument {
        try INIDocument.load(file, paths: PathExpansion(environment: environment, folder: "/"))
    }

    private func message(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return ""
        } catch { return (error as? SallyError)?.message ?? "\(error)" }
    }

    @Test func includedFilesAreReadAsIfAppended() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/config", "[global]\ninclude = one, ~/two,\n  $PLACE/three\n[key a]\nk = 1")
            try writeFile("\(folder)/one", "[key b]\nk = 2\n[DEFAULT]\nd = 5")
            try writeFile("\(folder)/two", "[global]\ninclude = sub/four\nprovider = podman")
            try writeFile("\(folder)/three", "[key c]\nk = 3")
            #expect(mkdir("\(folder)/sub", 0o700) == 0)
            try writeFile("\(folder)/sub/four", "[key d]\nk = 4")
            let document = try load("\(folder)/config", ["HOME": folder, "PLACE": folder])
            #expect(document.names(of: "key") == ["a", "b", "d", "c"])
            #expect(try document.section("key", "d")?.value(of: "k")?.place.description == "\(folder)/sub/four:2")
            #expect(try document.global()?.value(of: "provider")?.text == "podman")
            #expect(try document.section("key", "c")?.value(of: "d")?.text == "5")
        }
    }

    @Test func twiceCountsAcrossFiles() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/config", "[global]\ninclude = one\nprovider = podman\n[key a]")
            try writeFile("\(folder)/one", "[global]\nprovider = inventory\n[key a]\n[key b]")
            let document = try load("\(folder)/config")
            let twice = "\(folder)/one:3: [key a]: the section is given twice, first in \(folder)/config:4"
            #expect(message { try document.section("key", "a") } == twice)
            #expect(try document.section("key", "b") != nil)
            let global = try #require(try document.global())
            let key = "\(folder)/one:2: [global]: provider is given twice, first in \(folder)/config:3"
            #expect(message { try global.value(of: "provider") } == key)
            try writeFile("\(folder)/two", "[global]\n[global]")
            let other = try load("\(folder)/two")
            #expect(message { try other.global() }.contains("[global]: the section is given twice, first in"))
        }
    }

    @Test func whatIsNotThereIsSaidInStarClustersWords() async throws {
        try await withScratchFolder { folder in
            #expect(message { try load("\(folder)/no") } == "config file \(folder)/no does not exist")
            #expect(message { try load("\(folder)/no/no") } == "config file \(folder)/no/no does not exist")
            #expect(message { try load(folder) } == "config \(folder) exists but is not a regular file")
            try writeFile("\(folder)/config", "[global]\ninclude = nothing")
            #expect(message { try load("\(folder)/config") } == "include \(folder)/nothing not found")
            try writeFile("\(folder)/config", "[global]\ninclude = \(folder)")
            #expect(message { try load("\(folder)/config") } == "config \(folder) exists but is not a regular file")
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            #expect(
                message { try load("\(folder)/pipe") } == "config \(folder)/pipe exists but is not a regular file")
        }
    }

    @Test func whatOthersCanChangeAndWhatIsNoTextIsRefused() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/open", "[global]", mode: 0o666)
            #expect(message { try load("\(folder)/open") }.contains("can be written by everybody"))
            try writeFile("\(folder)/config", "[global]\ninclude = open")
            #expect(message { try load("\(folder)/config") }.contains("can be written by everybody"))
        }
    }

    @Test(arguments: ["http://example.org/config", "HTTPS://user:hush@example.org/config"])
    func addressesAreNotFetched(_ address: String) async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/config", "[global]\ninclude = \(address)")
            let error = #expect(throws: SallyError.self) { try load("\(folder)/config") }
            #expect(error?.code == .unsupported && error?.hint?.contains("save it") == true)
            #expect(
                error?.message.contains("hush") == false && error?.message.hasPrefix("\(folder)/config:2: ") == true)
        }
    }

    @Test func circlesAreRefusedAndTwoWaysToAFileAreNone() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/a", "[global]\ninclude = b")
            try writeFile("\(folder)/b", "[global]\ninclude = c")
            try writeFile("\(folder)/c", "[global]\ninclude = ./b")
            let found = message { try load("\(folder)/a") }
            #expect(found.hasPrefix("include goes round in a circle: ") && found.hasSuffix("/b"))
            try writeFile("\(folder)/self", "[global]\ninclude = self")
            #expect(message { try load("\(folder)/self") }.contains("circle"))
            try writeFile("\(folder)/a", "[global]\ninclude = b, c")
            try writeFile("\(folder)/b", "[global]\ninclude = d")
            try writeFile("\(folder)/c", "[global]\ninclude = d")
            try writeFile("\(folder)/d", "[key a]")
            #expect(try load("\(folder)/a").section("key", "a") != nil)
        }
    }

    @Test func atMostSixtyFourFilesAreRead() async throws {
        try await withScratchFolder { folder in
            for index in 0...63 { try writeFile("\(folder)/f\(index)", "[key k\(index)]") }
            func config(_ count: Int) -> String {
                "[global]\ninclude = " + (0..<count).map { "f\($0)" }.joined(separator: ", ")
            }
            try writeFile("\(folder)/config", config(63))
            #expect(try load("\(folder)/config").names(of: "key").count == 63)
            try writeFile("\(folder)/config", config(64))
            #expect(message { try load("\(folder)/config") } == "\(folder)/config includes more than 64 files")
        }
    }

    @Test func aBrokenIncludeIsSaid() async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/config", "[global]\ninclude = 5%")
            #expect(message { try load("\(folder)/config") }.contains("a bare %"))
            try writeFile("\(folder)/config", "[global]\ninclude = $NOTHERE/x")
            #expect(message { try load("\(folder)/config") }.contains("$NOTHERE is not set"))
            try writeFile("\(folder)/config", "[global]\ninclude = ~other/x")
            #expect(message { try load("\(folder)/config") }.contains("~ followed by a name"))
        }
    }

    @Test(arguments: [
        ("~", "/h"), ("~/x", "/h/x"), ("$HOME/x", "/h/x"), ("/a/${V}b", "/a/vb"), ("x/y", "/f/x/y"), ("a~b", "/f/a~b"),
        ("/a/$V/$V", "/a/v/v"),
    ])
    func pathsAreExpanded(_ text: String, _ expected: String) throws {
        let paths = PathExpansion(environment: ["HOME": "/h", "V": "v"], folder: "/f")
        #expect(try paths.expand(text) == expected)
    }

    @Test(arguments: ["~root/x", "$NO", "${NO}", "$", "${HOME", "a$-"])
    func pathsThatMeanNothingAreRefused(_ text: String) {
        let paths = PathExpansion(environment: ["HOME": "/h"], folder: "/f")
        #expect(throws: PathExpansion.Failure.self) { try paths.expand(text) }
    }
}
