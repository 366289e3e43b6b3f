// SPDX-License-Identifier: Apache-2.0

package import SallyConfig
import SallyModel
import SallyTransport

/// Reads the section `clusters:` of `clusters.yaml`: every key checked, unknown ones refused, all problems of a cluster
/// at once with their lines. What is wrong with one cluster is said when that one is asked for.
package struct InventoryReader {
    private let file: String
    private let home: String?
    private let files: FileChecks
    private var problems: [ConfigProblem] = []

    /// - Parameters:
    ///   - node: the value of `clusters:`.
    ///   - file: its name in messages.
    ///   - home: what `~` stands for.
    ///   - files: whether keys and host keys are looked at.
    /// - Throws: `SallyError(.misconfigured)` when it is no section of clusters at all.
    package static func read(
        _ node: ConfigNode, file: String, home: String?, files: FileChecks = .check
    ) throws -> Inventory {
        let entries: [ConfigNode.Entry]
        switch node.content {
        case .section(let found): entries = found
        case .empty: entries = []
        case .scalar, .text, .list:
            throw shown([
                ConfigProblem(file: file, line: node.line, message: "clusters: a section of clusters is wanted")
            ])
        }
        return Inventory(
            file: file,
            entries: try entries.map { entry in
                guard let name = ClusterName(rawValue: entry.key) else {
                    throw shown([
                        ConfigProblem(
                            file: file, line: entry.line,
                            message: "clusters: \(quoted(entry.key)) is no \(ClusterName.noun): \(ClusterName.rule)")
                    ])
                }
                var reader = InventoryReader(file: file, home: home, files: files)
                let cluster = reader.cluster(name, InventorySection(entry.value, "clusters.\(name)", line: entry.line))
                guard let cluster, reader.problems.isEmpty else {
                    return Inventory.Entry(name: name, cluster: .failure(shown(reader.problems)))
                }
                return Inventory.Entry(name: name, cluster: .success(cluster))
            })
    }

    private static func shown(_ problems: [ConfigProblem]) -> SallyError {
        SallyError(
            .misconfigured, ConfigError(problems).description,
            hint: "docs/cluster-machines.md describes the keys of clusters")
    }

    private init(file: String, home: String?, files: FileChecks) {
        self.file = file
        self.home = home
        self.files = files
    }

    mutating func report(_ message: String, at place: String, line: Int?) {
        problems.append(ConfigProblem(file: file, line: line, message: "\(place): \(message)"))
    }

    /// nil only after something was reported.
    private mutating func cluster(_ name: ClusterName, _ given: InventorySection) -> InventoryCluster? {
        var section = given
        guard section.isSection else {
            report("a section with keys is wanted", at: section.path, line: section.line)
            return nil
        }
        if let provider = text("provider", in: &section, needed: true), provider != "inventory" {
            report(
                "\(quoted(provider)) is not inventory; clusters of other providers are made by start, from templates",
                at: "\(section.path).provider", line: section.line(of: "provider"))
        }
        let login = login(&section)
        let identity = path("identity_file", in: &section, check: problemOfIdentityFile)
        let known = path("known_hosts", in: &section, check: problemOfKnownHostsFile)
        let region = text("region", in: &section) ?? "local"
        if !isRegion(region) {
            report(
                "\(quoted(region)) stands in names of files: 1-40 characters of a-z 0-9 - are wanted",
                at: "\(section.path).region", line: section.line(of: "region"))
        }
        let plugins = texts("plugins", in: &section)
        let networks = texts("networks", in: &section)
        for network in networks where AddressRange(network.text) == nil {
            report(
                "\(quoted(network.text)) is no network such as 10.1.0.0/24, or has bits outside of it",
                at: "\(section.path).networks", line: network.line)
        }
        let machines = machines(&section)
        let home = homeServer(&section, machines)
        let accounting = accounting(&section)
        for entry in section.unknown {
            report(
                "unknown key \(quoted(entry.key)); known are \(section.asked.sorted().joined(separator: ", "))",
                at: section.path, line: entry.line)
        }
        let controllers = machines.filter { $0.role == .controller }
        guard let login, let identity, let known, controllers.count == 1, let controller = controllers.first else {
            return nil
        }
        return InventoryCluster(
            name: name, login: login, identityFile: identity, knownHostsFile: known, region: region,
            controller: controller.node, nodes: machines.filter { $0.role == .node }.map(\.node),
            homeServer: home ?? controller.node.name,
            networks: networks.isEmpty
                ? unique(machines.map(\.node.address)) : unique(networks.map(\.text)), accounting: accounting,
            plugins: plugins.map(\.text))
    }

    // MARK: - Signing in

    private mutating func login(_ section: inout InventorySection) -> OpenSSHLogin? {
        let login = text("login", in: &section)
        let user = text("user", in: &section)
        switch (login, user) {
        case ("root", nil): return .root
        case (nil, let user?):
            guard LoginName.accepts(user) else {
                report(
                    "\(quoted(user)) is no user: \(LoginName.rule)", at: "\(section.path).user",
                    line: section.line(of: "user"))
                return nil
            }
            return user == "root" ? .root : .sudo(user: user)
        case (let login?, nil):
            report(
                "\(quoted(login)) is not root; another user, who may run everything with sudo -n, is `user: \(plain(login))`",
                at: "\(section.path).login", line: section.line(of: "login"))
        case (nil, nil):
            // A value that cannot be read was reported as such.
            guard !section.has("login"), !section.has("user") else { return nil }
            report(
                "who signs in is missing: `login: root`, or `user: NAME` with sudo -n", at: section.path,
                line: section.line)
        case (_?, _?):
            report("login and user: give one of the two", at: section.path, line: section.line(of: "user"))
        }
        return nil
    }

    /// A path with `~/` at its beginning made absolute, and what `check` says of it.
    private mutating func path(
        _ key: String, in section: inout InventorySection, check: (String) -> String?
    ) -> String? {
        let place = "\(section.path).\(key)"
        guard let text = text(key, in: &section, needed: true) else { return nil }
        let path: String
        if text.hasPrefix("~/") {
            guard let home, home.hasPrefix("/") else {
                report("\(text): HOME is not set", at: place, line: section.line(of: key))
                return nil
            }
            path = home + text.dropFirst(1)
        } else {
            path = text
        }
        guard path.hasPrefix("/") else {
            report(
                "\(quoted(text)) is neither absolute nor begins with ~/", at: place, line: section.line(of: key))
            return nil
        }
        if case .check = files, let problem = check(path) { report(problem, at: place, line: section.line(of: key)) }
        return path
    }

    private mutating func accounting(_ section: inout InventorySection) -> ClusterMachines.Accounting {
        guard let value = section.take("accounting") else { return .unknown }
        switch value.content {
        case .scalar("true"): return .enforced
        case .scalar("false"): return .notEnforced
        case .scalar, .text, .empty, .list, .section:
            report("true or false is wanted", at: "\(section.path).accounting", line: value.line)
            return .unknown
        }
    }

    private func isRegion(_ text: String) -> Bool {
        (1...40).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d }
    }

    private func unique(_ texts: [String]) -> [String] {
        texts.enumerated().filter { !texts[..<$0.offset].contains($0.element) }.map(\.element)
    }

    // MARK: - Values

    /// A single value; reported where it is none, or where it is needed and missing.
    mutating func text(_ key: String, in section: inout InventorySection, needed: Bool = false) -> String? {
        guard let value = section.take(key) else {
            if needed { report("\(key) is missing", at: section.path, line: section.line) }
            return nil
        }
        return text(value, at: "\(section.path).\(key)")
    }

    private mutating func text(_ value: ConfigNode, at place: String) -> String? {
        switch value.content {
        case .scalar(let text), .text(let text):
            if !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) { return text }
            report("must be text without control characters", at: place, line: value.line)
        case .empty, .list, .section: report("a single value is wanted", at: place, line: value.line)
        }
        return nil
    }

    private mutating func texts(
        _ key: String, in section: inout InventorySection
    ) -> [(text: String, line: Int)] {
        guard let value = section.take(key) else { return [] }
        guard case .list(let items) = value.content else {
            report("a list is wanted", at: "\(section.path).\(key)", line: value.line)
            return []
        }
        var result: [(text: String, line: Int)] = []
        for item in items {
            if let text = text(item, at: "\(section.path).\(key)") { result.append((text, item.line)) }
        }
        return result
    }
}
