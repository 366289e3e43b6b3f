// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// An account as it should be.
package struct DesiredAccount: Sendable, Equatable {
    package var name: UserName
    /// uid, and gid of the group of the same name.
    package var uid: UserID
    package var profile: ProfileName
    package var gecos: String
    package var home: String
    package var shell: String
    /// Unix groups besides its own. They exist already and are not privileged.
    package var groups: [String]
    /// Slurm accounts, the default first.
    package var accounts: [AccountName]
    /// Whether a home that is there already, of the uid, becomes the account's, though nobody knows it.
    package var adoptsHome = false
    package var expiry = Expiry.unchanged

    /// shadow(5): the day on which nobody can sign in any more.
    package enum Expiry: Sendable, Equatable {
        /// As it is. An account that a run was to make and did not come to its end with gets the day of that run; any other that
        /// is new never expires.
        case unchanged
        /// For accounts that are made now.
        case atFirst(ExpiryDay)
        case always(ExpiryDay)
    }

    package init(
        name: UserName, uid: UserID, profile: ProfileName, gecos: String, home: String, shell: String, groups: [String],
        accounts: [AccountName]
    ) {
        self.name = name
        self.uid = uid
        self.profile = profile
        self.gecos = gecos
        self.home = home
        self.shell = shell
        self.groups = groups
        self.accounts = accounts
    }

    /// - Throws: `SallyError(.misconfigured)` for what cannot be written into passwd(5) or given to a person.
    package func check() throws {
        for path in [home, shell] {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            guard path.hasPrefix("/"), path.utf8.count <= 200, path.utf8.allSatisfy(isPathByte),
                parts.count >= 2, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
            else {
                throw SallyError(
                    .misconfigured, "\(quoted(path)) of profile \(profile) cannot be a home or shell",
                    hint: "two parts at least, of A-Z a-z 0-9 . _ -")
            }
        }
        guard gecos.utf8.count <= 100, !gecos.isEmpty, gecos.utf8.allSatisfy({ isPathByte($0) || $0 == 0x20 }) else {
            throw SallyError(.misconfigured, "full name \(quoted(gecos)) is not of A-Z a-z 0-9 . _ - / and spaces")
        }
        for group in groups {
            guard UserName.accepts(group), !PrivilegedGroups.names.contains(group) else {
                throw SallyError(
                    .misconfigured, "group \(quoted(group)) of profile \(profile) is privileged or not a group name",
                    hint: "people get no group that can become root or read other people's data")
            }
        }
    }
}

/// Days since 1970-01-01 in UTC, as shadow(5) counts them: on that day the account has expired.
package struct ExpiryDay: Sendable, Hashable {
    package var days: Int
    package init(days: Int) { self.days = days }

    /// The first day that begins no earlier than `moment`.
    package init(notBefore moment: Timestamp) {
        let day: Int64 = 86_400
        days = Int((moment.rawValue + day - 1) / day)
    }
}

func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2e, 0x2f, 0x5f, 0x2d: true
    default: false
    }
}

/// Groups whose members can become root, read devices or stop the scheduler.
package enum PrivilegedGroups {
    package static let names: Set<String> = [
        "root", "sudo", "wheel", "adm", "admin", "docker", "podman", "lxd", "libvirt", "libvirt-qemu", "kvm", "disk",
        "shadow", "slurm", "slurmrestd", "munge", "mysql", "systemd-journal", "kmem", "tty", "staff", "daemon", "bin",
        "sys", "utmp", "crontab", "ssh", "_ssh", "sallyport",
    ]
}
