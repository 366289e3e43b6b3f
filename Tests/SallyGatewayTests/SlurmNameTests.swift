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
            output: true, accounting: accounting)
    }

    /// In lower case accounting knows it, whatever slurm.conf says.
    @Test(arguments: [(nil, "demo"), (nil, "Demo"), ("hpc_1", "HPC_1")] as [(String?, String)])
    func whatSlurmCallsItselfIsGood(slurmName: String?, told: String) throws {
        #expect(try SlurmNameCheck.finding(Self.cluster(slurmName), told: told) == "ClusterName is \(told)")
    }

    @Test func anotherNameIsNamed() throws {
        let error = #expect(throws: SallyError.self) {
            try SlurmNameCheck.finding(Self.cluster("hpc"), told: "Demo")
        }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains("\"Demo\"") == true && error?.message.contains("\"hpc\"") == true)
        #expect(error?.hint?.contains("cluster demo") == true)
    }

    /// v0.0.38 does not say it, and without accounting nothing depends on it.
    @Test func whatCannotBeComparedIsSaid() throws {
        #expect(try SlurmNameCheck.finding(Self.cluster("hpc"), told: nil).contains("hpc is not compared"))
        let unused = try SlurmNameCheck.finding(Self.cluster("hpc", accounting: false), told: "demo")
        #expect(unused.contains("without accounting"))
    }
}
