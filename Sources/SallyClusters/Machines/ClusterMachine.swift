// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// One machine of a cluster, as commands see it.
package struct ClusterMachine: Sendable, Equatable {
    package enum Role: String, Sendable { case controller, node }

    package enum State: Sendable, Equatable {
        case running
        /// It does not run, in its provider's word: `stopped`, `paused`, `missing`.
        case down(String)
        /// Nobody but the machine itself knows, such as one of an inventory.
        case unknown

        package var word: String {
            switch self {
            case .running: "running"
            case .down(let word): word
            case .unknown: "unknown"
            }
        }
    }

    /// What it is called in the cluster: `master`, `node001`.
    package var name: NodeName
    package var role: Role
    /// What its provider calls it: the container, or the host.
    package var id: String
    /// Where it is reached: an address, or in an inventory also a host's name.
    package var address: String
    /// sshd's.
    package var port: UInt16
    package var state: State
    /// Since when it runs, where that is known.
    package var startedAt: Timestamp?

    package init(
        name: NodeName, role: Role, id: String, address: String, port: UInt16 = 22, state: State,
        startedAt: Timestamp? = nil
    ) {
        self.name = name
        self.role = role
        self.id = id
        self.address = address
        self.port = port
        self.state = state
        self.startedAt = startedAt
    }

    /// The digits that its name ends with, as a number: 2 of `node002`, 1000 of `node1000`.
    var number: Int? {
        let digits = name.rawValue.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
        return digits.isEmpty ? nil : Int(String(digits))
    }

    /// Which machine is meant where it does not run, as messages begin: `master node`, `node node001`.
    var title: String { role == .controller ? "\(name) node" : "node \(name)" }
}
