// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension StewardConfig.TransportConfig {
    static func read(_ value: ConfigValue) -> StewardConfig.TransportConfig? {
        if case .scalar("local") = value.node.content { return .local }
        guard let section = value.section() else { return nil }
        defer { section.close() }
        switch (section.optional("podman"), section.optional("openssh")) {
        case (let podman?, nil): return readPodman(podman)
        case (nil, let openSSH?): return StewardConfig.OpenSSHConfig.read(openSSH).map { .openSSH($0) }
        case (nil, nil), (_?, _?): return value.fail("local, or a section with either podman or openssh is wanted")
        }
    }

    private static func readPodman(_ value: ConfigValue) -> StewardConfig.TransportConfig? {
        guard let podman = value.section() else { return nil }
        defer { podman.close() }
        let controller = podman.required("controller").flatMap(readContainer)
        let nodes = readNodes(podman.required("nodes"), readContainer)
        return controller.map { .podman(controller: $0, nodes: nodes) }
    }

    /// A container's name as Podman takes them.
    private static func readContainer(_ value: ConfigValue) -> String? {
        guard let text = value.string() else { return nil }
        return NodeName.accepts(text) ? text : value.fail("\(quoted(text)) is no container name")
    }
}

extension StewardConfig.OpenSSHConfig {
    static func read(_ value: ConfigValue) -> StewardConfig.OpenSSHConfig? {
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let login = section.required("login")?.name(LoginName.self)
        let identity = section.required("identity_file")?.privateFile()
        let known = section.required("known_hosts")?.knownHostsFile()
        let controller = section.required("controller").flatMap(readAddress)
        let nodes = readNodes(section.required("nodes"), readAddress)
        let home = section.optional("home_server")
        let homeServer = home?.name(NodeName.self)
        if let homeServer, nodes[homeServer] == nil { home?.report("\(homeServer) is none of nodes") }
        guard let login, let identity, let known, let controller else { return nil }
        return .init(
            login: login, identityFile: identity, knownHosts: known, controller: controller, nodes: nodes,
            homeServer: homeServer)
    }

    /// `ADDRESS`, or `{address: ADDRESS, port: PORT}`.
    private static func readAddress(_ value: ConfigValue) -> StewardConfig.SSHAddress? {
        guard case .section = value.node.content else {
            return value.name(HostAddress.self).map { StewardConfig.SSHAddress(host: $0) }
        }
        guard let section = value.section() else { return nil }
        defer { section.close() }
        let host = section.required("address")?.name(HostAddress.self)
        let port = section.optional("port").map { $0.integer(in: 1...65535) } ?? 22
        guard let host, let port else { return nil }
        return StewardConfig.SSHAddress(host: host, port: UInt16(port))
    }
}

/// The machines besides the controller, by the names that Slurm has for them.
private func readNodes<Place>(_ value: ConfigValue?, _ read: (ConfigValue) -> Place?) -> [NodeName: Place] {
    var nodes: [NodeName: Place] = [:]
    for (key, value) in value?.section()?.named() ?? [] {
        guard let name = NodeName(rawValue: key) else {
            let _: Never? = value.fail("node \(quoted(key)) is not valid: \(NodeName.rule)")
            continue
        }
        guard name != .controller else {
            let _: Never? = value.fail("controller is the controller's own name here; give the machine another")
            continue
        }
        nodes[name] = read(value)
    }
    return nodes
}

extension NodeName {
    /// The name that the controller goes by where the steward's file names machines.
    package static let controller = NodeName(unchecked: "controller")
}
