// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

/// What every `Transport` keeps. Each implementation that this machine can have runs all of it.
@Suite struct TransportConformance {
    private static let kinds = TransportKind.available

    @Test(.enabled(if: TransportKind.available.contains(.podman), "needs podman and a node image: `make images`"))
    func containersAreAmongThem() {
        #expect(TransportConformance.kinds.contains(.podman))
    }

    @Test(arguments: kinds) func argumentsArriveAsTheyAre(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let words = ["$HOME; exit 3", "", "a\nb", "'\"`\\", "-n", "ü"]
            let completion = try await transport.run(
                Invocation(arguments: ["/bin/bash", "-c", "printf '%s|' \"$@\"", "x"] + words), on: node)
            #expect(completion.output == words.joined(separator: "|") + "|")
            #expect(completion.succeeded)
        }
    }

    @Test(arguments: kinds) func standardInputArrivesWhole(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let bytes = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let completion = try await transport.run(
                Invocation(arguments: ["cat"], standardInput: bytes), on: node)
            #expect(completion.standardOutput == bytes)
        }
    }

    @Test(arguments: kinds) func standardInputThatNobodyReadsIsNoTrouble(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let bytes = [UInt8](repeating: 0x0a, count: 4_000_000)
            for status in [0, 5] as [Int32] {
                let completion = try await transport.run(
                    Invocation(
                        arguments: ["/bin/bash", "-c", "exec <&-; sleep 0.2; echo told; exit \(status)"],
                        standardInput: bytes), on: node)
                #expect(completion.status == status)
                // podman 4.3 now and then forgets the last output when it cannot write the input.
                if kind != .podman { #expect(completion.output == "told\n") }
            }
        }
    }

    @Test(arguments: kinds) func scriptsRunWithTheirArguments(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let completion = try await transport.run(
                .script("echo \"$1-$2\"; echo trouble >&2; exit 7", arguments: ["a b", "c"]), on: node)
            #expect(completion.output == "a b-c\n")
            #expect(completion.errorOutput == "trouble\n")
            #expect(completion.status == 7)
        }
    }

    @Test(arguments: kinds) func aSignalIsAStatus(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let completion = try await transport.run(.script("kill -TERM $$"), on: node)
            #expect(completion.status == 143)
        }
    }

    @Test(arguments: kinds) func aMissingProgramIsAStatus(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let completion = try await transport.run(Invocation(arguments: ["/no/such/program"]), on: node)
            #expect(completion.status == 127)
        }
    }

    @Test(arguments: kinds) func statusOfPodmansOwnFailureIsPassedOn(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let completion = try await transport.run(.script("exit 125"), on: node)
            #expect(completion.status == 125)
        }
    }

    @Test(arguments: kinds) func theDeadlineEndsEverything(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            await #expect(throws: TransportError.deadlineExceeded(node: node, after: .seconds(1))) {
                try await transport.run(.script(mark.script, deadline: .seconds(1)), on: node)
            }
            try await mark.isGone(transport, node)
        }
    }

    @Test(arguments: kinds) func tooMuchOutputEndsEverything(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            await #expect(throws: TransportError.outputLimit(node: node, bytes: 10_000)) {
                try await transport.run(
                    .script("sleep \(mark.seconds) & yes", deadline: .seconds(60), outputLimit: 10_000), on: node)
            }
            try await mark.isGone(transport, node)
        }
    }

    @Test(arguments: kinds) func cancellationLeavesNoProcess(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let mark = Mark()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        try await transport.run(.script(mark.script), on: node)
                    }
                }
                try await eventually("the script runs") { try await mark.count(transport, node) == 2 }
                group.cancelAll()
                try await group.waitForAll()
            }
            try await mark.isGone(transport, node)
        }
    }

    @Test(arguments: kinds) func noSecretOfOursIsInTheEnvironment(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            let completion = try await transport.run(Invocation(arguments: ["env"]), on: node)
            #expect(!completion.output.contains(TransportKind.secret))
            #expect(completion.output.contains("PATH=/"))
        }
    }

    @Test(arguments: kinds) func anUnknownNodeIsUnreachable(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, _ in
            let stranger = try NodeName("stranger")
            await #expect {
                try await transport.run(.script("true"), on: stranger)
            } throws: { error in
                guard case TransportError.unreachable(stranger, _) = error else { return false }
                return true
            }
        }
    }

    @Test(arguments: kinds) func manyCallsAtOnceDoNotMix(_ kind: TransportKind) async throws {
        try await kind.withNode { transport, node in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await transport.run(.script("echo \"$1\"", arguments: ["\(number)"]), on: node).output
                            == "\(number)\n"
                    }
                }
                for try await own in group { #expect(own) }
            }
        }
    }
}
