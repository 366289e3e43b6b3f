// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// The QOS that Slurm takes for a job that names none: the default of its association or of the next above it that has one,
/// the only QOS that the association permits, and `normal` otherwise (slurmctld's `assoc_mgr_get_default_qos_info`).
struct UsualQOS {
    private let associations: [SlurmRecord]

    /// - Parameter associations: of one cluster: the person's, and those that are an account's.
    init(_ associations: [SlurmRecord]) { self.associations = associations }

    /// By account. One in which the person has associations with different defaults, one for each partition, is left out.
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
        var text = said(association)
        var account = association.text("account")
        // As deep as Slurm's own trees of accounts, and never for ever.
        for _ in 0..<64 where text == nil {
            guard
                let above = associations.first(where: {
                    ($0.text("user") ?? "").isEmpty && $0.text("account") == account
                })
            else { break }
            text = said(above)
            account = above.text("parent_account")
        }
        let permitted = association.words("qos")
        return QOSName(rawValue: text ?? (permitted.count == 1 ? permitted[0] : "normal"))
    }

    private func said(_ association: SlurmRecord) -> String? {
        association.text("default.qos").flatMap { $0.isEmpty ? nil : $0 }
    }
}
