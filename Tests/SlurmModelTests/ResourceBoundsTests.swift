// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import SlurmTestSupport
import StrictJSON
import Testing

@Suite struct ResourceBoundsTests {
    private static func defaults() throws -> ClusterDefaults {
        var debug = Partition(
            name: "debug", isDefault: true, totalNodes: 4, totalCPUs: 32, totalMemory: Memory(mebibytes: 32_000))
        debug.defaultTime = TimeLimit(minutes: 60)
        debug.maximumTime = TimeLimit(minutes: 600)
        var gpu = Partition(
            name: "gpu", isDefault: false, totalNodes: 2, totalCPUs: 64, totalMemory: Memory(mebibytes: 100_000))
        gpu.defaultMemoryPerCPU = Memory(mebibytes: 500)
        let nodes = (1...4).map {
            Node(name: "n\($0)", states: ["IDLE"], cpus: 8, memory: Memory(mebibytes: 8000), partitions: ["debug"])
        }
        var defaults = ClusterDefaults(
            partitions: [debug, gpu], nodes: nodes + Node.samples(of: [gpu]), account: try AccountName("lab"),
            home: "/home/alice")
        defaults.jobDefaults = JobDefaults.nothing
        defaults.memoryLimits = MemoryLimits.nothing
        return defaults
    }

    private func job(_ fields: [(String, JSONValue)]) throws -> ResolvedJob {
        let request = try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n")] + fields)))
        return try request.resolved(with: ResourceBoundsTests.defaults(), user: UserName("alice"))
    }

    private func bounds(_ fields: (String, JSONValue)...) throws -> ResourceBounds {
        ResourceBounds(of: try job(fields))
    }

    @Test func makesDefaultsExplicit() throws {
        let job = try job([])
        #expect(job.partitions.map(\.rawValue) == ["debug"])
        #expect(job.account.rawValue == "lab")
        #expect(job.timeLimit.minutes == 60)
        #expect(job.request.workingDirectory == "/home/alice")
        #expect(job.request.environment["HOME"] == "/home/alice")
        #expect(job.request.environment["USER"] == "alice")
        #expect(job.request.name == "sbatch")
        #expect(try self.job([("partition", "gpu")]).timeLimit == .unlimited)
        #expect(try self.job([("partition", "gpu,debug")]).timeLimit.minutes == 60)
        #expect(
            try self.job([("environment", ["USER": "root", "HOME": "/root"])]).request.environment["USER"] == "alice")
    }

    @Test func refusesWhatCannotBeResolved() throws {
        #expect(throws: SallyError.self) { try job([("partition", "nosuch")]) }
        #expect(throws: SallyError.self) { try job([("partition", "debug,nosuch")]) }
        let request = try JobRequest(json: ["script": "#!/bin/sh\n"])
        var defaults = try ResourceBoundsTests.defaults()
        defaults.account = nil
        #expect(throws: SallyError.self) { try request.resolved(with: defaults, user: UserName("alice")) }
        defaults.account = try AccountName("lab")
        defaults.partitions[0].isDefault = false
        #expect(throws: SallyError.self) { try request.resolved(with: defaults, user: UserName("alice")) }
        defaults.partition = try PartitionName("gpu")
        #expect(try request.resolved(with: defaults, user: UserName("alice")).partitions.first?.rawValue == "gpu")
        defaults.partition = nil
        defaults.partitions.removeLast()
        #expect(try request.resolved(with: defaults, user: UserName("alice")).partitions.first?.rawValue == "debug")
    }

    @Test func aPlainJobIsOneCPUAndAWholeNodesMemory() throws {
        let bounds = try bounds()
        #expect(bounds.nodes == 1)
        #expect(bounds.cpus == 1)
        #expect(bounds.memory == 8000 << 20)
        #expect(bounds.time == .seconds(3600))
        #expect(bounds.arrayTasks == 1)
        #expect(bounds.description == "nodes=1 cpus=1 mem=8000M time=1:00:00")
    }

    @Test(
        arguments: [
            ([("nodes", "2-4")], 4, 4), ([("ntasks", 8)], 8, 8), ([("ntasks", 8), ("nodes", "2")], 2, 8),
            ([("ntasks", 8), ("cpus_per_task", 3)], 8, 24), ([("nodes", "2"), ("ntasks_per_node", 3)], 2, 6),
            ([("nodes", "1-2"), ("ntasks_per_node", 3), ("cpus_per_task", 2)], 2, 12), ([("gpus", "4")], 4, 4),
            ([("cpus_per_task", 5)], 1, 5),
            ([("nodes", "2-4"), ("ntasks", 2)], 4, 4),
        ] as [([(String, JSONValue)], Int, Int)]) func countsNodesAndCPUs(
            fields: [(String, JSONValue)], nodes: Int, cpus: Int
        ) throws
    {
        let bounds = ResourceBounds(of: try job(fields))
        #expect(bounds.nodes == nodes)
        #expect(bounds.cpus == cpus)
    }

    @Test func countsMemory() throws {
        #expect(try bounds(("mem", "1G"), ("nodes", "1-3")).memory == 3 << 30)
        #expect(try bounds(("mem_per_cpu", "100M"), ("ntasks", 4), ("cpus_per_task", 2)).memory == 800 << 20)
        #expect(try bounds(("mem", "0")).memory == 8000 << 20)
        #expect(try bounds(("mem", "0"), ("nodes", "9")).memory == 32_000 << 20)
        #expect(try bounds(("partition", "gpu"), ("ntasks", 4)).memory == 2000 << 20)
        #expect(try bounds(("partition", "gpu"), ("mem", "0")).memory == 100_000 << 20)
        #expect(try bounds(("partition", "gpu,debug")).memory == 8000 << 20)
    }

    @Test func memoryThatNobodyKnowsIsUnbounded() throws {
        let partition = Partition(name: "x", isDefault: true, totalNodes: 1, totalCPUs: 1, totalMemory: nil)
        let request = try JobRequest(json: ["script": "#!/bin/sh\n"])
        let job = try request.resolved(
            with: ClusterDefaults(partitions: [partition], account: AccountName("a")), user: UserName("alice"))
        #expect(ResourceBounds(of: job).memory == nil)
        #expect(ResourceBounds(of: job).time == nil)
    }

    @Test func countsGPUs() throws {
        #expect(try bounds(("gpus", "A100:2")).gpusByType == ["a100": 2])
        #expect(try bounds(("gpus", "3")).untypedGPUs == 3)
        #expect(try bounds(("gres", "gpu:a100:2"), ("nodes", "1-3")).gpusByType == ["a100": 6])
        #expect(try bounds(("gpus_per_task", "v100:1"), ("ntasks", 4)).gpusByType == ["v100": 4])
        #expect(try bounds(("gpus_per_node", "1"), ("gpus", "a100:2"), ("nodes", "2")).untypedGPUs == 2)
    }

    @Test func countsPerGPU() throws {
        #expect(try bounds(("gpus", "4"), ("nodes", "1"), ("cpus_per_gpu", 3)).cpus == 12)
        #expect(try bounds(("gpus_per_node", "2"), ("nodes", "2"), ("cpus_per_gpu", 3)).cpus == 14)
        #expect(try bounds(("gpus", "1"), ("ntasks", 8), ("nodes", "1"), ("cpus_per_gpu", 3)).cpus == 8)
        #expect(try bounds(("gpus_per_task", "2"), ("ntasks", 3), ("mem_per_gpu", "1G")).memory == 6 << 30)
    }

    /// slurm.conf(5) DefCpuPerGPU and DefMemPerGPU, of the cluster and of partitions.
    private func bounds(
        _ cluster: String?, _ own: String = "", _ fields: [(String, JSONValue)],
        change: (inout ClusterDefaults) -> Void = { _ in }
    ) throws -> ResourceBounds {
        var defaults = try ResourceBoundsTests.defaults()
        defaults.jobDefaults = try cluster.map { try JobDefaults($0).whole }
        if !own.isEmpty { defaults.partitions[1].jobDefaults = try JobDefaults(own) }
        change(&defaults)
        let request = try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n")] + fields)))
        return ResourceBounds(of: try request.resolved(with: defaults, user: UserName("alice")))
    }

    private static let both = "DefCpuPerGPU=4,DefMemPerGPU=3000"
    private static let two: [(String, JSONValue)] = [("partition", "gpu"), ("gpus", "2"), ("nodes", "1")]

    @Test func whatGPUsBringByDefaultIsCounted() throws {
        let plain = try bounds(Self.both, "", Self.two)
        #expect(plain.cpus == 8 && plain.memory == 6000 << 20)
        // What the partition gives for each CPU counts for those that come with the GPUs.
        #expect(try bounds("DefCpuPerGPU=20", "", Self.two).memory == 20_000 << 20)
        // On several nodes beside the tasks' own.
        let nodes = try bounds(Self.both, "", [("partition", "gpu"), ("gpus_per_node", "a100:2"), ("nodes", "2")])
        #expect(nodes.cpus == 18 && nodes.memory == 12_000 << 20)
        #expect(try bounds(Self.both, "", Self.two + [("ntasks", 30)]).cpus == 30)
        let each = try bounds(
            Self.both, "", [("partition", "gpu"), ("gpus_per_task", "1"), ("ntasks", 3), ("nodes", "1")])
        #expect(each.cpus == 12 && each.memory == 9000 << 20)
        // Nothing without GPUs.
        let none = try bounds(Self.both, "", [("partition", "gpu")])
        #expect(none.cpus == 1 && none.memory == 500 << 20)
    }

    @Test func whatTheJobSaysItselfGoesBeforeTheDefaults() throws {
        #expect(try bounds(Self.both, "", Self.two + [("cpus_per_task", 1)]).cpus == 1)
        #expect(try bounds(Self.both, "", Self.two + [("cpus_per_gpu", 1)]).cpus == 2)
        for (field, value, memory) in [
            ("mem", "1G", 1 << 30), ("mem_per_cpu", "1G", 8 << 30), ("mem_per_gpu", "1G", 2 << 30),
        ] {
            let bounds = try bounds(Self.both, "", Self.two + [(field, .string(value))])
            #expect(bounds.memory == Int64(memory) && bounds.cpus == 8, "\(field)")
        }
        // Tasks and nodes are no CPUs.
        #expect(try bounds(Self.both, "", Self.two + [("ntasks", 1)]).cpus == 8)
    }

    @Test func defaultsOfAPartitionGoBeforeTheClusters() throws {
        let own = try bounds(Self.both, "DefCpuPerGPU=1", Self.two)
        #expect(own.cpus == 2 && own.memory == 6000 << 20)
        #expect(try bounds(nil, "DefCpuPerGPU=1", Self.two).cpus == 2)
        #expect(try bounds(nil, "DefCpuPerGPU=1", Self.two).memory == 100_000 << 20)
        // Beside 500 MiB for each of eight CPUs.
        #expect(try bounds(Self.both, "DefMemPerGPU=100", Self.two).memory == 4000 << 20)
        #expect(try bounds(Self.both, "DefMemPerGPU=9000", Self.two).memory == 18_000 << 20)
        // Of those that Slurm may choose, the largest.
        let either: [(String, JSONValue)] = [("partition", "debug,gpu"), ("gpus", "1"), ("nodes", "1")]
        #expect(try bounds("DefCpuPerGPU=3", "DefCpuPerGPU=7", either).cpus == 7)
        #expect(try bounds("DefCpuPerGPU=6", "DefCpuPerGPU=2", either).cpus == 6)
    }

    /// Then Slurm may give all of the nodes.
    @Test func defaultsThatNobodyKnowsAreWholeNodes() throws {
        let unknown = try bounds(nil, "", Self.two)
        #expect(unknown.cpus == 64 && unknown.memory == 100_000 << 20)
        let debug: [(String, JSONValue)] = [("gpus_per_node", "1"), ("nodes", "2")]
        #expect(try bounds(nil, "", debug).cpus == 16)
        #expect(try bounds(nil, "", debug).memory == 16_000 << 20)
        #expect(try bounds(nil, "", debug + [("nodelist", "n[1-2]"), ("ntasks", 99)]).cpus == 99)
        #expect(try bounds(nil, "", Self.two + [("cpus_per_task", 2)]).cpus == 2)
        #expect(try bounds(nil, "", Self.two + [("mem", "1G")]).memory == 1 << 30)
        #expect(try bounds(nil, "", [("partition", "gpu")]).cpus == 1)
        // What a partition permits on a node is no bound of it, and what nobody knows of the nodes is none.
        let tight = try bounds(nil, "", Self.two) { $0.partitions[1].maximumMemoryPerNode = Memory(mebibytes: 10) }
        #expect(tight.memory == 100_000 << 20)
        #expect(try bounds(nil, "", Self.two) { $0.partitions[1].totalMemory = nil }.memory == nil)
    }

    /// Whole nodes have all of their memory, whatever a job may ask for on a node.
    @Test func whatAPartitionPermitsIsNoBoundOfWholeNodes() throws {
        for fields in [[], [("gpus", "1")]] as [[(String, JSONValue)]] {
            let whole: [(String, JSONValue)] = [("partition", "gpu"), ("exclusive", "node"), ("mem_per_gpu", "1M")]
            let said = fields.isEmpty ? Array(whole.dropLast()) + [("mem", "1M")] : whole + fields
            let bounds = try bounds("", "", said + [("nodes", "1")]) {
                $0.partitions[1].maximumMemoryPerNode = Memory(mebibytes: 10)
            }
            #expect(bounds.memory == 100_000 << 20, "\(said)")
        }
    }

    @Test func defaultsAreReadAsSlurmWritesThem() throws {
        #expect(try JobDefaults("DefCpuPerGPU=4,DefMemPerGPU=8192").description == "DefCpuPerGPU=4,DefMemPerGPU=8192")
        #expect(try JobDefaults("defmempergpu=1") == JobDefaults(cpusPerGPU: nil, memoryPerGPU: Memory(mebibytes: 1)))
        #expect(try JobDefaults("") == JobDefaults(cpusPerGPU: nil, memoryPerGPU: nil))
        #expect(try JobDefaults("").whole == JobDefaults.nothing)
        for text in [
            "DefCpuPerGPU", "DefCpuPerGPU=", "DefCpuPerGPU=-1", "DefCpuPerGPU=4,", "DefCpuPerGPU=1,DefCpuPerGPU=2",
            "DefMemPerGPU=8G", "DefMemPerCPU=1", "none", " DefCpuPerGPU=4", "DefCpuPerGPU=99999999999",
        ] {
            #expect(throws: SallyError.self, "\(text)") { try JobDefaults(text) }
        }
    }

    /// An empty text says nothing: slurmrestd writes one for every partition.
    @Test func defaultsOfPartitionsAreTakenWhereTheyAreReported() throws {
        var record = SlurmRecord(.partition, version: APIVersion(rawValue: 42))
        record["name"] = .text("gpu")
        for (text, defaults) in [("", nil), ("DefCpuPerGPU=2", 2), ("DefCpuPerGPU=many", nil)] as [(String, Int?)] {
            record["defaults.job"] = .text(text)
            #expect(Partition(record)?.jobDefaults?.cpusPerGPU == defaults, "\(text)")
            #expect((Partition(record)?.jobDefaults == nil) == (defaults == nil))
        }
    }

    @Test func cpusOfEachNodeAreCounted() throws {
        #expect(try bounds(("mincpus", 4)).cpus == 4)
        #expect(try bounds(("mincpus", 4), ("ntasks", 8), ("nodes", "1")).cpus == 8)
        #expect(try bounds(("mincpus", 4), ("ntasks", 8), ("nodes", "1-2")).cpus == 16)
        #expect(try bounds(("mincpus", 4), ("nodes", "2"), ("mem_per_cpu", "1M")).memory == 10 << 20)
    }

    @Test func namedNodesAreCounted() throws {
        #expect(try bounds(("nodelist", "n[1-3]")).nodes == 3)
        #expect(try bounds(("nodelist", "n[1-3]")).cpus == 3)
        #expect(try bounds(("nodelist", "n[1-3],n1"), ("ntasks", 5)).nodes == 5)
        #expect(try bounds(("nodelist", "n1"), ("nodes", "1-2")).nodes == 2)
    }

    @Test func exclusiveJobsAreChargedWholeNodes() throws {
        for exclusive in ["node", "user"] {
            let one = try bounds(("exclusive", .string(exclusive)), ("mem", "1G"))
            #expect(one.cpus == 8)
            #expect(one.memory == 8000 << 20)
            #expect(one.untypedGPUs == 0)
        }
        let two = try bounds(("exclusive", "node"), ("nodes", "1-2"), ("mem_per_cpu", "1M"))
        #expect(two.cpus == 16)
        #expect(two.memory == 16_000 << 20)
        // No more than the partition has.
        #expect(try bounds(("exclusive", "node"), ("nodes", "9")).cpus == 32)
        // Of nodes that are not known, all that the partition has, and GPUs without bound.
        let unknown = try bounds(("exclusive", "node"), ("partition", "gpu"))
        #expect(unknown.cpus == 64)
        #expect(unknown.untypedGPUs == .max)
        #expect(unknown.description.contains("gpu=unbounded"))
    }

    @Test func jobsInExclusivePartitionsAreChargedWholeNodes() throws {
        func bounds(_ exclusive: String, _ fields: (String, JSONValue)...) throws -> ResourceBounds {
            var defaults = try ResourceBoundsTests.defaults()
            for index in defaults.partitions.indices {
                defaults.partitions[index].isExclusive = defaults.partitions[index].name == exclusive
            }
            for index in defaults.nodes.indices { defaults.nodes[index].gres = "gpu:a100:2" }
            let request = try JobRequest(
                json: .object(JSONObject([("script", "#!/bin/sh\n"), ("mem", "1G")] + fields)))
            return ResourceBounds(of: try request.resolved(with: defaults, user: UserName("alice")))
        }
        let whole = try bounds("debug", ("nodes", "2"))
        #expect(whole.cpus == 16 && whole.memory == 16_000 << 20 && whole.gpusByType == ["a100": 4])
        let shared = try bounds("gpu", ("nodes", "2"))
        #expect(shared.cpus == 2 && shared.memory == 2 << 30 && shared.gpusByType == [:])
        // One of those that Slurm may choose is enough, and only its nodes count as whole.
        let either = try bounds("debug", ("partition", "debug,gpu"))
        #expect(either.cpus == 8 && either.memory == 8000 << 20 && either.gpusByType == ["a100": 2])
    }

    @Test func exclusiveJobsAreChargedTheGPUsOfTheirNodes() throws {
        func bounds(_ gres: [String], _ fields: [(String, JSONValue)]) throws -> ResourceBounds {
            let partition = Partition(
                name: "debug", isDefault: true, totalNodes: gres.count, totalCPUs: 8, totalMemory: Memory(mebibytes: 8))
            let nodes = gres.enumerated().map { index, gres in
                var node = Node(
                    name: "n\(index)", states: [], cpus: 4, memory: Memory(mebibytes: 4), partitions: ["debug"])
                node.gres = gres
                return node
            }
            let request = try JobRequest(
                json: .object(JSONObject([("script", "#!/bin/sh\n"), ("exclusive", "node")] + fields)))
            return ResourceBounds(
                of: try request.resolved(
                    with: ClusterDefaults(partitions: [partition], nodes: nodes, account: AccountName("a")),
                    user: UserName("alice")))
        }
        let mixed = ["gpu:a100:2(S:0-1),gpu:v100:1,fpga:3", "gpu:a100:4"]
        #expect(try bounds(mixed, []).gpusByType == ["a100": 4, "v100": 1])
        #expect(try bounds(mixed, [("nodes", "2"), ("gpus_per_node", "1")]).gpusByType == ["a100": 8, "v100": 2])
        #expect(try bounds(mixed, [("gpus", "2"), ("nodes", "1")]).untypedGPUs == 0)
        #expect(try bounds(mixed, [("exclude", "n1")]).gpusByType == ["a100": 2, "v100": 1])
        // Nothing is known of a job that excludes every node.
        #expect(try bounds(mixed, [("exclude", "n[0-1]")]).untypedGPUs == .max)
        #expect(try bounds(["gpu:2"], []).untypedGPUs == 2)
        #expect(try bounds(["gpu:what"], []).untypedGPUs == .max)
        #expect(try bounds([""], []).untypedGPUs == 0)
    }

    @Test func countsArrays() throws {
        #expect(try bounds(("array", "0-99%5")).arrayTasks == 100)
    }

    @Test func sumsThatCannotBeHeldAreUnbounded() throws {
        let bounds = try bounds(
            ("nodes", "100"), ("mem", "1048576T"), ("ntasks_per_node", 65533), ("cpus_per_task", 65533))
        #expect(bounds.cpus == 100 * 65533 * 65533)
        #expect(bounds.memory == nil)
    }

    @Test func manyTypesOfGPUsAreNoSumThatCannotBeHeld() throws {
        let types = (0..<20).map { "t\($0):1000000" }.joined(separator: ",")
        let bounds = try bounds(
            ("nodes", "100"), ("ntasks_per_node", 65533), ("gpus_per_task", .string(types)))
        #expect(bounds.gpusByType.count == 20)
        #expect(GPUCounts(byType: ["a": .max, "b": 1], untyped: 1).total == .max)
    }
}
