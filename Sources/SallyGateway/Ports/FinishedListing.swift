// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmClient
import SlurmModel

/// What accounting has of `FinishedJobs`, and what is missing.
package struct FinishedListing: Sendable {
    /// Of this cluster, by `clusters[].slurm_name`.
    package var jobs: [QueuedJob]
    /// Of other clusters that share the slurmdbd. Nobody is shown them; but where that name is set wrong they are this cluster's.
    package var elsewhere: [QueuedJob]
    /// Records that were too large to be read. Nobody knows what is in them, nor whose they are.
    package var passedOver: Int
    /// Jobs that are older than as many as were wanted.
    package var older: Int

    package init(jobs: [QueuedJob], elsewhere: [QueuedJob] = [], passedOver: Int = 0, older: Int = 0) {
        self.jobs = jobs
        self.elsewhere = elsewhere
        self.passedOver = passedOver
        self.older = older
    }
}

extension FinishedListing {
    /// - Parameter limit: the most jobs that are wanted, the newest: accounting lists them last.
    init(_ found: ListedRecords<AccountedJob>, limit: Int) {
        let here = found.elements.filter(\.isHere)
        self.init(
            jobs: here.suffix(limit).map(\.job), elsewhere: found.elements.filter { !$0.isHere }.map(\.job),
            passedOver: found.passedOver, older: max(0, here.count - limit))
    }
}

/// A job of accounting on its way in.
struct AccountedJob: Sendable {
    let job: QueuedJob
    /// Whether it is of this cluster.
    let isHere: Bool

    /// - Parameter slurmName: by what name accounting knows the cluster.
    init(_ job: AccountingJob, _ record: SlurmRecord, on cluster: ClusterName, slurmName: String) {
        // A component is found by what its record says.
        let isComponent = record.heterogeneous != nil
        self.job = QueuedJob(job, on: cluster, record: isComponent ? record.packed : [])
        isHere = record.isOf(slurmName)
    }
}
