// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
package import SallyModel

/// What locking, unlocking or removing users of a whole cluster came to.
package struct RemovalReport: Sendable, Equatable {
    /// Whom it was about, where, and who was left alone.
    package var plan: RemovalPlan
    /// What was done, by machine. Empty after a dry run.
    package var steps: [ClusterReport.UserStep] = []
    /// Users with jobs that have not ended. They are locked; the same command does the rest when the jobs have ended.
    package var waiting: [UserName: [JobID]] = [:]
    /// Of those to be removed, who is gone from every machine.
    package var removed: Set<UserName> = []
    /// Machines that were not reached or did not finish, and why. The same command again does the rest.
    package var failed: [NodeName: String] = [:]

    package var failures: [ClusterReport.UserStep] { steps.filter { $0.step.outcome == .failed } }
    package var isComplete: Bool {
        plan.conflicts.isEmpty && waiting.isEmpty && failures.isEmpty && failed.isEmpty
    }
}
