// SPDX-License-Identifier: Apache-2.0

import SallyConfig

/// A section while `InventoryReader` reads it: which of its keys were asked for.
struct InventorySection {
    /// Where it stands, for messages: `clusters.lab`.
    let path: String
    let line: Int
    let isSection: Bool
    private let entries: [ConfigNode.Entry]
    private(set) var asked: Set<String> = []

    init(_ node: ConfigNode, _ path: String, line: Int) {
        self.path = path
        self.line = line
        if case .section(let found) = node.content {
            entries = found
            isSection = true
        } else {
            entries = []
            isSection = false
        }
    }

    mutating func take(_ key: String) -> ConfigNode? {
        asked.insert(key)
        return entries.first { $0.key == key }?.value
    }

    func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// The key's, or the section's where the key is missing.
    func line(of key: String) -> Int { entries.first { $0.key == key }?.line ?? line }

    /// What nobody asked for.
    var unknown: [ConfigNode.Entry] { entries.filter { !asked.contains($0.key) } }
}
