// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import StrictJSON
import Testing

@testable import SlurmModel

/// What Slurm adds, tried: CPUs of whole cores where a core has two, and those that go with more memory than MaxMemPerCPU; nodes
/// up to a partition's MinNodes; whole nodes. On clusters of the test's own, because most are settings of a whole cluster.
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
            try await started(name, release, in: folder) { cluster in
                let shown = try await cluster.on("master", "scontrol show config | tr -d ' '")
                for setting in Self.limits.split(separator: ",") { #expect(shown.contains(setting), "\(shown)") }
                try await cluster.stack.withSlurm(cluster.name) { client, key, _ in
                    let jobs = MadeUpJobs(client: client, cluster: cluster.name, key: key, person: Self.person)
                    let told = try await told(jobs)
                    try await compare(jobs, told, seed: release == "debian12" ? 112 : 113)
                    try await compareWithMinimum(jobs, before: told, cluster)
                }
            }
        }
    }

    /// slurm.conf(5) SelectType=select/linear: every job gets whole nodes, with the memory of each CPU for all of them. Nothing
    /// reports it, `whole_nodes` says it.
    @Test(arguments: [("linear12", "debian12"), ("linear13", "debian13")])
    func wholeNodesOfSelectLinearAreWithinTheBounds(_ name: String, _ release: String) async throws {
        try await withScratchFolder { folder in
            try await started(name, release, in: folder) { cluster in
                try await selectLinear(cluster)
                try await cluster.stack.withSlurm(cluster.name) { client, key, _ in
                    let jobs = MadeUpJobs(client: client, cluster: cluster.name, key: key, person: Self.person)
                    let untold = try await told(jobs)
                    var told = untold
                    told.wholeNodes = true
                    var batch = try await jobs.submit(
                        seed: release == "debian12" ? 212 : 213, on: .threads, knowing: [told])
                    try await jobs.compare(&batch)
                    let cpus = try jobs.exceeding(untold, in: batch, (given: { $0.cpus }, allowed: { $0.cpus }))
                    #expect(!cpus.isEmpty, "no job of \(jobs.cluster) got more CPUs than it would of select/cons_tres")
                    let memory = try jobs.exceeding(
                        untold, in: batch,
                        (given: { $0.memory.map { Int($0.bytes) } }, allowed: { $0.memory.map { Int($0) } }))
                    #expect(!memory.isEmpty, "no job of \(jobs.cluster) got more memory than it would there")
                }
            }
        }
    }

    private func started(
        _ name: String, _ release: String, in folder: String, _ body: (OwnCluster) async throws -> Void
    ) async throws {
        try writeFile("\(folder)/clusters.yaml", Self.settings.replacing("RELEASE", with: release))
        try await OwnCluster.with(name, "smt", in: folder) { cluster in
            _ = try await cluster.done(["runplugin", "createusers", cluster.name])
            try await body(cluster)
        }
    }

    /// Before the first job: slurmctld keeps jobs of another SelectType no further (slurm.conf(5)).
    private func selectLinear(_ cluster: OwnCluster) async throws {
        let change = """
            sed -i 's|^SelectType=.*|SelectType=select/linear|; s|^SelectTypeParameters=.*|SelectTypeParameters=CR_Memory|' \
            /etc/slurm/slurm.conf && pkill -f '^[^ ]*slurm(ctld|d) '
            """
        for machine in try await cluster.machines { _ = try await cluster.on(machine, change) }
        try await eventually("\(cluster.name) has select/linear, and both nodes are idle") {
            let shown = try await cluster.cluster([
                "sshnode", cluster.name, "master", "scontrol show config | tr -d ' '; sinfo -h -o '%D%T'",
            ])
            return shown.output.contains("SelectType=select/linear") && shown.output.contains("2idle\n")
        }
    }

    private func told(_ jobs: MadeUpJobs) async throws -> ClusterDefaults {
        var told = try await jobs.defaults()
        told.jobDefaults = JobDefaults.nothing
        told.memoryLimits = try MemoryLimits(Self.limits)
        return told
    }

    private func compare(_ jobs: MadeUpJobs, _ told: ClusterDefaults, seed: UInt64) async throws {
        #expect(told.nodes.count == 2 && told.nodes.allSatisfy { $0.cpusPerCore == 2 && $0.cpusPerSocket == 4 })
        var untold = told
        untold.memoryLimits = nil
        var batch = try await jobs.submit(seed: seed, on: .threads, knowing: [told, untold])
        try await jobs.compare(&batch)
        // Jobs to which Slurm adds nothing compare nothing: each kind of adding by itself.
        var oneCPUCores = told
        for index in oneCPUCores.nodes.indices { oneCPUCores.nodes[index].cpusPerCore = 1 }
        var unlimited = told
        unlimited.memoryLimits = MemoryLimits(maximum: nil, usual: told.memoryLimits?.usual)
        for (what, known) in [("cores of one CPU", oneCPUCores), ("no limit of memory", unlimited)] {
            let more = try jobs.exceeding(known, in: batch, (given: { $0.cpus }, allowed: { $0.cpus }))
            #expect(!more.isEmpty, "no job of \(jobs.cluster) got more CPUs than it would with \(what)")
        }
    }

    /// slurm.conf(5) MinNodes: a job that says no number of nodes gets so many. With EnforcePartLimits=ALL 22.05.8 does so as well,
    /// and 24.11.5 refuses it.
    private func compareWithMinimum(
        _ jobs: MadeUpJobs, before: ClusterDefaults, _ cluster: OwnCluster
    ) async throws {
        // What still waits would keep the nodes.
        _ = try await cluster.on("master", "scancel --user=\(Self.person)")
        _ = try await cluster.on(
            "master",
            "sed -i 's/^EnforcePartLimits=.*/EnforcePartLimits=NO/' /etc/slurm/slurm.conf && scontrol reconfigure")
        try await eventually("\(cluster.name) enforces nothing at submission") {
            let shown = try await cluster.on("master", "scontrol show config | tr -d ' '")
            return shown.contains("EnforcePartLimits=NO")
        }
        _ = try await cluster.on("master", "scontrol update PartitionName=debug MinNodes=2")
        let known = try await told(jobs)
        let some: [[(String, JSONValue)]] = [
            [("ntasks", 1)], [("ntasks", 3)], [("cpus_per_task", 3)], [("ntasks", 1), ("mem_per_cpu", "1200M")],
            [("mincpus", 4)], [("mem", "900M")], [("exclusive", "node")], [("nodes", "1")], [("nodes", "1-2")],
            [("nodes", "2")],
        ]
        var batch = MadeUpJobs.Batch()
        try await jobs.submit(some.map { MadeUpJobs.request($0) }, knowing: [known], into: &batch, as: .likely)
        // The last one, so that the others have had their turn.
        try await jobs.submit([MadeUpJobs.request([])], knowing: [known], into: &batch, as: .sure)
        #expect(batch.taken.count == some.count + 1)
        try await jobs.compare(&batch)
        let more = try jobs.exceeding(before, in: batch, (given: { $0.nodes }, allowed: { $0.nodes }))
        #expect(!more.isEmpty, "no job of \(jobs.cluster) got more nodes than it would without MinNodes")
    }
}
