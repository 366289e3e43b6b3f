// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyTransport

/// What a cluster is to commands, whatever its provider: its machines and the way onto them.
///
/// Made by `ClusterFinder`.
package struct ClusterMachines: Sendable {
    package enum Provider: String, Sendable { case podman, inventory }

    /// How root comes onto the machines.
    package enum Access: Sendable, Equatable {
        case podman(PodmanEnvironment)
        /// - Parameter environment: our own, out of which ssh gets what `CleanEnvironment` takes over.
        case openSSH(OpenSSHSettings, environment: [String: String])
    }

    /// Whether Slurm takes jobs of those alone who have an association (slurm.conf(5), AccountingStorageEnforce).
    package enum Accounting: Sendable, Equatable {
        case enforced, notEnforced
        /// Nothing says: the controller is to be asked.
        case unknown
    }

    package var name: ClusterName
    package var provider: Provider
    /// Stands in the names of key archives.
    package var region: String
    package var controller: ClusterMachine
    package var nodes: [ClusterMachine]
    /// Where /home is a local file system.
    package var homeServer: NodeName
    /// Where machines call each other from, as patterns of sshd(8) `from=`: networks in CIDR notation, else addresses. A
    /// machine of an inventory that is given by a host's name, without `networks`, stands here by that name.
    package var networks: [String]
    package var accounting: Accounting
    /// The plugins that the list of clusters names for it.
    package var plugins: [String]
    /// The distribution of its machines, where we made them.
    package var release: DebianRelease?
    package var access: Access

    /// - Parameter nodes: the machines besides the controller.
    package init(
        name: ClusterName, provider: Provider, region: String, controller: ClusterMachine, nodes: [ClusterMachine],
        homeServer: NodeName, networks: [String], accounting: Accounting, plugins: [String] = [],
        release: DebianRelease? = nil, access: Access
    ) {
        self.name = name
        self.provider = provider
        self.region = region
        self.controller = controller
        self.nodes = nodes
        self.homeServer = homeServer
        self.networks = networks
        self.accounting = accounting
        self.plugins = plugins
        self.release = release
        self.access = access
    }

    /// The controller first.
    package var machines: [ClusterMachine] { [controller] + nodes }

    /// Whether some machine runs, or may.
    package var mayRun: Bool { machines.contains { $0.state == .running || $0.state == .unknown } }

    /// The way onto all machines, as root.
    ///
    /// - Parameter sharing: how ssh shares connections. What is shared is ended by `OpenSSHTransport.close`; without it
    ///   each call and each conversation is one connection.
    package func transport(sharing: OpenSSHSharing = .none) -> any AttachingTransport {
        switch access {
        case .podman(let podman):
            return PodmanTransport(
                containers: Dictionary(machines.map { ($0.name, $0.id) }) { first, _ in first }, podman: podman)
        case .openSSH(var settings, let environment):
            settings.sharing = sharing
            return OpenSSHTransport(
                addresses: Dictionary(
                    machines.map { ($0.name, OpenSSHAddress(host: $0.address, port: $0.port)) }
                ) { first, _ in first },
                settings: settings, environment: environment)
        }
    }

    /// The machine that `text` names: by its name, id, address, `address:port`; else by number, 0 for the controller
    /// and N for the node whose name ends with N, or the Nth where no name ends with a number. `master` is the
    /// controller wherever no machine is called so.
    ///
    /// - Throws: `SallyError(.notFound)` when there is none; `.invalidRequest` when it is more than one.
    package func machine(named text: String) throws -> ClusterMachine {
        let ways: [(ClusterMachine) -> Bool] = [
            { $0.name.rawValue == text }, { $0.id == text }, { $0.address == text },
            { "\($0.address):\($0.port)" == text || "[\($0.address)]:\($0.port)" == text },
        ]
        for isMeant in ways {
            if let found = try only(machines.filter(isMeant), text) { return found }
        }
        if text == "master" { return controller }
        if let number = number(text) {
            if number == 0 { return controller }
            if let found = try only(nodes.filter { $0.number == number }, text) { return found }
            if nodes.allSatisfy({ $0.number == nil }), number <= nodes.count { return nodes[number - 1] }
        }
        throw SallyError(
            .notFound, "node '\(plain(text))' does not exist",
            hint: "(nodes of \(name): \(machines.map(\.name.rawValue).joined(separator: ", ")))")
    }

    /// - Throws: `SallyError(.unavailable)` when it is known that `machine` does not run.
    package func requireRunning(_ machine: ClusterMachine) throws {
        guard case .down(let word) = machine.state else { return }
        throw SallyError(
            .unavailable, "\(machine.title) is not running (\(word))",
            hint: "`sally cluster start \(name)` starts what stopped")
    }

    private func only(_ found: [ClusterMachine], _ text: String) throws -> ClusterMachine? {
        guard found.count > 1 else { return found.first }
        throw SallyError(
            .invalidRequest, "node '\(plain(text))' is more than one",
            hint: "name one of \(found.map(\.name.rawValue).joined(separator: ", "))")
    }

    private func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}

/// Text of somebody's own inside a message with quotes of its own: shortened, control characters escaped.
func plain(_ text: String) -> String { String(quoted(text).dropFirst().dropLast()) }
