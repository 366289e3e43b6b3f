// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyClusters

@Suite struct SlurmConfTests {
    private static func conf(_ change: (inout ClusterTemplate) -> Void = { _ in }) -> SlurmConf {
        let files = Samples.files(change)
        return SlurmConf(slurm: files.slurmConf(.host("master")), gres: files.gresConf)
    }

    private static let node003 = ClusterRecord.Container(
        name: "sallyport-demo-node003", role: .node, hostname: NodeName(unchecked: "node003"), address: "10.231.0.13")

    private func line(_ begin: String, _ conf: SlurmConf) -> String? { conf.slurm.first { $0.hasPrefix(begin) } }

    @Test func whatIsReadIsWrittenAgain() {
        let files = Samples.files()
        let conf = Self.conf()
        #expect(conf.slurmText == files.slurmConf(.host("master")) && conf.gresText == files.gresConf)
    }

    @Test func aNewNodeIsHeldBackFromTheFirstMoment() throws {
        var conf = Self.conf()
        try conf.add(Self.node003)
        #expect(
            line("NodeName=node003", conf)
                == "NodeName=node003 NodeAddr=10.231.0.13 CPUs=4 RealMemory=4000 State=DRAIN Reason=\"sallyport: users are not there yet\""
        )
        #expect(line("PartitionName=debug", conf)?.contains(" Nodes=node001,node002,node003 Default=YES") == true)
        // The partition with GPUs has none of it, and all else is as it was.
        #expect(line("PartitionName=gpu", conf) == line("PartitionName=gpu", Self.conf()))
        #expect(conf.gres == Self.conf().gres)
        let others = conf.slurm.filter { !$0.hasPrefix("NodeName=node003") && !$0.hasPrefix("PartitionName=debug") }
        #expect(others == Self.conf().slurm.filter { !$0.hasPrefix("PartitionName=debug") })
    }

    @Test func aNewNodeHasTheCoresOfTheOthers() throws {
        var conf = Self.conf { $0.threadsPerCore = 2 }
        try conf.add(Self.node003)
        let shape = "CPUs=4 Sockets=2 CoresPerSocket=1 ThreadsPerCore=2 RealMemory=4000 State=DRAIN"
        #expect(line("NodeName=node003", conf)?.contains(shape) == true)
    }

    @Test func addingTwiceIsAddingOnce() throws {
        var conf = Self.conf()
        try conf.add(Self.node003)
        let once = conf
        try conf.add(Self.node003)
        #expect(conf == once)
        conf.admit(Self.node003.hostname)
        #expect(line("NodeName=node003", conf)?.hasSuffix(" RealMemory=4000 State=UNKNOWN") == true)
        try conf.add(Self.node003)
        #expect(conf == once)
    }

    /// Shape without GPUs, also where every node has some.
    @Test func aNewNodeHasNoGPUs() throws {
        var conf = Self.conf { $0.gpuNodes = 2 }
        try conf.add(Self.node003)
        #expect(line("NodeName=node003", conf)?.contains("Gres=") == false)
    }

    @Test func aNodeThatGoesIsNamedNowhere() throws {
        var conf = Self.conf()
        try conf.add(Self.node003)
        conf.remove(Self.node003.hostname)
        #expect(conf == Self.conf())
        conf.remove(NodeName(unchecked: "node002"))
        #expect(!conf.slurmText.contains("node002") && !conf.gresText.contains("node002"))
        #expect(line("PartitionName=debug", conf)?.contains(" Nodes=node001 ") == true)
        // slurm.conf(5): a partition without nodes.
        #expect(line("PartitionName=gpu", conf)?.hasPrefix("PartitionName=gpu Nodes=\"\" ") == true)
        try conf.add(Self.node003)
        #expect(line("PartitionName=debug", conf)?.contains(" Nodes=node001,node003 ") == true)
    }

    @Test func namesThatBeginAlikeAreTwo() throws {
        var conf = Self.conf()
        var other = Self.node003
        other.hostname = NodeName(unchecked: "node0031")
        try conf.add(other)
        try conf.add(Self.node003)
        conf.remove(Self.node003.hostname)
        #expect(line("NodeName=node0031 ", conf) != nil && line("NodeName=node003 ", conf) == nil)
        #expect(line("PartitionName=debug", conf)?.contains("node002,node0031 ") == true)
    }

    @Test func withoutNodesOrPartitionNothingIsGuessed() {
        for text in ["ClusterName=demo\n", "NodeName=a CPUs=1\nPartitionName=other Nodes=a\n"] {
            var conf = SlurmConf(slurm: text, gres: "")
            #expect(throws: SallyError.self) { try conf.add(Self.node003) }
        }
    }

    /// (scontrol's word, held back, takes jobs, answers)
    @Test(arguments: [
        ("IDLE", false, true, true), ("MIXED", false, true, true), ("ALLOCATED", false, true, true),
        ("IDLE+DRAIN", true, false, true), ("IDLE*+DRAIN", false, false, false), ("MIXED+DRAIN", false, false, true),
        ("DOWN+DRAIN", false, false, true), ("DOWN*", false, false, false), ("UNKNOWN*+DRAIN", false, false, false),
        ("IDLE+DRAIN+NOT_RESPONDING", false, false, false), ("IDLE+NOT_RESPONDING", false, false, false),
        ("DOWN+DRAIN+INVALID_REG", false, false, true), ("IDLE+PLANNED", false, true, true),
        ("IDLE-", false, true, true),
        ("", false, false, true),
    ])
    func statesAreUnderstood(_ text: String, _ heldBack: Bool, _ usable: Bool, _ answers: Bool) {
        let state = NodeState(text)
        #expect(state.isHeldBack == heldBack && state.isUsable == usable && state.answers == answers)
    }

    @Test func jobsOnANodeAreRead() throws {
        let jobs = try JobOnNode.parse("12|linus|on\n13_4|tux|on+asks\n14_[5-9]|larry|+asks\n")
        #expect(jobs.map(\.id) == ["12", "13_4", "14_[5-9]"])
        #expect(jobs.map(\.isRunning) == [true, true, false] && jobs.map(\.asksForNode) == [false, true, true])
        #expect(JobOnNode.list(jobs) == "12 of linus, 13_4 of tux, 14_[5-9] of larry")
        #expect(
            JobOnNode.list(jobs + jobs)
                == "12 of linus, 13_4 of tux, 14_[5-9] of larry, 12 of linus, 13_4 of tux and 1 more")
        for bad in ["12|linus", "x|linus|on", "-1|a|on", "1;2|a|on", "|a|on"] {
            #expect(throws: SallyError.self) { try JobOnNode.parse(bad) }
        }
    }

    @Test func aReasonIsOneHarmlessLine() {
        #expect(SlurmNodes.line("a \"b\"\n\tc\u{1b}ä") == "a b c")
        #expect(SlurmNodes.line(String(repeating: "x", count: 500)).count == 200)
    }
}
