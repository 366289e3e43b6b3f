// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// CPUs that nobody asked for: the rest of a core or a socket, and those that go with more memory than MaxMemPerCPU.
@Suite struct AddedCPUTests {
    /// Four nodes of 16 CPUs, which are cores or threads of cores, and 16,000 MiB.
    private static func defaults(_ threads: Int, _ limits: String?) throws -> ClusterDefaults {
        let partition = Partition(
            name: "p", isDefault: true, totalNodes: 4, totalCPUs: 64, totalMemory: Memory(mebibytes: 64_000))
        let nodes = (1...4).map { number in
            var node = Node(
                name: "n\(number)", states: ["IDLE"], cpus: 16, memory: Memory(mebibytes: 16_000), partitions: ["p"])
            node.cpusPerCore = threads
            node.cpusPerSocket = 8
            return node
        }
        var defaults = ClusterDefaults(partitions: [partition], nodes: nodes, account: try AccountName("lab"))
        defaults.jobDefaults = JobDefaults.nothing
        defaults.memoryLimits = try limits.map { try $0 == "none" ? MemoryLimits.nothing : MemoryLimits($0) }
        return defaults
    }

    typealias Fields = [(String, JSONValue)]

    private func bounds(
        _ fields: Fields, threads: Int = 2, limits: String? = "none", change: (inout ClusterDefaults) -> Void = { _ in }
    ) throws -> ResourceBounds {
        var defaults = try Self.defaults(threads, limits)
        change(&defaults)
        let request = try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n")] + fields)))
        return ResourceBounds(of: try request.resolved(with: defaults, user: UserName("alice")))
    }

    @Test(
        arguments: [
            ([], 2, 1), ([("ntasks", 3), ("nodes", "1")], 6, 3), ([("ntasks", 3)], 6, 3),
            ([("cpus_per_task", 3)], 4, 3),
            ([("ntasks", 2), ("cpus_per_task", 3), ("nodes", "1")], 8, 6), ([("mincpus", 3)], 4, 3),
            ([("nodes", "2"), ("mincpus", 3)], 12, 8), ([("gpus", "1"), ("cpus_per_gpu", 3)], 4, 3),
            ([("gpus", "3"), ("nodes", "1"), ("cpus_per_gpu", 1)], 4, 3),
            ([("gpus", "3"), ("nodes", "2"), ("cpus_per_gpu", 1)], 10, 5),
            // No more than the nodes have, unless it was asked for.
            ([("ntasks", 12), ("nodes", "1")], 16, 12), ([("ntasks", 20), ("nodes", "1")], 20, 20),
        ] as [(Fields, Int, Int)])
    func coresAreWhole(fields: Fields, whole: Int, single: Int) throws {
        #expect(try bounds(fields).cpus == whole)
        #expect(try bounds(fields, threads: 1).cpus == single)
    }

    @Test func memoryOfEachCPUIsThatOfWholeCores() throws {
        #expect(try bounds([("mem_per_cpu", "100M")]).memory == 200 << 20)
        #expect(try bounds([("mem_per_cpu", "100M")], threads: 1).memory == 100 << 20)
        #expect(try bounds([("ntasks", 2), ("nodes", "1")], limits: "DefMemPerCPU=50").memory == 200 << 20)
    }

    /// Of the partition's nodes that the job may get.
    @Test func theLargestCoreCounts() throws {
        func bounds(_ fields: Fields) throws -> Int? {
            try self.bounds(fields) { $0.nodes[3].cpusPerCore = 4 }.cpus
        }
        #expect(try bounds([]) == 4)
        #expect(try bounds([("exclude", "n4")]) == 2)
        #expect(try bounds([("cpus_per_task", 5)]) == 8)
    }

    @Test func ofNodesThatAreNotKnownAllCPUsCount() throws {
        #expect(try bounds([]) { $0.nodes.removeLast() }.cpus == 64)
        #expect(try bounds([("ntasks", 99)]) { $0.nodes = [] }.cpus == 99)
        #expect(try bounds([("exclude", "n[1-4]")]).cpus == 64)
    }

    /// CR_Socket: tasks are put onto sockets in turn.
    @Test func socketsAreWholeWhereTheyAreGivenWhole() throws {
        func bounds(_ fields: Fields, _ threads: Int) throws -> Int? {
            try self.bounds(fields, threads: threads) { $0.wholeSockets = true }.cpus
        }
        for threads in [1, 2] {
            #expect(try bounds([], threads) == 8)
            #expect(try bounds([("ntasks", 2), ("nodes", "1")], threads) == 16)
            #expect(try bounds([("ntasks", 5), ("nodes", "1")], threads) == 16)
        }
        #expect(try bounds([("cpus_per_task", 2)], 2) == 8)
        #expect(try bounds([("cpus_per_task", 2)], 1) == 16)
    }

    @Test(
        arguments: [
            ([("ntasks", 3), ("ntasks_per_node", 2), ("nodes", "2")], 4),
            ([("ntasks", 3), ("ntasks_per_node", 2)], 4), ([("ntasks", 8), ("ntasks_per_node", 4)], 8),
            ([("ntasks", 4), ("ntasks_per_node", 4), ("nodes", "1-4")], 16),
            ([("ntasks", 1), ("ntasks_per_node", 4), ("nodes", "1")], 1),
            ([("ntasks", 3), ("ntasks_per_node", 3), ("nodelist", "n[1-3]")], 9),
        ] as [(Fields, Int)])
    func nodesHaveCPUsForAllOfTheirTasks(fields: Fields, cpus: Int) throws {
        #expect(try bounds(fields, threads: 1).cpus == cpus)
    }

    /// CPUs of each task by a factor, and each with a part of the memory.
    @Test(
        arguments: [
            ([("mem_per_cpu", "1000M")], 1, 1000), ([("mem_per_cpu", "1001M")], 2, 1002),
            ([("mem_per_cpu", "2500M")], 3, 2502),
            ([("mem_per_cpu", "1500M"), ("ntasks", 2), ("cpus_per_task", 2), ("nodes", "1")], 8, 6004),
            ([("mem_per_cpu", "1500M"), ("mincpus", 8)], 8, 12008),
            // On each node.
            ([("mem", "1000M")], 1, 1000), ([("mem", "1001M")], 2, 1001), ([("mem", "4000M")], 4, 4000),
            ([("mem", "4000M"), ("mincpus", 6)], 6, 4000), ([("mem", "4000M"), ("cpus_per_task", 5)], 5, 4000),
            ([("mem", "4000M"), ("nodes", "2")], 8, 8000),
            ([("mem", "4000M"), ("ntasks", 4), ("ntasks_per_node", 2), ("nodes", "2")], 8, 8000),
            ([("mem", "5000M"), ("ntasks", 4), ("ntasks_per_node", 2), ("nodes", "2")], 12, 10_000),
            // 24.11 spreads them over the tasks.
            ([("mem", "4000M"), ("ntasks", 3), ("nodes", "1")], 6, 4000),
            ([("mem", "4000M"), ("ntasks", 3), ("nodes", "2")], 10, 8000),
            // All of a node, as of a job that says nothing where there is no default.
            ([("mem", "0")], 16, 16_000), ([], 16, 16_000),
            ([("gpus", "1"), ("mem_per_gpu", "10M")], 16, 10),
        ] as [(Fields, Int, Int64)])
    func moreMemoryThanACPUMayHaveBringsCPUs(fields: Fields, cpus: Int, memory: Int64) throws {
        let bounds = try bounds(fields, threads: 1, limits: "MaxMemPerCPU=1000")
        #expect(bounds.cpus == cpus && bounds.memory == memory << 20, "\(bounds)")
    }

    @Test func whatMemoryBringsIsWholeCoresToo() throws {
        let bounds = try bounds([("mem_per_cpu", "2500M")], limits: "MaxMemPerCPU=1000")
        #expect(bounds.cpus == 4 && bounds.memory == 5004 << 20, "\(bounds)")
        #expect(try self.bounds([("mem", "3000M")], limits: "MaxMemPerCPU=1000").cpus == 4)
    }

    @Test func whatAJobGetsThatSaysNothingMayBeTooMuchToo() throws {
        func cpus(_ limits: String, _ own: (inout Partition) -> Void = { _ in }) throws -> Int? {
            try bounds([], threads: 1, limits: limits) { own(&$0.partitions[0]) }.cpus
        }
        #expect(try cpus("MaxMemPerCPU=1000,DefMemPerCPU=900") == 1)
        #expect(try cpus("MaxMemPerCPU=1000,DefMemPerCPU=2100") == 3)
        #expect(try cpus("MaxMemPerCPU=1000,DefMemPerNode=4100") == 5)
        // A partition's own goes before the cluster's, whichever of the two it is.
        #expect(
            try cpus("MaxMemPerCPU=1000,DefMemPerNode=4100") { $0.defaultMemoryPerCPU = Memory(mebibytes: 10) } == 1)
        #expect(
            try cpus("MaxMemPerCPU=1000,DefMemPerCPU=10") { $0.defaultMemoryPerNode = Memory(mebibytes: 2001) } == 3)
    }

    @Test func thePartitionsOwnLimitGoesFirst() throws {
        func bounds(_ limits: String?, _ own: (inout Partition) -> Void) throws -> ResourceBounds {
            try self.bounds([("mem_per_cpu", "1000M")], threads: 1, limits: limits) { own(&$0.partitions[0]) }
        }
        #expect(try bounds("MaxMemPerCPU=1000") { $0.maximumMemoryPerCPU = Memory(mebibytes: 500) }.cpus == 2)
        #expect(try bounds(nil) { $0.maximumMemoryPerCPU = Memory(mebibytes: 400) }.cpus == 3)
        #expect(try bounds("MaxMemPerCPU=500") { $0.maximumMemoryPerNode = Memory(mebibytes: 9000) }.cpus == 1)
    }

    /// MaxMemPerNode refuses, and adds nothing. "All" may be more: the partition's first node is looked at, and another one given.
    @Test func aLimitOfNodesAddsNoCPUs() throws {
        let bounds = try bounds([("mem", "0")], threads: 1, limits: "MaxMemPerNode=3000")
        #expect(bounds.cpus == 1 && bounds.memory == 16_000 << 20)
    }

    /// Then it is taken for what a CPU of the poorest node has, and for no less than a default.
    @Test func aLimitThatIsNotToldIsAFairShare() throws {
        func cpus(_ fields: Fields, _ change: (inout ClusterDefaults) -> Void = { _ in }) throws -> Int? {
            try bounds(fields, threads: 1, limits: nil, change: change).cpus
        }
        #expect(try cpus([]) == 1)
        #expect(try cpus([]) { $0.partitions[0].defaultMemoryPerCPU = Memory(mebibytes: 5000) } == 1)
        #expect(try cpus([("mem_per_cpu", "1000M")]) == 1)
        #expect(try cpus([("mem_per_cpu", "2500M")]) == 3)
        #expect(try cpus([("mem", "4000M")]) == 4)
        #expect(try cpus([("mem", "0")]) == 16)
        // slurmctld looks at all nodes of a partition.
        let poor: (inout ClusterDefaults) -> Void = { $0.nodes[2].memory = Memory(mebibytes: 8000) }
        #expect(try cpus([("mem_per_cpu", "1000M"), ("exclude", "n3")], poor) == 2)
        // Of nodes that are not known, what the partition has; where nobody knows that, all CPUs.
        #expect(try cpus([("mem_per_cpu", "2500M")]) { $0.nodes = [] } == 64)
        let nothing = try bounds([("mem_per_cpu", "2500M")], threads: 1, limits: nil) {
            $0.nodes = []
            $0.partitions[0].totalMemory = nil
        }
        #expect(nothing.cpus == 64 && nothing.memory == 64 * 5000 << 20)
    }

    /// What a job that is there has of memory may be Slurm's own.
    @Test func ofAJobThatIsThereMemoryCountsThatItAskedFor() throws {
        let job: Fields = [
            ("account", "lab"), ("partition", "p"), ("tasks", 2), ("cpus", 2), ("cpus_per_task", 1), ("max_nodes", 1),
            ("memory_per_cpu", ["set": true, "number": 2500]), ("tres_req_str", "cpu=2,mem=5000M,node=1"),
        ]
        func cpus(_ limits: String?, _ flags: JSONValue, _ change: Fields = [("name", "x")]) throws -> [Int?] {
            let update = try JobUpdate(from: .object(JSONObject(change)), version: APIVersion(rawValue: 42))
            return try update.outcomes(
                of: .object(JSONObject(job + [("flags", flags)])), from: APIVersion(rawValue: 42),
                defaults: Self.defaults(1, limits), user: UserName("alice")
            ).map(\.bounds.cpus)
        }
        #expect(try cpus(nil, []) == [2])
        #expect(try cpus(nil, ["EXACT_MEMORY_REQUESTED"]) == [6])
        #expect(try cpus("MaxMemPerCPU=1000", []) == [6])
        #expect(try cpus(nil, [], [("memory_per_node", 4000)]) == [4])
        #expect(try cpus("none", ["EXACT_MEMORY_REQUESTED"]) == [2])
    }

    /// Two CPUs with 1000 MiB may have been one with 2000, which brings the other of its core.
    @Test func aJobThatIsMovedMayBeMadeAnew() throws {
        let job: Fields = [
            ("account", "lab"), ("partition", "p"), ("tasks", 1), ("cpus", 2), ("cpus_per_task", 2), ("max_nodes", 1),
            ("memory_per_cpu", 1000), ("tres_req_str", "cpu=2,mem=2000M,node=1"),
        ]
        func memory(_ change: Fields) throws -> [Int64?] {
            let update = try JobUpdate(from: .object(JSONObject(change)), version: APIVersion(rawValue: 42))
            return try update.outcomes(
                of: .object(JSONObject(job)), from: APIVersion(rawValue: 42), defaults: Self.defaults(2, "none"),
                user: UserName("alice")
            ).map(\.bounds.memory)
        }
        #expect(try memory([("name", "x")]) == [2000 << 20])
        #expect(try memory([("partition", "p")]) == [4000 << 20])
    }

    @Test(
        arguments: [
            (16, 2, 4, 2, 2, 8), (8, 2, 4, 2, 1, 4), (6, 2, 2, 2, 2, 4), (4, 4, 1, 1, 1, 1), (16, 0, 0, 2, 2, 16),
        ] as [(Int64, Int64, Int64, Int64, Int, Int)])
    func coresAreReadAsSlurmGoesByThem(
        cpus: Int64, sockets: Int64, cores: Int64, threads: Int64, perCore: Int, perSocket: Int
    ) {
        var record = SlurmRecord(.node, version: APIVersion(rawValue: 42))
        record["name"] = .text("n1")
        for (key, value) in [("cpus", cpus), ("sockets", sockets), ("cores", cores), ("threads", threads)] {
            record[key] = .integer(value)
        }
        #expect(Node(record)?.cpusPerCore == perCore && Node(record)?.cpusPerSocket == perSocket)
    }

    @Test func aPartitionsLimitIsRead() {
        var record = SlurmRecord(.partition, version: APIVersion(rawValue: 42))
        record["name"] = .text("p")
        #expect(Partition(record)?.maximumMemoryPerCPU == nil)
        record["maximums.partition_memory_per_cpu"] = .integer(4000)
        #expect(Partition(record)?.maximumMemoryPerCPU == Memory(mebibytes: 4000))
    }

    @Test func limitsAreReadAsSlurmWritesThem() throws {
        for (text, read) in [
            ("MaxMemPerCPU=4000,DefMemPerCPU=2000", "MaxMemPerCPU=4000,DefMemPerCPU=2000"),
            ("defmempernode=5", "DefMemPerNode=5"), ("MaxMemPerNode          = UNLIMITED", "none"),
            ("MaxMemPerCPU = 7, DefMemPerNode = UNLIMITED", "MaxMemPerCPU=7"), ("MaxMemPerCPU=0", "none"),
        ] {
            #expect(try MemoryLimits(text).description == read, "\(text)")
        }
        #expect(try MemoryLimits("MaxMemPerCPU=0") == MemoryLimits.nothing)
        for text in [
            "", "none", "MaxMemPerCPU", "MaxMemPerCPU=", "MaxMemPerCPU=4G", "MaxMemPerCPU=-1", "MaxMemPerCPU=1,",
            "MaxMemPerCPU=1,MaxMemPerCPU=2", "MaxMemPerCPU=1,MaxMemPerNode=2", "MemPerCPU=1", "DefMemPerGPU=1",
            "MaxMemPerCPU=1 2",
        ] {
            #expect(throws: SallyError.self, "\(text)") { try MemoryLimits(text) }
        }
    }
}
