// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyClusters

@Suite struct TemplateReaderTests {
    private func problems(_ text: String) -> [String] {
        do {
            _ = try TemplateReader.parse(text, file: "t.yaml")
            return []
        } catch let error as SallyError {
            return error.message.split(separator: "\n").map(String.init)
        } catch { return ["\(error)"] }
    }

    @Test func everyKeyIsRead() throws {
        let template = try TemplateReader.parse(
            """
            release: debian13
            nodes: 3
            cpus_per_node: 8
            threads_per_core: 2
            memory_per_node: 1000
            default_memory_per_cpu: 100
            max_memory_per_cpu: 300
            gpu_nodes: 1
            gpus_per_node: {v100: 1, a100: 2}
            accounts: [research, gpu]
            gpu_accounts: [gpu]
            subnet_pool: 10.9.0.0/16
            socket_group: hpc
            """, file: "t.yaml")
        #expect(template.release == .debian13)
        #expect(template.nodeNames.map(\.rawValue) == ["node001", "node002", "node003"])
        #expect(template.gpuNodeNames.map(\.rawValue) == ["node003"])
        #expect(template.gpusPerNode == [.init(type: "a100", count: 2), .init(type: "v100", count: 1)])
        #expect(template.accounts.map(\.rawValue) == ["research", "gpu"])
        #expect(template.cpusPerNode == 8 && template.memoryPerNode == Mebibytes(1000))
        #expect(template.threadsPerCore == 2 && template.defaultMemoryPerCPU == Mebibytes(100))
        #expect(template.maximumMemoryPerCPU == Mebibytes(300))
        #expect(template.subnetPool.description == "10.9.0.0/16" && template.socketGroup == "hpc")
    }

    @Test func anEmptyTemplateIsASmallCluster() throws {
        let template = try TemplateReader.parse("", file: "t.yaml")
        #expect(template.nodes == 2 && template.gpuNodes == 0 && template.release == .debian12)
        #expect(template.threadsPerCore == 1)
        #expect(template.defaultMemoryPerCPU == nil && template.maximumMemoryPerCPU == nil)
    }

    @Test func allProblemsComeAtOnceWithTheirLines() {
        let found = problems(
            """
            release: debian11
            nodes: 0
            gpus: 3
            accounts: [research, Research, "-x", root]
            subnet_pool: 10.0.0.1/16
            """)
        #expect(found.contains { $0.hasPrefix("t.yaml:1:") && $0.contains("debian12, debian13") })
        #expect(found.contains { $0.hasPrefix("t.yaml:2:") && $0.contains("1 to 64") })
        #expect(found.contains { $0.hasPrefix("t.yaml:3:") && $0.contains("unknown key \"gpus\"") })
        #expect(found.contains { $0.hasPrefix("t.yaml:4:") && $0.contains("more than once") })
        #expect(found.contains { $0.hasPrefix("t.yaml:4:") && $0.contains("\"-x\"") })
        #expect(found.contains { $0.hasPrefix("t.yaml:4:") && $0.contains("root is made for every cluster") })
        #expect(found.contains { $0.hasPrefix("t.yaml:5:") && $0.contains("10.0.0.1/16") })
        #expect(found.count == 7)
    }

    @Test(arguments: [
        ("gpu_nodes: 1", "give both or none"), ("gpus_per_node: {a100: 1}", "give both or none"),
        ("nodes: 1\ngpu_nodes: 2\ngpus_per_node: {a: 1}\ngpu_accounts: [research]", "2 of 1 nodes"),
        ("gpu_nodes: 1\ngpus_per_node: {a: 1}", "somebody must be allowed"),
        ("gpu_nodes: 1\ngpus_per_node: {a: 1}\ngpu_accounts: [other]", "other is not one of accounts"),
        ("gpu_nodes: 1\ngpus_per_node: {A-1: 1}\ngpu_accounts: [research]", "a type of a-z"),
        ("gpu_nodes: 1\ngpus_per_node: {a: 0}\ngpu_accounts: [research]", "a count from 1 to 64"),
        ("- a list", "a section with keys"), ("accounts: []", "at least one name"),
        ("nodes: [1]", "a whole number is wanted"),
        ("socket_group: [1]", "a single value"), ("threads_per_core: 9", "1 to 8"),
        ("cpus_per_node: 6\nthreads_per_core: 4", "6 CPUs are no whole cores of 4 threads"),
        ("default_memory_per_cpu: 3\nmax_memory_per_cpu: 2", "3 is more than max_memory_per_cpu"),
        ("nodes: 1\nnodes: 2", "more than once"), ("nodes: {", "YAML"), ("subnet_pool: 10.0.0.0/30", "8 to 24 bits"),
    ])
    func whatIsWrongIsNamed(_ text: String, _ expected: String) {
        #expect(problems(text).contains { $0.contains(expected) }, "\(problems(text))")
    }
}
