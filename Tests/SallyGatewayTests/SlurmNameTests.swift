// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyConfig
@testable import SallyGateway

@Suite struct SlurmNameTests {
    private static func cluster(_ slurmName: String?, accounting: Bool = true) -> ClusterConfig {
        ClusterConfig(
            name: ClusterName(unchecked: "demo"), slurmName: slurmName, slurmrestd: .unixSocket(path: "/nowhere"),
            apiVersion: nil, accountMode: .everywhere, profiles: [], defaultProfile: nil, defaultAccount: nil,
            output: true, pendingJobsOnOffboarding: .cancel, accounting: accounting)
    }

    /// In lower case accounting knows it, whatever slurm.conf says.
    @Test(arguments: [(nil, "demo"), (nil, "Demo"), ("hpc_1", "HPC_1")] as [(String?, String)])
    func whatSlurmCallsItselfIsGood(slurmName: String?, told: String) async throws {
        let finding = try await SlurmNameCheck.finding(Self.cluster(slurmName)) { told }
        #expect(finding == "ClusterName is \(told)")
    }

    @Test func anotherNameIsNamed() async throws {
        let error = await #expect(throws: SallyError.self) {
            _ = try await SlurmNameCheck.finding(Self.cluster("hpc")) { "Demo" }
        }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains("\"Demo\"") == true && error?.message.contains("\"hpc\"") == true)
        #expect(error?.message.hasSuffix("accounting says of other clusters is not shown") == true)
        #expect(error?.hint == "set clusters[].slurm_name of demo to \"demo\"")
    }

    /// v0.0.38 does not say it.
    @Test func whatCannotBeComparedIsSaid() async throws {
        let finding = try await SlurmNameCheck.finding(Self.cluster("hpc")) { nil }
        #expect(finding.contains("hpc is not compared"))
    }

    /// Without accounting nothing depends on it: that Slurm does not say it is no fault.
    @Test func nothingIsAskedWithoutAccounting() async throws {
        let finding = try await SlurmNameCheck.finding(Self.cluster("hpc", accounting: false)) {
            throw SallyError(.unavailable, "asked")
        }
        #expect(finding.contains("without accounting"))
        await #expect(throws: SallyError.self) {
            _ = try await SlurmNameCheck.finding(Self.cluster("hpc")) { throw SallyError(.unavailable, "asked") }
        }
    }
}
