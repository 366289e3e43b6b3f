// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The lines of /etc/ssh/ssh_known_hosts about a cluster's machines, the same on each. Pure.
///
/// The keys come over the connection that an administrator trusts already, from the machine's own files.
enum KnownHosts {
    /// - Parameters:
    ///   - observed: what the machines that were reached say.
    ///   - names: further names of a machine, such as the address that it is called by.
    ///   - absent: machines of the cluster that were not reached: what was known of them is kept.
    static func lines(
        _ observed: [NodeName: NodeObservation], names: [NodeName: [String]], absent: Set<NodeName>, before: Set<String>
    ) -> [String] {
        var lines: [String] = []
        for (node, seen) in observed {
            let called = [node.rawValue] + Set(names[node, default: []] + seen.addresses).sorted()
            for key in seen.hostKeys { lines.append("\(called.joined(separator: ",")) \(key)") }
        }
        for line in before {
            let name = String(line.prefix { $0 != "," && $0 != " " })
            if absent.contains(where: { $0.rawValue == name }) { lines.append(line) }
        }
        return lines.sorted()
    }
}
