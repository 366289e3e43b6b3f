// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// A user of a cluster's managed record, as `sally cluster users list` says it.
package struct ClusterUser: Sendable, Equatable, Codable {
    package var user: UserName
    package var uid: UserID
    package var profile: ProfileName
    package var origin: ManagedRecord.Origin
    package var state: State
    /// The day from which the account is of no use, as 2026-11-30; nil where there is none, or where a lock decides.
    package var expires: String?
    /// Machines that were looked at and lack the account.
    package var missing: [NodeName]
    package var accounts: [AccountName]
    /// Whether there is a key to sign in with from outside; nil where the machine that serves homes was not looked at.
    package var key: Bool?

    package enum State: String, Sendable, Codable {
        case active
        case locked
        /// Since `expires`.
        case expired
        case removed
    }

    /// - Parameters:
    ///   - observed: what the machines said that were looked at; the controller is one of them.
    static func list(_ observed: [NodeName: UsersObservation], layout: ClusterLayout) -> [ClusterUser] {
        guard let controller = observed[layout.controller] else { return [] }
        var newest: [UserName: ManagedRecord] = [:]
        for record in controller.records { newest[record.user] = record }
        return newest.values.sorted { $0.user < $1.user }.map { record in
            let name = record.user.rawValue
            let day = controller.expiry[name].flatMap { $0 > 1 ? $0 : nil }
            let state: State =
                switch record.state {
                case .removed: .removed
                case .locked: .locked
                case .active: day.map { $0 <= controller.today } == true ? .expired : .active
                }
            let missing = layout.accountNodes.filter { node in
                observed[node].map { $0.users[name]?.uid != record.uid.rawValue } ?? false
            }
            return ClusterUser(
                user: record.user, uid: record.uid, profile: record.profile, origin: record.origin, state: state,
                expires: record.state == .active ? day.map(calendarDay) : nil,
                missing: state == .removed ? [] : missing,
                accounts: controller.associations[name, default: []].sorted(),
                key: observed[layout.homeServer].map { $0.keys.contains(name) })
        }
    }
}

/// The day that is so many days after 1970-01-01, as 2026-11-30.
func calendarDay(_ days: Int) -> String {
    var year = 1970
    var rest = days
    let isLeap = { (year: Int) in year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    // 400 years have 146,097 days.
    year += rest / 146_097 * 400
    rest %= 146_097
    while rest >= (isLeap(year) ? 366 : 365) {
        rest -= isLeap(year) ? 366 : 365
        year += 1
    }
    var month = 1
    for length in [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        guard rest >= length else { break }
        rest -= length
        month += 1
    }
    let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(two(month))-\(two(rest + 1))"
}
