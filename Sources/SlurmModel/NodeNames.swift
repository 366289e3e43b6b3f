// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Nodes by name, as --nodelist and --exclude take them: `n1,n[3-5]`. Files of names are not read.
package struct NodeNames: Sendable, Hashable, CustomStringConvertible {
    /// Each once, in the order said.
    package let names: [String]

    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        var seen: Set<String> = []
        names = try HostList.expand(text, limit: 4096).filter { seen.insert($0).inserted }
        guard !names.isEmpty, names.allSatisfy(isNodeName) else {
            throw SallyError(
                .invalidRequest, "nodes \(quoted(text)) are not valid", hint: "names such as node[001-003],node007")
        }
    }

    package var description: String { names.joined(separator: ",") }
}

/// Slurm's node names are host names; neither a keyword of Slurm's nor a path.
private func isNodeName(_ text: String) -> Bool {
    guard (1...64).contains(text.utf8.count), text.utf8.first != 0x2d, text.utf8.first != 0x2e else { return false }
    return text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
        default: false
        }
    }
}
