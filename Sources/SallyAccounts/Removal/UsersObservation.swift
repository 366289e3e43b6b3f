// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

/// What one machine said about users of the managed record: the parsed answer of `UsersProbe`.
struct UsersObservation: Sendable, Equatable {
    /// passwd entries by name and by uid.
    var users: [String: NodeObservation.PasswdEntry] = [:]
    var owners: [UInt32: NodeObservation.PasswdEntry] = [:]
    /// When accounts expire, in days since 1970 (shadow(5)); who never does is missing.
    var expiry: [String: Int] = [:]
    /// That machine's day, in days since 1970.
    var today = 0
    /// Lines of the managed record, newest last. Only from the controller, as the associations.
    var records: [ManagedRecord] = []
    var associations: [String: Set<AccountName>] = [:]
    /// Who has a key to sign in with. Only from the machine that serves homes.
    var keys: Set<String> = []
    /// Which file system homes are on there.
    var marks = HomeMarks()

    init() {}

    /// - Throws: `SallyError(.unavailable)` when the answer is cut off or not of the probe's form; `.conflict` when the
    ///   managed record has a line that cannot be read.
    init(parsing text: String, node: NodeName) throws {
        var ended = false
        for fields in ReportLines.fields(text) {
            if fields == ["end"] {
                ended = true
            } else if try !take(fields) {
                throw SallyError(
                    .unavailable, "node \(node) answered the probe with something else",
                    cause: quoted(fields.joined(separator: " ")))
            }
        }
        guard ended else { throw SallyError(.unavailable, "the probe of node \(node) was cut off") }
    }

    /// The newest line of the record about `user`.
    func record(of user: UserName) -> ManagedRecord? { records.last { $0.user == user } }

    private mutating func take(_ fields: [String]) throws -> Bool {
        switch (fields[0], fields.count) {
        case ("user", 3):
            guard let entry = NodeObservation.PasswdEntry(fields[2]) else { return false }
            users[fields[1]] = entry
        case ("owner", 3):
            guard let uid = UInt32(fields[1]), let entry = NodeObservation.PasswdEntry(fields[2]) else { return false }
            owners[uid] = entry
        case ("expires", 3):
            // Anything but a number never expires (shadow(5) says nothing of it; getspnam(3) gives -1).
            if let day = Int(fields[2]), day >= 0 { expiry[fields[1]] = day }
        case ("today", 2):
            guard let day = Int(fields[1]) else { return false }
            today = day
        case ("record", 2): records.append(try ManagedRecord(line: fields[1]))
        case ("association", 3):
            guard let account = AccountName(rawValue: fields[2]) else { return true }
            associations[fields[1], default: []].insert(account)
        case ("key", 2): keys.insert(fields[1])
        case ("mark", 3): marks.ids[fields[1]] = fields[2]
        default: return false
        }
        return true
    }
}
