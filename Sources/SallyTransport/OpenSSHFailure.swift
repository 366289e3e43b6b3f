// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Why ssh did not get onto a node, out of what it wrote on standard error (OpenSSH 7.4 to 10).
///
/// ssh exits with 255 then, and a program on the node may as well: so this is asked only where the node did not answer
/// with the mark of the call. The words are ssh's own, which no translation changes.
struct OpenSSHFailure: Equatable {
    /// What was wrong with the key that was offered, where ssh itself does not say.
    enum KeyTrouble: Equatable {
        case passphrase
        /// In the words of ssh-keygen(1).
        case unreadable(String)
    }

    let command: OpenSSHCommand
    let said: String

    /// Whether the key was refused or not offered, so that it is worth looking at the key.
    var isDenied: Bool { said.contains("Permission denied") }

    /// One line for an administrator: what is wrong, and what to do.
    func reason(key trouble: KeyTrouble?) -> String {
        let place = "\(command.address.host) port \(command.address.port)"
        let name = command.knownName
        let known = command.settings.knownHostsFile
        if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            return
                "the host key of \(name) is not the one in \(offendingPlace ?? known): another machine answers in its"
                + " place, or it was set up anew; only if you know that it was, remove the old key"
                + " (ssh-keygen -R '\(name)' -f '\(known)') and learn the new one over a channel that you trust"
        }
        if said.contains("REVOKED HOST KEY DETECTED") {
            return "the host key of \(name) is revoked in \(known): another machine may answer in its place"
        }
        if said.contains("host key is known for") || said.contains("Host key verification failed") {
            return
                "the host key of \(name) is not in \(known), and a first contact is not trusted; learn the key over a"
                + " channel that you trust"
        }
        if isDenied { return denied(trouble) }
        if said.contains("Could not resolve hostname") {
            return "the name \(command.address.host) does not resolve; check the list of hosts"
        }
        if said.contains("Connection refused") { return "\(place) refuses connections; is sshd running there" }
        if said.contains("kex_exchange_identification: ") {
            return
                "\(place) takes connections and ends them at once: sshd has too many that wait to be let in"
                + " (MaxStartups), keeps this address out after failures (PerSourcePenalties), or is not what answers"
        }
        if said.contains("timed out") {
            return "\(place) did not answer within \(command.settings.connectTimeout.components.seconds) s"
        }
        if let line = lastLine(with: "sudo: ") {
            return "user \(command.user) may not become root with `sudo -n` there: \(line)"
        }
        return said.lastLine ?? "ssh ended without a word"
    }

    private func denied(_ trouble: KeyTrouble?) -> String {
        let key = command.settings.identityFile
        if said.contains("UNPROTECTED PRIVATE KEY FILE") {
            return "the key \(key) can be read by others and is not used; set its mode to 0600"
        }
        switch trouble {
        case .passphrase:
            return "the key \(key) has a passphrase, and nobody is there to type it; use a key without one"
        case .unreadable(let why): return "the key \(key) cannot be used: \(why)"
        case nil: break
        }
        return "user \(command.user) is not let in with the key \(key); put its public half into that user's"
            + " authorized_keys"
    }

    /// "FILE:LINE" of the key that differs.
    private var offendingPlace: String? {
        guard let line = lastLine(with: "Offending "), let range = line.firstRange(of: " key in ") else { return nil }
        return String(line[range.upperBound...])
    }

    private func lastLine(with words: String) -> String? {
        said.split(whereSeparator: \.isNewline).last { $0.contains(words) }.map(String.init)
    }
}

extension OpenSSHCommand {
    /// What the node's key is filed under in known_hosts(5).
    var knownName: String {
        if let alias { return alias.rawValue }
        return address.port == 22 ? address.host : "[\(address.host)]:\(address.port)"
    }
}
