// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// Where a node is to be reached over SSH.
package struct OpenSSHAddress: Sendable, Hashable {
    /// A name or an address, as ssh(1) takes it.
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16 = 22) {
        self.host = host
        self.port = port
    }
}

/// Who signs in on the nodes.
package enum OpenSSHLogin: Sendable, Hashable {
    case root
    /// A user who may run everything with `sudo -n`.
    case sudo(user: String)
}

/// What a node's host key is filed under in the known hosts.
package enum HostKeyNaming: Sendable, Hashable {
    /// In a file of our own, which lasts when addresses change.
    case nodeName
    /// In an administrator's file, by the name or address that is connected to.
    case address
}

/// The files and habits of our `ssh`, the same for all nodes of a cluster.
package struct OpenSSHSettings: Sendable, Hashable {
    package var login: OpenSSHLogin
    /// The private key to sign in with.
    package var identityFile: String
    /// The host keys that are believed, ssh_known_hosts of sshd(8), and no others.
    package var knownHostsFile: String
    package var globalKnownHostsFile: String
    package var hostKeyNaming: HostKeyNaming
    /// An ssh_config(5) of the administrator's, for jump hosts; what stands here wins over it.
    package var configFile: String
    /// Whole seconds.
    package var connectTimeout: Duration
    package var sharing: OpenSSHSharing

    package init(
        login: OpenSSHLogin, identityFile: String, knownHostsFile: String, globalKnownHostsFile: String = "/dev/null",
        hostKeyNaming: HostKeyNaming = .nodeName, configFile: String = "/dev/null",
        connectTimeout: Duration = .seconds(20), sharing: OpenSSHSharing = .none
    ) {
        self.login = login
        self.identityFile = identityFile
        self.knownHostsFile = knownHostsFile
        self.globalKnownHostsFile = globalKnownHostsFile
        self.hostKeyNaming = hostKeyNaming
        self.configFile = configFile
        self.connectTimeout = connectTimeout
        self.sharing = sharing
    }
}

/// The arguments of ssh(1): a pure function of settings and address.
package struct OpenSSHCommand: Sendable, Equatable {
    package var settings: OpenSSHSettings
    package var address: OpenSSHAddress
    /// The name that host keys are known by instead of the address.
    package var alias: NodeName?

    package init(settings: OpenSSHSettings, address: OpenSSHAddress, alias: NodeName?) {
        self.settings = settings
        self.address = address
        self.alias = alias
    }

    /// Runs `words` on the node as root, without a terminal.
    package func arguments(running words: [String]) -> [String] {
        options() + ["-T", "--", address.host, ShellQuote.line(elevated(words))]
    }

    /// What stands before the words of whatever is to run on the node as root, without a terminal.
    package var argumentsOfAnyProgram: [String] { options() + ["-T", "--", address.host] + elevated([]) }

    /// Runs a program on the node as root with streams of ours.
    ///
    /// - Parameters:
    ///   - log: a file for ssh's own words.
    ///   - agent: the socket of the agent to forward.
    func arguments(attaching attachment: Attachment, mark: NodeSweep, log: String, agent: String?) -> [String] {
        let forwarded = attachment.forwarding
        var words = OpenSSHFrame(mark: mark).environment + attachment.arguments
        if case .sudo = settings.login, !forwarded.isEmpty {
            // sudo takes the variables of what is forwarded away; only the login shell's side knows them.
            words =
                ["/bin/sh", "-c", OpenSSHCommand.elevatedWithForwarding, "sally"] + words
        } else {
            words = elevated(words)
        }
        let terminal = attachment.terminal == .allocated ? "-tt" : "-T"
        return options(attached: attachment, agent: agent) + [
            "-E", log, terminal, "--", address.host, ShellQuote.line(words),
        ]
    }

    /// No single quote, newline, backslash or exclamation mark, see `ShellLoop`.
    private static let elevatedWithForwarding =
        "exec sudo -n -- /usr/bin/env SSH_AUTH_SOCK=\"$SSH_AUTH_SOCK\" DISPLAY=\"$DISPLAY\""
        + " XAUTHORITY=\"${XAUTHORITY:-$HOME/.Xauthority}\" \"$@\""

    /// Asks the master of a shared connection to end; nil where connections are not shared.
    package func endingMaster() -> [String]? {
        guard case .shared = settings.sharing else { return nil }
        return options() + ["-O", "exit", "--", address.host]
    }

    /// The login user.
    package var user: String {
        switch settings.login {
        case .root: "root"
        case .sudo(let user): user
        }
    }

    private func elevated(_ words: [String]) -> [String] {
        switch settings.login {
        case .root: words
        case .sudo: ["sudo", "-n", "--"] + words
        }
    }

    private func options(attached: Attachment? = nil, agent: String? = nil) -> [String] {
        let forwarded = attached?.forwarding ?? []
        var named: [(String, String)] = [
            ("BatchMode", "yes"),
            ("StrictHostKeyChecking", "yes"),
            ("UserKnownHostsFile", OpenSSHCommand.file(settings.knownHostsFile)),
            ("GlobalKnownHostsFile", OpenSSHCommand.file(settings.globalKnownHostsFile)),
            ("UpdateHostKeys", "no"),
            ("VerifyHostKeyDNS", "no"),
            ("CheckHostIP", "no"),
        ]
        if let alias { named.append(("HostKeyAlias", alias.rawValue)) }
        named += [
            ("IdentityFile", OpenSSHCommand.file(settings.identityFile)),
            ("IdentitiesOnly", "yes"),
            // ssh forwards no agent that it may not ask itself; which key it signs in with stays the same.
            ("IdentityAgent", agent.map(OpenSSHCommand.file) ?? "none"),
            ("PreferredAuthentications", "publickey"),
            ("ForwardAgent", agent.map(OpenSSHCommand.file) ?? "no"),
            ("ForwardX11", forwarded.contains(.x11) ? "yes" : "no"),
            // Of ports and sockets; that of X11 and of the agent is not meant (ssh_config(5)).
            ("ClearAllForwardings", "yes"),
            ("PermitLocalCommand", "no"),
            ("EscapeChar", attached?.terminal == .allocated ? "~" : "none"),
            ("ConnectTimeout", "\(settings.connectTimeout.components.seconds)"),
            ("ServerAliveInterval", "15"),
            ("ServerAliveCountMax", "3"),
            ("LogLevel", "ERROR"),
        ]
        // As StarCluster's -X, which was ssh's -Y: hardly any program runs under the X11 SECURITY extension.
        if forwarded.contains(.x11) { named.append(("ForwardX11Trusted", "yes")) }
        switch settings.sharing {
        case .none: named += [("ControlMaster", "no"), ("ControlPath", "none")]
        case .shared(let folder, let persist):
            named += [
                // %C: a hash of host, port, user and jump host, so that the path stays short.
                ("ControlMaster", "auto"), ("ControlPath", "\(folder)/%C"),
                ("ControlPersist", "\(max(1, persist.components.seconds))"),
            ]
        }
        return ["-F", settings.configFile, "-l", user, "-p", "\(address.port)"]
            + named.flatMap { ["-o", "\($0)=\($1)"] }
    }

    /// A file in an option: blanks separate words there, and a percent sign begins a token (ssh_config(5)).
    private static func file(_ path: String) -> String {
        var result = "\""
        for character in path {
            switch character {
            case "\"", "\\": result += "\\\(character)"
            case "%": result += "%%"
            default: result.append(character)
            }
        }
        return result + "\""
    }
}
