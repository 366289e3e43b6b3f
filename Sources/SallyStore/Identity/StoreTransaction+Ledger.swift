// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension StoreTransaction {
    /// A user name and a uid that were never given, recorded as given for ever.
    /// - Throws: `SallyError(.limitExceeded)` when every uid of `range` was given.
    func giveAccount(wish: String, uids range: ClosedRange<UInt32>) throws -> Account {
        let name = try NameProposal(wish: wish).firstFree { candidate in
            try row("SELECT name FROM given_names WHERE name = ?", [.text(candidate.rawValue)]) != nil
        }
        let uid = try freeUID(range)
        try execute(
            "INSERT INTO given_names (name, given) VALUES (?, ?)", [.text(name.rawValue), .integer(now.rawValue)])
        try execute(
            "INSERT INTO given_uids (uid, given) VALUES (?, ?)",
            [.integer(Int64(uid.rawValue)), .integer(now.rawValue)])
        return Account(name: name, uid: uid)
    }

    /// The next after the largest that was given in the range; at its end the smallest that never was. 65534 and 65535 are
    /// left out (`UserID`).
    private func freeUID(_ range: ClosedRange<UInt32>) throws -> UserID {
        let given = try row(
            "SELECT MAX(uid) AS uid FROM given_uids WHERE uid BETWEEN ? AND ?", SQLValue.bounds(range))
        let next = given?.integerIfAny("uid").map { $0 + 1 } ?? Int64(range.lowerBound)
        for candidate in [next, Int64(range.lowerBound)] {
            if let uid = try smallestFreeUID(from: candidate, to: Int64(range.upperBound)) { return uid }
        }
        throw SallyError(
            .limitExceeded, "every uid from \(range.lowerBound) to \(range.upperBound) was given to somebody",
            hint: "an administrator has to widen the uid range; uids are never given twice")
    }
    private func smallestFreeUID(from lower: Int64, to upper: Int64) throws -> UserID? {
        guard lower <= upper else { return nil }
        let given = try rows(
            "SELECT uid FROM given_uids WHERE uid BETWEEN ? AND ? ORDER BY uid", [.integer(lower), .integer(upper)])
        var next = lower
        for row in given {
            let taken = try row.integer("uid")
            if let uid = UserID(next, below: taken) { return uid }
            next = taken + 1
        }
        return UserID(next, below: upper + 1)
    }
}

extension UserID {
    /// The first permitted uid from `start` on that is below `end`.
    fileprivate init?(_ start: Int64, below end: Int64) {
        var number = start
        while number < end {
            if let uid = UInt32(exactly: number).flatMap({ UserID(rawValue: $0) }) {
                self = uid
                return
            }
            number += 1
        }
        return nil
    }
}

extension SQLValue {
    fileprivate static func bounds(_ range: ClosedRange<UInt32>) -> [SQLValue] {
        [.integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound))]
    }
}
