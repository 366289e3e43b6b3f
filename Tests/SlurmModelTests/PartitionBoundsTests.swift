// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// What a partition makes of a job, whatever the job asks for.
@Suite struct PartitionBoundsTests {
    /// Partition small of two nodes and partition big of six; all have 16 CPUs and 16,000 MiB.
    private static func defaults() throws -> ClusterDefaults {
        func partition(_ name: String, nodes: Int) -> Partition {
            Partition(
                name: name, isDefault: name == "small", totalNodes: nodes, totalCPUs: 16 * nodes,
                totalMemory: Memory(mebibytes: Int64(16_000 * nodes)))
        }
        let partitions = [partition("small", nodes: 2), partition("big", nodes: 6)]
        let nodes = partitions.flatMap { partition in
            (1...partition.totalNodes).map { number in
                Node(
                    name: "\(partition.name)\(number)", states: ["IDLE"], cpus: 16, memory: Memory(mebibytes: 16_000),
                    partitions: [partition.name])
            }
        }
        var defaults = ClusterDefaults(partitions: partitions, nodes: nodes, account: try AccountName("lab"))
        defaults.jobDefaults = JobDefaults.nothing
        defaults.memoryLimits = MemoryLimits.nothing
        return defaults
    }

    typealias Fields = [(String, JSONValue)]

    private func bounds(_ fields: Fields, change: (inout ClusterDefaults) -> Void) throws -> ResourceBounds {
        var defaults = try Self.defaults()
        change(&defaults)
        let request = try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n")] + fields)))
        return ResourceBounds(of: try request.resolved(with: defaults, user: UserName("alice")))
    }

    /// slurm.conf(5), MinNodes: 4 in partition big.
    @Test(
        arguments: [
            ([], 4, 4), ([("ntasks", 2)], 4, 4), ([("ntasks", 6)], 6, 6), ([("cpus_per_task", 3)], 4, 12),
            ([("ntasks_per_node", 2)], 4, 8),
            // CPUs for all of --ntasks-per-node on each of them.
            ([("ntasks", 4), ("ntasks_per_node", 8)], 4, 32), ([("ntasks", 1), ("ntasks_per_node", 8)], 4, 32),
            ([("ntasks", 2), ("ntasks_per_node", 8), ("nodes", "1-5")], 5, 32),
            ([("mincpus", 3)], 4, 16), ([("gpus", "1"), ("cpus_per_gpu", 2)], 4, 6),
            // A maximum that is less stays, and the job waits.
            ([("nodes", "1")], 1, 1), ([("nodes", "3"), ("ntasks", 3), ("ntasks_per_node", 4)], 3, 12),
            ([("nodes", "1-4")], 4, 4),
        ] as [(Fields, Int, Int)])
    func aJobGetsTheNodesThatItsPartitionWants(fields: Fields, nodes: Int, cpus: Int) throws {
        let bounds = try bounds(fields + [("partition", "big")]) { $0.partitions[1].minimumNodes = 4 }
        #expect(bounds.nodes == nodes && bounds.cpus == cpus, "\(bounds)")
    }

    @Test func memoryIsThatOfAllNodesThatAPartitionWants() throws {
        for (partition, memory) in [("big", 400), ("small", 100)] as [(String, Int64)] {
            let bounds = try bounds([("partition", .string(partition)), ("mem", "100M")]) {
                $0.partitions[1].minimumNodes = 4
            }
            #expect(bounds.memory == memory << 20, "\(partition)")
        }
    }

    /// A partition that takes no jobs is struck off the list before Slurm takes the least.
    @Test func ofSeveralPartitionsAnyMayDecide() throws {
        #expect(
            try bounds([("partition", "small,big")]) {
                $0.partitions[0].minimumNodes = 2
                $0.partitions[1].minimumNodes = 4
            }.nodes == 4)
    }

    @Test(arguments: [(42, "minimums.nodes", 4, 4), (38, "minimums.nodes", 3, 3), (42, "minimums.nodes", 0, 1)])
    func minNodesAreRead(version: Int, key: String, reported: Int64, nodes: Int) {
        var record = SlurmRecord(.partition, version: APIVersion(rawValue: version))
        record["name"] = .text("big")
        record[key] = .integer(reported)
        #expect(Partition(record)?.minimumNodes == nodes)
    }

    /// SelectType=select/linear; memory for each CPU is that of all CPUs.
    @Test(
        arguments: [
            ([], 16, 16_000), ([("nodes", "2"), ("mem", "1M")], 32, 32_000), ([("mem_per_cpu", "100M")], 16, 16_000),
            ([("mem_per_cpu", "2000M")], 16, 32_000), ([("partition", "big"), ("nodes", "9")], 96, 96_000),
        ] as [(Fields, Int, Int64)])
    func aClusterMayGiveWholeNodes(fields: Fields, cpus: Int, memory: Int64) throws {
        let bounds = try bounds(fields) { $0.wholeNodes = true }
        #expect(bounds.cpus == cpus && bounds.memory == memory << 20, "\(bounds)")
    }

    @Test func memoryOfEachCPUIsThatOfAllCPUsOfWholeNodes() throws {
        func memory(_ fields: Fields, _ change: (inout ClusterDefaults) -> Void) throws -> Int64? {
            try bounds(fields, change: change).memory
        }
        #expect(try memory([]) { $0.partitions[0].defaultMemoryPerCPU = Memory(mebibytes: 2000) } == 2000 << 20)
        #expect(
            try memory([]) {
                $0.partitions[0].defaultMemoryPerCPU = Memory(mebibytes: 2000)
                $0.partitions[0].isExclusive = true
            } == 32_000 << 20)
        #expect(try memory([("exclusive", "node"), ("mem_per_cpu", "2000M")]) { _ in } == 32_000 << 20)
    }

    /// A partition's own SelectTypeParameters.
    @Test func aPartitionMayGiveWholeSockets() throws {
        func cpus(_ partition: String) throws -> Int? {
            try bounds([("partition", .string(partition))]) { defaults in
                defaults.partitions[1].givesSockets = true
                for index in defaults.nodes.indices { defaults.nodes[index].cpusPerSocket = 8 }
            }.cpus
        }
        #expect(try cpus("big") == 8)
        #expect(try cpus("small") == 1)
    }

    @Test(
        arguments: [
            ([], false), (["SOCKET"], true), (["SOCKET", "MEMORY"], true), (["CORE", "MEMORY"], false),
        ] as [([String], Bool)])
    func socketsOfAPartitionAreRead(words: [String], isSo: Bool) {
        var record = SlurmRecord(.partition, version: APIVersion(rawValue: 42))
        record["name"] = .text("big")
        record["select_type"] = .words(words)
        #expect(Partition(record)?.givesSockets == isSo)
    }

    private func resolved(
        _ partitions: String, change: (inout ClusterDefaults) -> Void
    ) throws -> ResolvedJob {
        var defaults = try Self.defaults()
        change(&defaults)
        let request = try JobRequest(json: ["script": "#!/bin/sh\n", "partition": .string(partitions)])
        return try request.resolved(with: defaults, user: UserName("alice"))
    }

    /// The job gets no node but those that it names; what is more than these may be another's.
    @Test(
        arguments: [
            ([("nodes", "1"), ("nodelist", "small1")], 16), ([("nodes", "1")], 64), ([("nodelist", "small1")], 64),
            ([("nodes", "1-2"), ("nodelist", "small1")], 80), ([("nodes", "2"), ("nodelist", "small[1-2]")], 80),
        ] as [(Fields, Int)])
    func namedNodesAloneCountWhereTheyAreAllThatAJobMayHave(fields: Fields, cpus: Int) throws {
        let bounds = try bounds(fields + [("exclusive", "node")]) {
            $0.nodes[1].cpus = 64
            $0.partitions[0].totalCPUs = 80
        }
        #expect(bounds.cpus == cpus, "\(bounds)")
    }

    /// slurm.conf(5), Alternate: small hands its jobs on to big.
    @Test func whereAJobMayBeHandedOnToIsJudged() throws {
        let job = try resolved("small") {
            $0.partitions[0].alternate = "big"
            $0.partitions[1].minimumNodes = 3
            $0.partitions[1].isExclusive = true
        }
        #expect(ResourceBounds(of: job).nodes == 3 && ResourceBounds(of: job).cpus == 48)
        #expect(job.partitions.map(\.rawValue) == ["small"] && job.request.partitions == job.partitions)
        #expect(job.alternates.map { "\($0.of) \($0.partition)" } == ["small big"])
    }

    @Test(
        arguments: [
            ("small", ["small big", "big last"]), ("big", ["big last"]), ("small,big", ["big last"]), ("last", []),
            ("big,small", ["big last"]),
        ])
    func partitionsHandOnFromOneToTheNext(named: String, alternates: [String]) throws {
        for end in [nil, "big", "last"] {
            let job = try resolved(named) {
                var last = $0.partitions[0]
                last.name = "last"
                last.alternate = named == "last" ? nil : end
                $0.partitions.append(last)
                $0.partitions[0].alternate = "big"
                $0.partitions[1].alternate = "last"
            }
            #expect(job.alternates.map { "\($0.of) \($0.partition)" } == alternates)
            #expect(job.places.count == job.partitions.count + alternates.count)
        }
    }

    /// Its name is judged, and nothing else is known of it.
    @Test func anAlternateThatIsNotReportedIsJudgedByName() throws {
        let job = try resolved("small") { $0.partitions[0].alternate = "hidden" }
        #expect(job.alternates.map(\.partition.rawValue) == ["hidden"] && job.places.count == 1)
    }

    @Test(arguments: [("", nil), ("big", "big")] as [(String, String?)])
    func alternatesAreRead(text: String, name: String?) {
        var record = SlurmRecord(.partition, version: APIVersion(rawValue: 42))
        record["name"] = .text("small")
        record["alternate"] = .text(text)
        #expect(Partition(record)?.alternate == name)
    }

    private func updated(
        _ change: Fields, of job: Fields, change setting: (inout ClusterDefaults) -> Void
    ) throws -> [ResourceBounds] {
        var defaults = try Self.defaults()
        setting(&defaults)
        let told: Fields = [("account", "lab"), ("partition", "small"), ("job_state", ["PENDING"])]
        let update = try JobUpdate(from: .object(JSONObject(change)), version: APIVersion(rawValue: 42))
        return try update.outcomes(
            of: .object(JSONObject(told + job)), from: APIVersion(rawValue: 42), defaults: defaults,
            user: UserName("alice")
        ).map(\.bounds)
    }

    @Test func ofAJobThatIsThereTheMaximumOfNodesMayBeAnothers() throws {
        let job: Fields = [("node_count", 2), ("required_nodes", "big1,big2"), ("shared", ["none"])]
        let bounds = try updated([("partition", "big")], of: job) {
            $0.nodes[7].cpus = 64
            $0.partitions[1].totalCPUs = 176
            $0.partitions[1].minimumNodes = 4
        }
        #expect(bounds.map(\.cpus) == [176])
    }

    @Test(arguments: [1, 2]) func aJobThatIsMovedGetsTheNodesThatTheOtherPartitionWants(count: Int) throws {
        let job: Fields = [("tasks", 2), ("cpus", 2), ("cpus_per_task", 1), ("node_count", .integer(count))]
        func nodes(_ change: Fields, _ more: Fields = []) throws -> [Int] {
            try updated(change, of: job + more) { $0.partitions[1].minimumNodes = 4 }.map(\.nodes)
        }
        #expect(try nodes([("name", "x")]) == [2])
        #expect(try nodes([("partition", "big")]) == [4])
        #expect(try nodes([("partition", "big")], [("max_nodes", 5)]) == [5])
        #expect(try nodes([("partition", "big")], [("max_nodes", 3)]) == [3])
    }
}
