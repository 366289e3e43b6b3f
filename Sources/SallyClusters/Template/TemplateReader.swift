// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Reads a cluster template: every key checked, unknown ones refused, all problems at once with their lines.
///
/// The one reader of templates, whether they are files of their own or sections of `clusters.yaml` or of a StarCluster file.
package enum TemplateReader {
    /// - Throws: `SallyError(.misconfigured)` with one line for each problem.
    package static func load(_ path: String) throws -> ClusterTemplate {
        do { return try read(ConfigNode.load(path), file: path) } catch let error as ConfigError { throw shown(error) }
    }

    /// The same from text; `file` is its name in messages.
    package static func parse(_ text: String, file: String) throws -> ClusterTemplate {
        do {
            return try read(ConfigNode.parse(text, file: file), file: file)
        } catch let error as ConfigError { throw shown(error) }
    }

    private static func shown(_ error: ConfigError) -> SallyError {
        SallyError(.misconfigured, error.description, hint: "docs/local-cluster.md describes the keys of templates")
    }

    private static func read(_ node: ConfigNode, file: String) throws -> ClusterTemplate {
        let reader = ConfigReader(file: file, files: .skip)
        let section = reader.root(node)
        let template = read(section)
        section.close()
        if let error = reader.error { throw error }
        return template
    }

    /// Reads the keys of a template and leaves the section open for others; where one is wrong a problem is noted and the
    /// default stands in.
    static func read(_ section: ConfigSection) -> ClusterTemplate {
        let release = section.optional("release")?.choice(DebianRelease.self) ?? .debian12
        let nodes = section.optional("nodes")?.integer(in: 1...ClusterTemplate.mostNodes) ?? 2
        let (gpuNodes, gpus) = gpus(section, nodes: nodes)
        let accounts = names("accounts", AccountName.self, section) ?? [AccountName(unchecked: "research")]
        for account in accounts where ["root", "sallyport"].contains(account.rawValue) {
            section.optional("accounts")?.report("\(account) is made for every cluster and not for people")
        }
        let gpuAccounts = names("gpu_accounts", AccountName.self, section) ?? []
        for account in gpuAccounts where !accounts.contains(account) {
            section.optional("gpu_accounts")?.report("\(account) is not one of accounts")
        }
        if gpuNodes > 0, gpuAccounts.isEmpty {
            section.report("gpu_accounts: somebody must be allowed to use the GPUs", lineOf: "gpu_nodes")
        }
        let cpus = section.optional("cpus_per_node")?.integer(in: 1...1024) ?? 4
        let (usual, most) = memoryPerCPU(section)
        return ClusterTemplate(
            release: release, nodes: nodes, cpusPerNode: cpus, threadsPerCore: threadsPerCore(section, cpus: cpus),
            memoryPerNode: Mebibytes(section.optional("memory_per_node")?.integer(in: 64...16_777_216) ?? 4000),
            defaultMemoryPerCPU: usual, maximumMemoryPerCPU: most, gpuNodes: gpuNodes, gpusPerNode: gpus,
            accounts: accounts, gpuAccounts: gpuAccounts,
            subnetPool: subnetPool(section.optional("subnet_pool")),
            socketGroup: section.optional("socket_group")?.string())
    }

    private static func threadsPerCore(_ section: ConfigSection, cpus: Int) -> Int {
        guard let value = section.optional("threads_per_core"), let threads = value.integer(in: 1...8) else { return 1 }
        if cpus % threads != 0 { value.report("\(cpus) CPUs are no whole cores of \(threads) threads") }
        return threads
    }

    /// A default above the most would raise every job (slurm.conf(5), MaxMemPerCPU).
    private static func memoryPerCPU(_ section: ConfigSection) -> (usual: Mebibytes?, most: Mebibytes?) {
        let value = section.optional("default_memory_per_cpu")
        let usual = value?.integer(in: 1...16_777_216)
        let most = section.optional("max_memory_per_cpu")?.integer(in: 1...16_777_216)
        if let usual, let most, usual > most { value?.report("\(usual) is more than max_memory_per_cpu") }
        return (usual.map { Mebibytes($0) }, most.map { Mebibytes($0) })
    }

    private static func gpus(_ section: ConfigSection, nodes: Int) -> (nodes: Int, each: [ClusterTemplate.GPUCount]) {
        let count = section.optional("gpu_nodes")?.integer(in: 0...64) ?? 0
        if count > nodes {
            section.optional("gpu_nodes")?.report("\(count) of \(nodes) nodes cannot have GPUs")
        }
        let types = gpusPerNode(section.optional("gpus_per_node"))
        if (count > 0) == types.isEmpty {
            section.report("gpu_nodes and gpus_per_node: give both or none", lineOf: "gpu_nodes", "gpus_per_node")
        }
        return (count, types)
    }

    /// A list of at least one name, none twice.
    static func names<Value: Name>(_ key: String, _ type: Value.Type, _ section: ConfigSection) -> [Value]? {
        guard let value = section.optional(key), let items = value.list() else { return nil }
        if items.isEmpty { value.report("at least one name is wanted") }
        var result: [Value] = []
        for item in items {
            guard let name = item.name(type) else { continue }
            if result.contains(name) { item.report("\(name) is given more than once") } else { result.append(name) }
        }
        return result
    }

    private static func gpusPerNode(_ value: ConfigValue?) -> [ClusterTemplate.GPUCount] {
        guard let value, let section = value.section() else { return [] }
        let types = section.named()
        if types.isEmpty { value.report("TYPE: COUNT lines are wanted") }
        var result: [ClusterTemplate.GPUCount] = []
        for (type, value) in types {
            guard isGPUType(type), case .scalar(let text) = value.node.content, let count = Int(text),
                (1...64).contains(count)
            else {
                value.report("\(quoted(type)): a type of a-z 0-9 _ and a count from 1 to 64 are wanted")
                continue
            }
            result.append(ClusterTemplate.GPUCount(type: type, count: count))
        }
        return result.sorted { $0.type < $1.type }
    }

    /// A type that can stand in gres.conf(5) and in a TRES' name; a number would read as a count.
    private static func isGPUType(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7a).contains(first) else { return false }
        return text.utf8.count <= 32
            && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }

    private static func subnetPool(_ value: ConfigValue?) -> Subnet {
        let usual = Subnet(base: 0x0ae7_0000, prefix: 16)
        guard let value, let text = value.string() else { return usual }
        guard let pool = Subnet(text), (8...24).contains(pool.prefix) else {
            value.report("\(quoted(text)) is no network such as 10.231.0.0/16, with 8 to 24 bits")
            return usual
        }
        return pool
    }
}
