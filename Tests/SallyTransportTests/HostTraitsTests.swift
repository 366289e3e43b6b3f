// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyTestSupport
import Testing

@testable import SallyTransport

@Suite struct HostTraitsTests {
    @Test func anOrdinaryHostNeedsNoSettings() {
        #expect(HostTraits(controlGroups: .unified, limits: .raisable, runc: "/usr/sbin/runc").configuration == nil)
    }

    @Test func oldControlGroupsNeedRunc() {
        let text = HostTraits(controlGroups: .legacy, limits: .raisable, runc: "/usr/sbin/runc").configuration
        #expect(text?.contains("runtime = \"runc\"") == true)
        #expect(text?.contains("default_ulimits") == false)
    }

    @Test func withoutRuncTheRuntimeStaysPodmansChoice() {
        #expect(HostTraits(controlGroups: .legacy, limits: .raisable, runc: nil).configuration == nil)
    }

    @Test(arguments: [(20000 as UInt64, "nofile=1024:4096"), (512, "nofile=512:512")])
    func limitsAreLoweredToWhatTheHostPermits(_ files: UInt64, _ expected: String) {
        let text = HostTraits(controlGroups: .unified, limits: .fixed(files: files), runc: nil).configuration
        #expect(text?.contains(expected) == true)
    }

    @Test(arguments: [
        ("Name:\tx\nCapEff:\t000001ffffffffff\n", true), ("CapEff:\t0000000001000000\n", true),
        ("CapEff:\t00000000a80425fb\n", false), ("CapEff:\tjunk\n", false), ("", false),
    ])
    func theCapabilityIsReadFromStatus(_ status: String, _ expected: Bool) {
        #expect(HostTraits.mayRaiseLimits(status) == expected)
    }
}

@Suite struct PodmanSettingsTests {
    /// Every task that wants a transport writes them.
    @Test func manyAtOnceWriteOneFile() async throws {
        try await withScratchFolder { folder in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<200 { group.addTask { try PodmanEnvironment.place("[engine]\n", in: folder) } }
                for try await path in group { #expect(path == folder + "/containers.conf") }
            }
            #expect(try String(contentsOfFile: folder + "/containers.conf", encoding: .utf8) == "[engine]\n")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["containers.conf"])
        }
    }
}

@Suite struct CleanEnvironmentTests {
    @Test func onlyKnownVariablesAreTakenOver() {
        let made = CleanEnvironment.make(from: [
            "HOME": "/home/x", "SLURM_JWT": "secret", "AWS_SECRET_ACCESS_KEY": "secret", "PATH": "/tmp/evil",
            "LD_PRELOAD": "/tmp/evil.so",
        ])
        #expect(made == ["HOME": "/home/x", "PATH": CleanEnvironment.path, "LANG": "C.UTF-8"])
    }

    @Test func aGivenConfigurationOfContainersIsUsedAsItIs() throws {
        let podman = try PodmanEnvironment.detect(environment: ["CONTAINERS_CONF": "/etc/mine.conf", "TOKEN": "secret"])
        #expect(podman.variables["CONTAINERS_CONF"] == "/etc/mine.conf")
        #expect(podman.variables["TOKEN"] == nil)
    }
}

@Suite struct ProgramCallTests {
    @Test func aMissingProgramIsNamed() async {
        let call = ProgramCall(
            program: "no-such-program-here", arguments: [], environment: ["PATH": "/usr/bin"], deadline: .seconds(20))
        await #expect(throws: ProgramFailure.notFound(program: "no-such-program-here")) { try await call.run() }
    }

    @Test func nothingIsInherited() async throws {
        let call = ProgramCall(
            program: "/usr/bin/env", arguments: [], environment: ["ONLY": "this"], deadline: .seconds(20))
        let completion = try await call.run()
        #expect(completion.output == "ONLY=this\n")
    }

    @Test func aCancelledTaskStartsNothing() async {
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                let call = ProgramCall(program: "/bin/true", arguments: [], environment: [:], deadline: .seconds(20))
                await #expect(throws: CancellationError.self) { try await call.run() }
            }
        }
    }
}
