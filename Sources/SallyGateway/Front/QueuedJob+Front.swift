// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmModel
import StrictJSON

extension QueuedJob {
    /// The job as slurmrestd's `version` writes it: the whole record that Slurm gave, with the states that are known since,
    /// and without our marker. Of a job that Slurm took a moment ago, what we know.
    func inSlurmsWords(_ version: APIVersion) -> JSONValue {
        var record = SlurmRecord(packed: self.record) ?? known(version)
        record["job_state"] = .words(view.states)
        // What every list of the front shows; v0.0.38 has other names for it.
        record["show_flags"] = .words(["ALL", "DETAIL"])
        return record.withoutMarker("comment").json(version)
    }

    private func known(_ version: APIVersion) -> SlurmRecord {
        var record = SlurmRecord(.job, version: version)
        record["job_id"] = .integer(Int64(view.job.rawValue))
        record["name"] = .text(view.name)
        record["user_name"] = .text(view.user)
        record["account"] = .text(view.account)
        record["partition"] = .text(view.partition)
        record["cluster"] = .text(view.cluster.rawValue)
        if let time = view.submitted { record["submit_time"] = .integer(time.rawValue) }
        return record
    }
}
