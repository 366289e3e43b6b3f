// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol
package import SallyModel

/// What making users on a whole cluster came to.
package struct ClusterReport: Sendable, Equatable {
    /// Everybody that was asked for and has no conflict, with the uid.
    package var accounts: [DesiredAccount] = []
    /// What was to be done on each machine.
    package var plan = AccountPlan()
    /// What was done, by machine. Empty after a dry run.
    package var steps: [UserStep] = []
    /// Machines that were not reached or did not finish, and why. The same command again does the rest.
    package var failed: [NodeName: String] = [:]

    /// One step on one machine; `user` is nil for what concerns everybody.
    package struct UserStep: Sendable, Equatable {
        package var user: String?
        package var step: KeeperReport.Step
    }

    package var failures: [UserStep] { steps.filter { $0.step.outcome == .failed } }
    package var isComplete: Bool { plan.conflicts.isEmpty && failures.isEmpty && failed.isEmpty }
}
