// SPDX-License-Identifier: Apache-2.0

/// Targets and dependencies read out of Package.swift's text: `.target(name: "A", dependencies: ["B", c])`, where `c` is
/// a product named by `let c = Target.Dependency.product(name: "C", ...)`.
struct Manifest {
    /// Target to what it depends on, in the order written.
    private(set) var targets: [String: [String]] = [:]
    /// The targets of `tier0`, tests included.
    private(set) var tier0: [String] = []

    init(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.drop { $0 == " " }.hasPrefix("//") ? "" : String(line)
        }
        var products: [String: String] = [:]
        for line in lines where line.hasPrefix("let ") && line.contains("Target.Dependency.product(") {
            products[String(line.dropFirst(4).prefix { $0 != " " })] = Manifest.strings(in: line[...]).first
        }
        let code = lines.joined(separator: "\n")
        for tier in code.split(separator: "\nlet ") where tier.prefix(while: { $0 != "=" }).contains("[Target]") {
            for call in tier.split(separator: "arget(").dropFirst() {
                guard let name = Manifest.strings(in: call).first else { continue }
                targets[name] = Manifest.dependencies(in: call, products)
                if tier.hasPrefix("tier0:") { tier0.append(name) }
            }
        }
    }

    /// Every target that can be reached from `name`.
    func reachable(from name: String) -> Set<String> {
        var found: Set<String> = []
        var open = [name]
        while let next = open.popLast() {
            for dependency in targets[next] ?? [] where found.insert(dependency).inserted { open.append(dependency) }
        }
        return found
    }

    private static func dependencies(in call: Substring, _ products: [String: String]) -> [String] {
        guard let start = call.firstRange(of: "dependencies: [") else { return [] }
        return call[start.upperBound...].prefix { $0 != "]" }.split { $0 == "," || $0 == "\n" || $0 == " " }.map {
            item in
            item.hasPrefix("\"") ? String(item.dropFirst().dropLast()) : products[String(item)] ?? "unknown \(item)"
        }
    }

    private static func strings(in text: Substring) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
    }
}
