// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyModel
import SallyTestSupport
import Testing

@testable import SallySteward

@Suite struct JobMemoryTests {
    static let dev = ClusterName(unchecked: "dev")

    static func job(_ number: Int, _ path: String = "/o") throws -> JobFiles {
        JobFiles(
            job: try JobID("\(number)"), uid: 20001, submitted: "2026-11-21T04:00:00", standardOutput: path,
            standardError: path)
    }

    static func memory(_ folder: String, age: Int = 1000, count: Int = 50, at now: Int64) throws -> JobMemory {
        try JobMemory(
            path: folder + "/jobs.log", bounds: .init(age: .seconds(age), count: count), now: Timestamp(now))
    }

    static func lines(_ folder: String) throws -> Int {
        let file = try #require(fopen(folder + "/jobs.log", "r"))
        defer { fclose(file) }
        var count = 0
        while true {
            let byte = fgetc(file)
            guard byte != EOF else { return count }
            if byte == 0x0a { count += 1 }
        }
    }

    @Test func remembersAcrossRestarts() async throws {
        try await withScratchFolder { folder in
            do {
                var memory = try Self.memory(folder, at: 1)
                try memory.remember([try Self.job(7, "/a"), try Self.job(8)], on: Self.dev, at: Timestamp(1))
                try memory.remember([try Self.job(7, "/b")], on: Self.dev, at: Timestamp(2))
            }
            let memory = try Self.memory(folder, at: 3)
            #expect(memory.files(of: try JobID("7"), on: Self.dev)?.standardOutput == "/b")
            #expect(memory.files(of: try JobID("8"), on: ClusterName(unchecked: "other")) == nil)
        }
    }

    @Test func forgetsWhatIsOld() async throws {
        try await withScratchFolder { folder in
            do {
                var memory = try Self.memory(folder, at: 0)
                try memory.remember([try Self.job(7)], on: Self.dev, at: Timestamp(0))
                try memory.remember([try Self.job(8)], on: Self.dev, at: Timestamp(900))
                try memory.remember([], on: Self.dev, at: Timestamp(4000))
                #expect(memory.files(of: try JobID("7"), on: Self.dev) == nil)
                try memory.remember([try Self.job(9)], on: Self.dev, at: Timestamp(4000))
            }
            #expect(try Self.lines(folder) == 1)
            #expect(try Self.memory(folder, at: 4001).files(of: try JobID("9"), on: Self.dev) != nil)
            #expect(try Self.memory(folder, at: 6000).files(of: try JobID("9"), on: Self.dev) == nil)
        }
    }

    @Test func keepsTheNewestOfTooMany() async throws {
        try await withScratchFolder { folder in
            var memory = try Self.memory(folder, at: 0)
            for number in 1...500 {
                try memory.remember([try Self.job(number)], on: Self.dev, at: Timestamp(Int64(number)))
            }
            #expect(memory.files(of: try JobID("1"), on: Self.dev) == nil)
            #expect(memory.files(of: try JobID("500"), on: Self.dev) != nil)
            #expect(try Self.lines(folder) <= 50)
        }
    }

    /// A job that changes over and over grows neither memory nor file.
    @Test func writesTheFileAnewWhenMostOfItIsOfNoUse() async throws {
        try await withScratchFolder { folder in
            do {
                var memory = try Self.memory(folder, at: 0)
                for round in 1...1000 {
                    try memory.remember([try Self.job(7, "/\(round)")], on: Self.dev, at: Timestamp(0))
                }
            }
            #expect(try Self.lines(folder) <= 101)
            let memory = try Self.memory(folder, at: 0)
            #expect(memory.files(of: try JobID("7"), on: Self.dev)?.standardOutput == "/1000")
        }
    }

    /// What a crash leaves of a new file is not the file.
    @Test func takesNothingFromAHalfWrittenFile() async throws {
        try await withScratchFolder { folder in
            do {
                var memory = try Self.memory(folder, at: 0)
                try memory.remember([try Self.job(7)], on: Self.dev, at: Timestamp(0))
            }
            try writeFile(folder + "/jobs.log.new", "junk")
            do {
                let memory = try Self.memory(folder, at: 0)
                #expect(memory.files(of: try JobID("7"), on: Self.dev) != nil)
            }
            do {
                var memory = try Self.memory(folder, at: 0)
                for number in 1...100 { try memory.remember([try Self.job(number)], on: Self.dev, at: Timestamp(0)) }
            }
            #expect(try Self.memory(folder, at: 0).files(of: try JobID("100"), on: Self.dev) != nil)
        }
    }
}
