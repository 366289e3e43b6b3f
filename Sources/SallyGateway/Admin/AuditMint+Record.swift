// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyPolicy
import SallyStore

extension AuditMint {
    /// What the signer wrote down, with the action that has to have paid for it.
    init(_ record: MintRecord) {
        self.init(
            position: record.position, cluster: record.cluster, user: record.user, purpose: record.purpose,
            payer: Payer(purpose: record.purpose), time: record.time)
    }
}

extension AuditMint.Payer {
    /// - Parameter purpose: `MintPurpose` or `ServicePurpose`. The signer has no purpose twice.
    init(purpose: String) {
        if let purpose = MintPurpose(rawValue: purpose) {
            switch purpose {
            case .submit: self = .person(action: Submit.name)
            case .cancel: self = .person(action: Cancel.name)
            case .update: self = .person(action: UpdateJob.name)
            case .read: self = .person(action: ReadOwnJobs.name)
            }
        } else if let purpose = ServicePurpose(rawValue: purpose) {
            switch purpose {
            case .cancelLeaverJob: self = .system(action: SystemAction.cancelLeaverJobName)
            case .holdLeaverJob: self = .system(action: SystemAction.holdLeaverJobName)
            case .readQueue, .readAccounting: self = .none
            }
        } else {
            self = .none
        }
    }
}
