// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// The QOS that Slurm takes for a job that names none: the default of its association or of the next above it that has one,
/// the only QOS that the association permits, and `normal` otherwise (slurmctld's `assoc_mgr_get_default_qos_info`). What cannot
/// be told from the associations that accounting lists is not known.
struct UsualQOS {
    private let associations: [SlurmRecord]

    /// - Parameter associations: of one cluster: the person's, and those that are an account's.
    init(_ associations: [SlurmRecord]) { self.associations = associations }

    /// By account. One of which it is not known is left out, and one in which the person has associations with different
    /// defaults, one for each partition.
    func names(of user: UserName) -> [AccountName: QOSName] {
        var names: [AccountName: QOSName] = [:]
        var unclear: Set<AccountName> = []
        for association in associations where association.text("user") == user.rawValue {
            guard let account = association.text("account").flatMap(AccountName.init(rawValue:)) else { continue }
            guard let qos = name(association), names[account] ?? qos == qos else {
                unclear.insert(account)
                continue
            }
            names[account] = qos
        }
        return names.filter { !unclear.contains($0.key) }
    }

    private func name(_ association: SlurmRecord) -> QOSName? {
        if let own = said(association) { return QOSName(rawValue: own) }
        // A default may stand on every account up to the root: whoever does not see that has not seen that there is none.
        let above = defaultAbove(association)
        let permitted = association.words("qos")
        switch above {
        // Slurm hands it down, and says it of the association itself. Where it did not, it might take the only one.
        case .said(let name): return permitted.count == 1 && permitted[0] != name ? nil : QOSName(rawValue: name)
        case .unsaid: break
        case .unknown: return nil
        }
        if permitted.count == 1 { return QOSName(rawValue: permitted[0]) }
        return permitted.contains(UsualQOS.last) ? QOSName(rawValue: UsualQOS.last) : nil
    }

    /// Slurm's own last word. slurmdbd makes a QOS of this name, and who has permission for others alone gets no job by it.
    private static let last = "normal"

    private enum Default {
        case said(String)
        case unsaid
        /// An account on the way up is not listed.
        case unknown
    }

    private func defaultAbove(_ association: SlurmRecord) -> Default {
        var account = association.text("account")
        // As deep as Slurm's own trees of accounts, and never for ever.
        for _ in 0..<64 {
            guard let name = account,
                let next = associations.first(where: {
                    ($0.text("user") ?? "").isEmpty && $0.text("account") == name
                })
            else { return .unknown }
            if let qos = said(next) { return .said(qos) }
            if name == "root" { return .unsaid }
            account = next.text("parent_account")
        }
        return .unknown
    }

    private func said(_ association: SlurmRecord) -> String? {
        association.text("default.qos").flatMap { $0.isEmpty ? nil : $0 }
    }
}
