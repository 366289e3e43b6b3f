// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyAccounts
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

#if canImport(Glibc)
import Glibc
#endif

/// Signals are the whole process's: one test at a time.
extension InterruptionTestsSerial {
    @Suite struct PluginRunTests {
        private func run(
            _ world: PluginWorld, _ name: String = "mine", renewKeys: Bool = false, dryRun: Bool = false,
            output: PluginRun.Output = .text
        ) async throws {
            let plugin = ReadPlugin(name: name, settings: .command(world.command(name)))
            try await PluginRun(
                plugin: plugin, machines: world.cluster(), renewKeys: renewKeys, dryRun: dryRun, output: output
            ).run(world.surroundings(), world.announcer())
        }

        @Test func whatRanIsRemembered() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "exit 0")
                try await run(world)
                let known = try world.memory.plugins()
                #expect(known.map(\.name) == ["mine"])
                #expect(known.first?.settings == .command(world.command("mine")))
                #expect((known.first?.ranAt.rawValue ?? 0) > 1_700_000_000)
            }
        }

        /// A part of the work is enough: later nodes are to have it. Nothing is not, and takes nothing away either.
        @Test func whatFailedAltogetherIsNotRemembered() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "exit 1")
                await #expect(throws: SallyError.self) { try await run(world) }
                #expect(try world.memory.plugins().isEmpty)
                try world.program("mine", "exit 75")
                await #expect(throws: SallyError.self) { try await run(world) }
                #expect(try world.memory.plugins().map(\.name) == ["mine"])
                try world.program("mine", "exit 1")
                await #expect(throws: SallyError.self) { try await run(world) }
                #expect(try world.memory.plugins().map(\.name) == ["mine"])
            }
        }

        @Test func aDryRunPrintsTheDocumentAndRunsNothing() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "touch '\(world.root)/ran'")
                try await run(world, dryRun: true)
                #expect(!exists("\(world.root)/ran"))
                #expect(try world.memory.plugins().isEmpty)
                #expect(world.output.hasPrefix("\(world.root)/mine would get on standard input:\n{"))
                #expect(world.output.contains("\"event\": \"run\""))
            }
        }

        @Test func theJSONHasWhatItSaid() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "echo hello; exit 3")
                await #expect(throws: SallyError.self) { try await run(world, output: .json) }
                let json = try JSONValue(parsing: world.output)
                #expect(json["schema"]?.string == "sally.cluster.plugin/1")
                #expect(json["complete"]?.bool == false)
                #expect(json["calls"]?.array?.first?["output"]?.array?.first?["text"]?.string == "hello")
            }
        }

        @Test func aProgramHasNoKeysToRenew() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "touch '\(world.root)/ran'")
                let error = await #expect(throws: SallyError.self) { try await run(world, renewKeys: true) }
                #expect(error?.code == .invalidRequest)
                #expect(!exists("\(world.root)/ran"))
            }
        }

        @Test func whatCannotBeRememberedIsAnError() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "exit 0")
                try writeFile("\(world.root)/state", "")
                await #expect(throws: SallyError.self) { try await run(world) }
            }
        }

        /// As a signal does it, which cancels (the other tests of this suite).
        @Test func anInterruptedRunLeavesNoProcess() async throws {
            try await PluginWorld.with { world in
                try world.program("mine", "sleep 600 & echo $! $$ >'\(world.root)/pids'; wait")
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await #expect(throws: CancellationError.self) { try await run(world) }
                    }
                    try? await eventually("it runs") {  // what follows says more
                        try exists("\(world.root)/pids")
                            && String(contentsOfFile: "\(world.root)/pids", encoding: .utf8).hasSuffix("\n")
                    }
                    group.cancelAll()
                }
                let text = try String(contentsOfFile: "\(world.root)/pids", encoding: .utf8)
                let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
                #expect(numbers.count == 2)
                for number in numbers {
                    try await eventually("process \(number) is gone") { kill(number, 0) != 0 && errno == ESRCH }
                }
                #expect(try world.memory.plugins().isEmpty)
            }
        }
    }
}
