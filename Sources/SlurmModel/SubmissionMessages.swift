// SPDX-License-Identifier: Apache-2.0

/// What Slurm says of a job that it took.
package struct SubmissionMessages: Sendable, Equatable, ExpressibleByArrayLiteral {
    /// Of a job_submit plugin, to the person (`job_submit_user_msg`); empty where there is none.
    package var plugin: String
    /// Of slurmctld, such as why the job waits.
    package var others: [String]

    package init(plugin: String, others: [String]) {
        self.plugin = plugin
        self.others = others
    }

    package init(arrayLiteral others: String...) { self.init(plugin: "", others: others) }

    /// In the order in which people read them.
    package var all: [String] { (plugin.isEmpty ? [] : [plugin]) + others }
}
