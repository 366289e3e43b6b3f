// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The lines of /etc/ssh/ssh_known_hosts about a cluster's machines, the same on each. Pure.
///
/// The keys come over the connection that an administrator trusts already, from the machine's own files.
enum KnownHosts {
    /// A machine is called by its name in the cluster and by the address that it is reached at. Another that it says it has
    /// counts only in the cluster's networks, and only if no other machine has it or says so: else it could answer in that
    /// one's place.
    ///
    /// - Parameters:
    ///   - observed: what the machines that were reached say.
    ///   - addresses: where each machine of the cluster is reached, as known_hosts has it.
    ///   - absent: machines of the cluster that were not reached: what was known of them is kept.
    static func lines(
        _ observed: [NodeName: NodeObservation], addresses: [NodeName: String], networks: [String],
        absent: Set<NodeName>, before: Set<String>
    ) -> [String] {
        let permitted = networks.compactMap(Network.init)
        var claims: [String: Set<NodeName>] = [:]
        for (node, address) in addresses { claims[address, default: []].insert(node) }
        for (node, seen) in observed { for address in seen.addresses { claims[address, default: []].insert(node) } }
        var lines: [String] = []
        for (node, seen) in observed {
            var names = seen.addresses.filter { address in
                claims[address] == [node]
                    && Network(address).map { own in permitted.contains { $0.contains(own) } } ?? false
            }
            if let address = addresses[node] { names.insert(address) }
            let called = ([node.rawValue] + names.sorted()).joined(separator: ",")
            for key in seen.hostKeys { lines.append("\(called) \(key)") }
        }
        for line in before {
            let name = String(line.prefix { $0 != "," && $0 != " " })
            if absent.contains(where: { $0.rawValue == name }) { lines.append(line) }
        }
        return lines.sorted()
    }

    /// Type and base64, and nothing else.
    static func isKey(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].count <= 64, (16...16384).contains(parts[1].count) else {
            return false
        }
        func isWord(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        }
        return parts[0].allSatisfy { isWord($0) || [0x2d, 0x2e, 0x40].contains($0) }
            && parts[1].allSatisfy { isWord($0) || [0x2b, 0x2f, 0x3d].contains($0) }
    }
}
