// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// What one machine said about accounts: the parsed answer of `ProbeScript`.
package struct NodeObservation: Sendable, Equatable {
    /// passwd entries by name and by uid, as getent(1) finds them.
    package var users: [String: PasswdEntry] = [:]
    package var owners: [UInt32: PasswdEntry] = [:]
    /// Users whose shell is not there, or no program.
    package var shellless: Set<String> = []
    /// The uids of which it was asked who has them, as users and as groups.
    package var asked: Set<UInt32> = []
    /// Group names by the gid they have; gids by name.
    package var groupNames: [UInt32: String] = [:]
    package var groupIDs: [String: UInt32] = [:]
    /// All groups of a user, by name of the user: name and gid.
    package var memberships: [String: [Group]] = [:]
    /// Users whose shadow(5) entry has expired.
    package var expired: Set<String> = []
    /// The day of it, where there is one.
    package var expiry: [String: ExpiryDay] = [:]
    /// The day that an account was to get by a run that was ended before. Only from the controller.
    package var expiring: [String: ExpiryDay] = [:]
    /// What lies where a home should be.
    package var homes: [String: HomeState] = [:]
    /// Other folders beside the home that belong to the uid.
    package var strayHomes: [UInt32: [String]] = [:]
    /// Lines of the managed record that have the name or the uid, newest last. Only from the controller.
    package var records: [ManagedRecord] = []
    /// Everybody of the managed record who was not removed, where the probe was asked for them. Only from the controller.
    package var standing: Set<UserName> = []
    /// Who Slurm's daemons run as, SlurmUser and SlurmdUser of slurm.conf(5): uid by name. Only from the controller.
    package var daemons: [String: UInt32] = [:]
    /// Whether Slurm takes jobs of users with an association alone (slurm.conf(5), AccountingStorageEnforce).
    package var enforcesAssociations = false
    /// AdminLevel by user. Only from the controller; a user that Slurm does not know is missing.
    package var adminLevels: [String: String] = [:]
    /// Every uid and gid that somebody has or had there, where the probe was asked for them.
    package var taken: Set<UInt32> = []
    /// Uids and gids of somebody's containers, of those that the probe was asked for.
    package var subordinate: [SubordinateRange] = []
    /// Slurm accounts by user.
    package var associations: [String: Set<AccountName>] = [:]

    /// Type and base64 of each key of the machine's sshd, and the addresses that it has.
    package var hostKeys: [String] = []
    package var addresses: Set<String> = []
    /// Lines of ours in ssh_known_hosts.
    package var knownHosts: Set<String> = []
    /// What is in ~/.ssh, by home. Only from the machine that serves homes.
    package var ssh: [String: SSHState] = [:]
    /// Which file systems homes are on there.
    package var marks = HomeMarks()
    /// What lies where scratch folders and links belong.
    package var paths: [String: PathState] = [:]

    package init() {}

    /// A path as find(1) sees it: `d`, `l` and so on, and where a link leads.
    package struct PathState: Sendable, Equatable {
        package var kind: String
        package var owner: UInt32
        package var target: String
    }

    package struct PasswdEntry: Sendable, Equatable {
        package var name: String
        package var uid: UInt32
        package var gid: UInt32
        package var gecos: String
        package var home: String
        package var shell: String
        package init(name: String, uid: UInt32, gid: UInt32, gecos: String, home: String, shell: String) {
            self.name = name
            self.uid = uid
            self.gid = gid
            self.gecos = gecos
            self.home = home
            self.shell = shell
        }
    }

    package struct Group: Sendable, Equatable {
        package var name: String
        package var gid: UInt32
        package init(name: String, gid: UInt32) {
            self.name = name
            self.gid = gid
        }
    }

    package enum HomeState: Sendable, Equatable {
        case folder(owner: UInt32)
        /// A link, a file, anything else: `stat -c %F`.
        case other(String)
    }

    /// - Throws: `SallyError(.unavailable)` when the answer is cut off or not of the probe's form.
    package init(parsing text: String, node: NodeName) throws {
        var ended = false
        for fields in ReportLines.fields(text) {
            if fields == ["end"] {
                ended = true
            } else if !take(fields) {
                throw SallyError(
                    .unavailable, "node \(node) answered the probe with something else",
                    cause: quoted(fields.joined(separator: " ")))
            }
        }
        guard ended else { throw SallyError(.unavailable, "the probe of node \(node) was cut off") }
    }

    /// The newest line of the record about `user`.
    package func record(of user: UserName) -> ManagedRecord? { records.last { $0.user == user } }

    /// Adds what the same machine said of uids afterwards (`ProbeScript.uids`).
    mutating func add(_ later: NodeObservation) {
        owners.merge(later.owners) { $1 }
        asked.formUnion(later.asked)
        groupNames.merge(later.groupNames) { $1 }
        groupIDs.merge(later.groupIDs) { $1 }
        homes.merge(later.homes) { $1 }
        strayHomes.merge(later.strayHomes) { $1 }
        subordinate += later.subordinate
        if !later.records.isEmpty { records = later.records }
    }

    private mutating func take(_ fields: [String]) -> Bool {
        switch (fields[0], fields.count) {
        case ("user", 3):
            guard let entry = PasswdEntry(fields[2]) else { return false }
            users[fields[1]] = entry
        case ("shellless", 2): shellless.insert(fields[1])
        case ("owner", 3):
            guard let uid = UInt32(fields[1]), let entry = PasswdEntry(fields[2]) else { return false }
            owners[uid] = entry
        case ("asked", 2):
            guard let uid = UInt32(fields[1]) else { return false }
            asked.insert(uid)
        case ("group", 3):
            guard let gid = UInt32(fields[2]) else { return false }
            groupNames[gid] = fields[1]
            groupIDs[fields[1]] = gid
        case ("member", 4):
            guard let gid = UInt32(fields[3]) else { return false }
            memberships[fields[1], default: []].append(Group(name: fields[2], gid: gid))
        case ("expired", 2): expired.insert(fields[1])
        case ("expiry", 3):
            guard let days = Int(fields[2]) else { return false }
            expiry[fields[1]] = ExpiryDay(days: days)
        case ("expiring", 3):
            guard let days = Int(fields[2]) else { return false }
            expiring[fields[1]] = ExpiryDay(days: days)
        case ("home", 4):
            if fields[2] == "directory", let owner = UInt32(fields[3]) {
                homes[fields[1]] = .folder(owner: owner)
            } else {
                homes[fields[1]] = .other(fields[2])
            }
        case ("stray", 3):
            guard let uid = UInt32(fields[1]) else { return false }
            strayHomes[uid, default: []].append(fields[2])
        case ("record", 2):
            guard let record = try? ManagedRecord(line: fields[1]) else { return false }  // reported by the caller
            records.append(record)
        case ("standing", 2):
            guard let user = UserName(rawValue: fields[1]) else { return false }
            standing.insert(user)
        case ("taken", 2):
            guard let uid = UInt32(fields[1]) else { return false }
            taken.insert(uid)
        case ("subordinate", 4):
            guard let first = UInt32(fields[1]), let last = UInt32(fields[2]), first <= last else { return false }
            subordinate.append(SubordinateRange(ids: first...last, owner: fields[3]))
        case ("daemon", 3):
            guard let uid = UInt32(fields[2]) else { return false }
            daemons[fields[1]] = uid
        case ("enforced", 1): enforcesAssociations = true
        case ("admin", 3): adminLevels[fields[1]] = fields[2]
        case ("hostkey", 2): if KnownHosts.isKey(fields[1]) { hostKeys.append(fields[1]) }
        case ("address", 2):
            if !fields[1].contains("/"), Network(fields[1]) != nil { addresses.insert(fields[1]) }
        case ("known", 2): knownHosts.insert(fields[1])
        case ("ssh", 5):
            guard fields[1].hasSuffix("/.ssh"), let owner = UInt32(fields[3]) else { return false }
            let home = String(fields[1].dropLast(5))
            ssh[home, default: SSHState()].kind = fields[2]
            ssh[home, default: SSHState()].owner = owner
            ssh[home, default: SSHState()].mode = fields[4]
        case ("sshkey", 2): ssh[String(fields[1].dropLast(5)), default: SSHState()].hasKey = true
        case ("unread", 2): ssh[fields[1], default: SSHState()].isUnread = true
        case ("authorized", 3): ssh[String(fields[1].dropLast(5)), default: SSHState()].marked.insert(fields[2])
        case ("mark", 3): marks.ids[fields[1]] = fields[2]
        case ("path", 6):
            guard let owner = UInt32(fields[3]) else { return false }
            paths[fields[1]] = PathState(kind: fields[2], owner: owner, target: fields[5])
        case ("association", 3):
            guard let account = AccountName(rawValue: fields[2]) else { return true }
            associations[fields[1], default: []].insert(account)
        default: return false
        }
        return true
    }
}

extension NodeObservation.PasswdEntry {
    /// A line of passwd(5).
    init?(_ line: String) {
        let fields = ReportLines.pieces(line, at: 0x3a)
        guard fields.count == 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
        self.init(name: fields[0], uid: uid, gid: gid, gecos: fields[4], home: fields[5], shell: fields[6])
    }
}
