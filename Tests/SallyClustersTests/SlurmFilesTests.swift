// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyClusters

@Suite struct SlurmFilesTests {
    private func lines(_ text: String) -> Set<Substring> { Set(text.split(separator: "\n")) }

    @Test(arguments: [
        "AccountingStorageEnforce=associations,limits,qos,safe", "AccountingStoreFlags=job_comment",
        "EnforcePartLimits=ALL", "PrivateData=jobs,users,accounts,usage", "JobRequeue=1", "AuthAltTypes=auth/jwt",
        "AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/gpu:v100",
    ])
    func whatMustBeSetIsSet(_ line: String) {
        #expect(lines(Samples.files().slurmConf(.host("master"))).contains(Substring(line)))
    }

    @Test func slurmdbdHasItsOwnPrivacyAndKeys() {
        let text = Samples.files().slurmdbdConf
        #expect(lines(text).contains("PrivateData=jobs,users,accounts,usage"))
        #expect(lines(text).contains("AuthAltParameters=jwt_key=/etc/slurm/jwt_hs256.key"))
        #expect(!text.contains("StoragePass"))
    }

    @Test func hs256NeverMakesTokensForUsers() {
        #expect(
            lines(Samples.files().slurmConf(.closed)).contains(
                "AuthAltParameters=jwt_key=/etc/slurm/jwt_hs256.key,disable_token_creation"))
    }

    @Test func rs256HasNoSharedKeyAnywhere() {
        let files = Samples.files { $0.release = .debian13 }
        #expect(!files.slurmConf(.host("master")).contains("jwt_key"))
        #expect(!files.slurmdbdConf.contains("jwt_key"))
        #expect(files.slurmConf(.closed).contains("jwks=/etc/slurm/jwks.json"))
    }

    @Test func gpuIsClosedUntilTheHostIsKnown() throws {
        let before = try #require(Samples.files().slurmConf(.closed).split(separator: "\n").last)
        #expect(before.hasPrefix("PartitionName=gpu ") && before.contains("AllocNodes=not_yet_known"))
        let after = try #require(Samples.files().slurmConf(.host("10.231.0.10")).split(separator: "\n").last)
        #expect(after.contains("AllocNodes=10.231.0.10 ") && after.contains("AllowAccounts=gpu "))
        #expect(after.contains("Nodes=node002 "))
    }

    @Test func debugIsTheDefaultOnAllNodesAndGivesNoGPUs() throws {
        let line = try #require(
            Samples.files().slurmConf(.host("master")).split(separator: "\n").first {
                $0.hasPrefix("PartitionName=debug")
            })
        #expect(line.contains("Nodes=node001,node002") && line.contains("Default=YES"))
        #expect(line.contains("QOS=sally-debug"))
    }

    @Test func aClusterWithoutGPUsHasNoTraceOfThem() {
        let files = Samples.files {
            $0.gpuNodes = 0
            $0.gpusPerNode = []
        }
        let text = files.slurmConf(.host("master"))
        #expect(!text.contains("PartitionName=gpu") && !text.contains("gres/") && !text.contains("QOS="))
        #expect(files.gresConf.isEmpty)
    }

    @Test(arguments: [
        (4, 1, "CPUs=4 RealMemory"), (8, 2, "CPUs=8 Sockets=2 CoresPerSocket=2 ThreadsPerCore=2 RealMemory"),
        (6, 2, "CPUs=6 Sockets=1 CoresPerSocket=3 ThreadsPerCore=2 RealMemory"),
    ])
    func coresHaveTheirThreads(cpus: Int, threads: Int, line: String) {
        let files = Samples.files {
            $0.cpusPerNode = cpus
            $0.threadsPerCore = threads
        }
        let nodes = files.slurmConf(.closed).split(separator: "\n").filter { $0.hasPrefix("NodeName=") }
        #expect(nodes.count == 2 && nodes.allSatisfy { $0.contains(" \(line)=4000") }, "\(nodes)")
    }

    @Test func memoryIsGivenWhereItIsLimited() {
        let plain = lines(Samples.files().slurmConf(.closed))
        #expect(plain.contains("SelectTypeParameters=CR_Core") && !plain.contains { $0.contains("MemPerCPU") })
        let limited = lines(
            Samples.files {
                $0.defaultMemoryPerCPU = Mebibytes(200)
                $0.maximumMemoryPerCPU = Mebibytes(500)
            }.slurmConf(.closed))
        #expect(
            limited.isSuperset(of: ["SelectTypeParameters=CR_Core_Memory", "DefMemPerCPU=200", "MaxMemPerCPU=500"]))
    }

    @Test func everyGPUHasItsLine() {
        #expect(
            Samples.files().gresConf == """
                NodeName=node002 Name=gpu Type=a100 File=/run/sallyport-gpu/a100-0
                NodeName=node002 Name=gpu Type=a100 File=/run/sallyport-gpu/a100-1
                NodeName=node002 Name=gpu Type=v100 File=/run/sallyport-gpu/v100-0

                """)
    }

    /// Several where the gateway speaks several: which one it takes is then its own choice.
    @Test func slurmrestdServesWhatIsSpoken() {
        #expect(DebianRelease.debian12.restPlugins == "-s v0.0.38,dbv0.0.38")
        #expect(DebianRelease.debian13.restPlugins == "-s slurmctld,slurmdbd -d v0.0.40,v0.0.41,v0.0.42")
        for release in DebianRelease.allCases {
            #expect(release.restPlugins.hasSuffix(release.apiVersion), "the newest is the last")
        }
    }
}
