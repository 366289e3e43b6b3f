// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallySocket
import SallyTestSupport
import Testing

@Suite struct DurableTests {
    static func lines(_ path: String) throws -> [String] {
        var lines: [String] = []
        _ = try DurableLog(path: path) { text, _ in lines.append(text) }
        return lines
    }

    @Test func remembersLinesAcrossOpenings() async throws {
        try await withScratchFolder { folder in
            let path = folder + "/log"
            do {
                let log = try DurableLog(path: path) { _, _ in }
                try log.append("one")
                let place = try log.append("two ä")
                try log.append(String(repeating: "x", count: 5000))
                try await log.sync()
                #expect(try log.line(at: place) == "two ä")
            }
            #expect(try Self.lines(path) == ["one", "two ä", String(repeating: "x", count: 5000)])
            #expect(permissions(of: path) == 0o600)
        }
    }

    @Test func takesAwayALineThatWasCutOff() async throws {
        try await withScratchFolder { folder in
            let path = folder + "/log"
            do {
                let log = try DurableLog(path: path) { _, _ in }
                try log.append("one")
            }
            let descriptor = open(path, O_WRONLY | O_APPEND)
            _ = write(descriptor, "1234abcd tw", 11)
            close(descriptor)
            #expect(try Self.lines(path) == ["one"])
            do {
                let log = try DurableLog(path: path) { _, _ in }
                try log.append("three")
            }
            #expect(try Self.lines(path) == ["one", "three"])
        }
    }

    @Test func refusesADamagedLine() async throws {
        try await withScratchFolder { folder in
            let path = folder + "/log"
            do {
                let log = try DurableLog(path: path) { _, _ in }
                try log.append("bind alice 20001")
                try log.append("bind bob 20002")
            }
            let descriptor = open(path, O_RDWR)
            _ = pwrite(descriptor, "9", 1, 22)
            close(descriptor)
            let error = try #require(throws: SallyError.self) { try Self.lines(path) }
            #expect(error.code == .misconfigured)
            #expect(error.message.contains("line 1"))
        }
    }

    @Test func isHadByOneProcessAtATime() async throws {
        try await withScratchFolder { folder in
            let log = try DurableLog(path: folder + "/log") { _, _ in }
            let error = try #require(throws: SallyError.self) { try DurableLog(path: folder + "/log") { _, _ in } }
            #expect(error.code == .conflict)
            try log.append("still mine")
        }
    }

    /// A program that is being started has the descriptor too for a moment.
    @Test func isGivenBackWhoeverHasTheDescriptorStill() async throws {
        try await withScratchFolder { folder in
            let path = folder + "/log"
            let second: Int32
            do {
                let log = try DurableLog(path: path) { _, _ in }
                second = try secondDescriptor(of: path)
                try log.append("one")
            }
            defer { close(second) }
            #expect(try Self.lines(path) == ["one"])
        }
    }

    @Test func refusesFilesThatOthersCanReadAndLinks() async throws {
        try await withScratchFolder { folder in
            try writeFile(folder + "/open", "", mode: 0o644)
            try writeFile(folder + "/target", "")
            #expect(symlink(folder + "/target", folder + "/link") == 0)
            for name in ["open", "link"] {
                #expect(throws: SallyError.self) { try DurableLog(path: folder + "/" + name) { _, _ in } }
                #expect(throws: SallyError.self) { try DurableFile.read(folder + "/" + name) }
            }
            #expect(mkfifo(folder + "/fifo", 0o600) == 0)
            #expect(throws: SallyError.self) { try DurableFile.read(folder + "/fifo") }
            #expect(throws: SallyError.self) { try DurableFile.makeFolder(folder + "/link") }
        }
    }

    @Test func replacesAFileWhole() async throws {
        try await withScratchFolder { folder in
            #expect(try DurableFile.read(folder + "/f") == nil)
            for text in ["first", "second and longer", "3"] {
                try DurableFile.replace(folder + "/f", with: Array(text.utf8))
                #expect(try DurableFile.read(folder + "/f") == Array(text.utf8))
            }
            #expect(permissions(of: folder + "/f") == 0o600)
            #expect(!exists(folder + "/f.new"))
        }
    }
}
