// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import Testing

@testable import SlurmModel

/// CPUs that Slurm adds, tried: whole cores where a core has two CPUs, and those that go with more memory than MaxMemPerCPU. On
/// clusters of the test's own, because both are settings of a whole cluster.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct BoundsWithThreadsTests {
    private static let person = "linus"
    /// What a CPU of a node has of its memory, 4000 MiB of 8 CPUs: the least for which nothing has to be told.
    private static let limits = "MaxMemPerCPU=500,DefMemPerCPU=200"

    private static let settings = """
        templates:
          smt:
            release: RELEASE
            nodes: 2
            cpus_per_node: 8
            threads_per_core: 2
            memory_per_node: 4000
            default_memory_per_cpu: 200
            max_memory_per_cpu: 500
        plugins:
          createusers: {type: createusers, usernames: [linus], accounts: [research]}

        """

    @Test(arguments: [("smt12", "debian12"), ("smt13", "debian13")])
    func whatSlurmReportsIsWithinTheBounds(_ name: String, _ release: String) async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/clusters.yaml", Self.settings.replacing("RELEASE", with: release))
            try await OwnCluster.with(name, "smt", in: folder) { cluster in
                _ = try await cluster.done(["runplugin", "createusers", name])
                let shown = try await cluster.on("master", "scontrol show config | tr -d ' '")
                for setting in Self.limits.split(separator: ",") { #expect(shown.contains(setting), "\(shown)") }
                try await cluster.stack.withSlurm(name) { client, key, _ in
                    let jobs = MadeUpJobs(client: client, cluster: name, key: key, person: Self.person)
                    try await compare(jobs)
                }
            }
        }
    }

    private func compare(_ jobs: MadeUpJobs) async throws {
        var told = try await jobs.defaults()
        #expect(told.nodes.count == 2 && told.nodes.allSatisfy { $0.cpusPerCore == 2 && $0.cpusPerSocket == 4 })
        told.jobDefaults = JobDefaults.nothing
        told.memoryLimits = try MemoryLimits(Self.limits)
        var untold = told
        untold.memoryLimits = nil
        var taken = try await jobs.submit(
            seed: jobs.cluster == "smt12" ? 112 : 113, on: .threads, knowing: [told, untold])
        // As if Slurm gave single CPUs, and limited no memory.
        var plain = told
        plain.memoryLimits = MemoryLimits(maximum: nil, usual: told.memoryLimits?.usual)
        for index in plain.nodes.indices { plain.nodes[index].cpusPerCore = 1 }
        var without: [JobID: ResourceBounds] = [:]
        for (id, mine) in taken {
            let job = try JobRequest(json: mine.json).resolved(with: plain, user: UserName(Self.person))
            without[id] = ResourceBounds(of: job)
        }
        let seen = try await jobs.compare(taken)
        taken = taken.filter { id, _ in
            let given = seen[id]?.allocatedTRES.map { TRES($0) }
            return given?.cpus ?? 0 > without[id]?.cpus ?? .max
        }
        // Jobs to which Slurm adds nothing compare nothing.
        #expect(!taken.isEmpty, "on \(jobs.cluster)")
    }
}
