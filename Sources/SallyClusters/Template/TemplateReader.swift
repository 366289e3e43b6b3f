// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

/// Reads a cluster template from YAML: every key checked, unknown ones refused, all problems at once with their lines.
package struct TemplateReader {
    private let file: String
    private var problems: [ConfigProblem] = []
    private var entries: [ConfigNode.Entry] = []
    private var asked: Set<String> = []

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
        var reader = TemplateReader(file: file)
        let template = reader.template(node)
        guard reader.problems.isEmpty else { throw ConfigError(reader.problems) }
        return template
    }

    private init(file: String) { self.file = file }

    /// What the node says; where it is wrong a problem is noted and the default stands in.
    private mutating func template(_ node: ConfigNode) -> ClusterTemplate {
        switch node.content {
        case .section(let entries): self.entries = entries
        case .empty: break
        case .scalar, .text, .list: report("a section with keys is wanted", line: node.line)
        }
        let release = choice("release") ?? .debian12
        let nodes = integer("nodes", 1...64) ?? 2
        let gpuNodes = integer("gpu_nodes", 0...64) ?? 0
        if gpuNodes > nodes {
            report("gpu_nodes: \(gpuNodes) of \(nodes) nodes cannot have GPUs", line: line("gpu_nodes"))
        }
        let gpus = gpusPerNode()
        if (gpuNodes > 0) == gpus.isEmpty {
            report(
                "gpu_nodes and gpus_per_node: give both or none", line: line("gpu_nodes") ?? line("gpus_per_node"))
        }
        let accounts = names("accounts", AccountName.self) ?? [AccountName(unchecked: "research")]
        let gpuAccounts = names("gpu_accounts", AccountName.self) ?? []
        for account in gpuAccounts where !accounts.contains(account) {
            report("gpu_accounts: \(account) is not one of accounts", line: line("gpu_accounts"))
        }
        if gpuNodes > 0, gpuAccounts.isEmpty {
            report("gpu_accounts: somebody must be allowed to use the GPUs", line: line("gpu_nodes"))
        }
        for account in accounts where ["root", "sallyport"].contains(account.rawValue) {
            report("accounts: \(account) is made for every cluster and not for people", line: line("accounts"))
        }
        let result = ClusterTemplate(
            release: release, nodes: nodes, cpusPerNode: integer("cpus_per_node", 1...1024) ?? 4,
            memoryPerNode: Mebibytes(integer("memory_per_node", 64...16_777_216) ?? 4000), gpuNodes: gpuNodes,
            gpusPerNode: gpus, accounts: accounts, gpuAccounts: gpuAccounts, subnetPool: subnetPool(),
            socketGroup: text("socket_group"))
        for entry in entries where !asked.contains(entry.key) {
            report(
                "unknown key \(quoted(entry.key)); known are \(asked.sorted().joined(separator: ", "))",
                line: entry.line)
        }
        return result
    }

    private mutating func report(_ message: String, line: Int?) {
        problems.append(ConfigProblem(file: file, line: line, message: message))
    }

    private func line(_ key: String) -> Int? { entries.first { $0.key == key }?.line }

    private mutating func value(_ key: String) -> ConfigNode? {
        asked.insert(key)
        return entries.first { $0.key == key }?.value
    }

    private mutating func text(_ key: String) -> String? {
        guard let node = value(key) else { return nil }
        switch node.content {
        case .scalar(let text), .text(let text): return text
        case .empty, .list, .section:
            report("\(key): a single value is wanted", line: node.line)
            return nil
        }
    }

    private mutating func integer(_ key: String, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            report("\(key): a whole number from \(range.lowerBound) to \(range.upperBound) is wanted", line: line(key))
            return nil
        }
        return number
    }

    private mutating func choice(_ key: String) -> DebianRelease? {
        guard let text = text(key) else { return nil }
        guard let release = DebianRelease(rawValue: text) else {
            let known = DebianRelease.allCases.map(\.rawValue).joined(separator: ", ")
            report("\(key): \(quoted(text)) is not one of \(known)", line: line(key))
            return nil
        }
        return release
    }

    private mutating func names<Value: Name>(_ key: String, _ type: Value.Type) -> [Value]? {
        guard let node = value(key) else { return nil }
        guard case .list(let items) = node.content, !items.isEmpty else {
            report("\(key): a list with at least one name is wanted", line: node.line)
            return nil
        }
        var result: [Value] = []
        for item in items {
            let text: String? =
                switch item.content {
                case .scalar(let text), .text(let text): text
                case .empty, .list, .section: nil
                }
            guard let text, let name = Value(rawValue: text) else {
                report("\(key): \(quoted(text ?? "")) is no \(Value.noun): \(Value.rule)", line: item.line)
                continue
            }
            if result.contains(name) {
                report("\(key): \(name) is given more than once", line: item.line)
            } else {
                result.append(name)
            }
        }
        return result
    }

    private mutating func gpusPerNode() -> [ClusterTemplate.GPUCount] {
        guard let node = value("gpus_per_node") else { return [] }
        guard case .section(let types) = node.content, !types.isEmpty else {
            report("gpus_per_node: TYPE: COUNT lines are wanted", line: node.line)
            return []
        }
        var result: [ClusterTemplate.GPUCount] = []
        for entry in types {
            guard case .scalar(let text) = entry.value.content, let count = Int(text), (1...64).contains(count),
                isGPUType(entry.key)
            else {
                report(
                    "gpus_per_node: \(quoted(entry.key)): a type of a-z 0-9 _ and a count from 1 to 64 are wanted",
                    line: entry.line)
                continue
            }
            result.append(ClusterTemplate.GPUCount(type: entry.key, count: count))
        }
        return result.sorted { $0.type < $1.type }
    }

    /// A type that can stand in gres.conf(5) and in a TRES' name; a number would read as a count.
    private func isGPUType(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7a).contains(first) else { return false }
        return text.utf8.count <= 32
            && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }

    private mutating func subnetPool() -> Subnet {
        let usual = Subnet(base: 0x0ae7_0000, prefix: 16)
        guard let text = text("subnet_pool") else { return usual }
        guard let pool = Subnet(text), (8...24).contains(pool.prefix) else {
            report(
                "subnet_pool: \(quoted(text)) is no network such as 10.231.0.0/16, with 8 to 24 bits",
                line: line("subnet_pool"))
            return usual
        }
        return pool
    }
}
