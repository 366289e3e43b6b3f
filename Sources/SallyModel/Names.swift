// SPDX-License-Identifier: Apache-2.0

/// A name with a rule. Making one checks the rule; a value that exists is valid.
package protocol Name: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible, Codable
where RawValue == String {
    /// The noun for messages: `user name`, `cluster name`.
    static var noun: String { get }
    /// The rule for messages, such as `1-32 of a-z 0-9 _ -, a letter or _ first`.
    static var rule: String { get }
    init(unchecked rawValue: String)
    static func accepts(_ text: String) -> Bool
}

extension Name {
    package init?(rawValue: String) {
        guard Self.accepts(rawValue) else { return nil }
        self.init(unchecked: rawValue)
    }

    /// - Throws: `SallyError(.invalidRequest)` that names the noun, the text (shortened, escaped) and the rule.
    package init(_ text: String) throws {
        guard Self.accepts(text) else {
            throw SallyError(
                .invalidRequest, "\(Self.noun) \(quoted(text)) is not valid", hint: "\(Self.noun): \(Self.rule)")
        }
        self.init(unchecked: text)
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        try self.init(text)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package var description: String { rawValue }

    // Byte by byte: Swift's own comparison of text takes KELVIN SIGN for K, and an accent of its own for one that is part
    // of its letter (canonical equivalence, Unicode UAX #15), where providers, Slurm, SQL and file systems see two names.

    package static func == (left: Self, right: Self) -> Bool { haveSameBytes(left.rawValue, right.rawValue) }

    package func hash(into hasher: inout Hasher) { hashBytes(of: rawValue, into: &hasher) }

    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }
}

/// Whether two texts are the same to everybody else too: the same UTF-8.
package func haveSameBytes(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

func hashBytes(of text: String, into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
    hasher.combine(0xff as UInt8)  // in no UTF-8: tells "ab","c" from "a","bc"
}

/// Text as it may stand in a message: in double quotes, control and non-ASCII characters escaped, at most 64 characters.
package func quoted(_ text: String) -> String {
    var result = "\""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        if index == 64 {
            result += "…"
            break
        }
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case _ where scalar.value < 0x20 || scalar.value >= 0x7f: result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

extension String {
    /// Whether every byte is one of `bytes`, and there is at least one and at most `limit`.
    func consists(of bytes: (UInt8) -> Bool, limit: Int) -> Bool {
        !utf8.isEmpty && utf8.count <= limit && utf8.allSatisfy(bytes)
    }
}

func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7a }
func isUpper(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5a }
func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
func isDashOrUnderscore(_ byte: UInt8) -> Bool { byte == 0x2d || byte == 0x5f }

/// The name of an account on machines, in the portable form of useradd(8): never numeric, because Slurm takes a number
/// for a uid (Slurm, src/common/uid.c, uid_from_string), and never a name that belongs to the system.
package struct UserName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "user name"
    package static let rule =
        "1-32 characters of a-z 0-9 _ -, a letter or _ first, and not a system account such as root"

    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLower(first) || first == 0x5f else { return false }
        return text.consists(of: { isLower($0) || isDigit($0) || isDashOrUnderscore($0) }, limit: 32)
            && !reserved.contains(text)
    }

    /// Names that no person gets: Debian's and Slurm's system accounts, and our own.
    package static let reserved: Set<String> = [
        "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
        "backup", "list", "irc", "gnats", "nobody", "nogroup", "_apt", "systemd-network", "systemd-resolve",
        "systemd-timesync", "messagebus", "sshd", "munge", "mysql", "slurm", "slurmrestd", "slurmdbd", "slurmctld",
        "slurmd", "adm", "admin", "sudo", "wheel", "shadow", "utmp", "staff", "operator", "docker", "tty", "disk",
        "kvm",
        "polkitd", "sssd", "nslcd", "postgres", "ubuntu", "debian", "ec2-user", "all", "default", "sallyport", "sallyd",
    ]
}

/// A Slurm cluster as sallyd's configuration names it.
package struct ClusterName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "cluster name"
    package static let rule = "1-40 characters of a-z 0-9 -, a letter first"
    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLower(first) else { return false }
        return text.consists(of: { isLower($0) || isDigit($0) || $0 == 0x2d }, limit: 40)
    }
}

/// A machine of a cluster, as Slurm's NodeName.
package struct NodeName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "node name"
    package static let rule = "1-64 characters of A-Z a-z 0-9 - _ ., a letter or digit first"
    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLower(first) || isUpper(first) || isDigit(first) else { return false }
        return text.consists(
            of: { isLower($0) || isUpper($0) || isDigit($0) || isDashOrUnderscore($0) || $0 == 0x2e }, limit: 64)
    }
}

func isSlurmName(_ text: String, limit: Int) -> Bool {
    guard let first = text.utf8.first, first != 0x2d else { return false }
    return text.consists(
        of: { isLower($0) || isUpper($0) || isDigit($0) || isDashOrUnderscore($0) || $0 == 0x2e }, limit: limit)
}

/// A partition of slurm.conf(5). Slurm compares partitions with their case.
package struct PartitionName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "partition"
    package static let rule = "1-64 characters of A-Z a-z 0-9 - _ ., no - first"
    package static func accepts(_ text: String) -> Bool { isSlurmName(text, limit: 64) }
}

/// An account of sacctmgr(1), always in lower case, as slurmctld makes it.
package struct AccountName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue.lowercased() }
    package static let noun = "account"
    package static let rule = "1-64 characters of a-z 0-9 - _ ., no - first"
    package static func accepts(_ text: String) -> Bool { isSlurmName(text, limit: 64) }
}

/// A QOS of sacctmgr(1), in lower case.
package struct QOSName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue.lowercased() }
    package static let noun = "QOS"
    package static let rule = "1-64 characters of a-z 0-9 - _ ., no - first"
    package static func accepts(_ text: String) -> Bool { isSlurmName(text, limit: 64) }
}

/// A reservation of scontrol(1).
package struct ReservationName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "reservation"
    package static let rule = "1-64 characters of A-Z a-z 0-9 - _ ., no - first"
    package static func accepts(_ text: String) -> Bool { isSlurmName(text, limit: 64) }
}

/// A profile of the steward's own file: which groups, Slurm accounts, shell and home an account gets.
package struct ProfileName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "profile"
    package static let rule = "1-40 characters of a-z 0-9 -, a letter first"
    package static func accepts(_ text: String) -> Bool { ClusterName.accepts(text) }
}

/// A group as a person has it: `source:name`, where the source is an identity provider of the configuration or `local`.
package struct GroupName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "group"
    package static let rule = "SOURCE:NAME, such as okta:hpc-users, at most 256 printable characters"
    package static func accepts(_ text: String) -> Bool {
        guard let colon = text.utf8.firstIndex(of: 0x3a) else { return false }
        let source = text[..<colon]
        let name = text[text.utf8.index(after: colon)...]
        return ClusterName.accepts(String(source)) && !name.isEmpty && text.utf8.count <= 256
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
    /// Cut where `accepts` cuts: at the first byte that is a colon, whatever combines with it.
    package var source: String { String(decoding: rawValue.utf8.prefix { $0 != 0x3a }, as: UTF8.self) }
}

/// The name of an account on a machine, whoever made it: also root and the names of a site's directory.
package struct LoginName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "user"
    package static let rule = "1-64 characters of A-Z a-z 0-9 - _ . @, a letter or _ first"

    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) || first == 0x5f, text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "-_.@".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    package static let root = LoginName(unchecked: "root")
}

/// An address or a host's name, as ssh(1) takes it, and nothing that it could take for an option.
package struct HostAddress: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "address"
    package static let rule =
        "an address or a host's name, at most 253 characters of A-Z a-z 0-9 - . _ : %, no - or . first"

    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 253, first != 0x2d, first != 0x2e else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || "-._:%".utf8.contains($0)
        }
    }
}
