// SPDX-License-Identifier: Apache-2.0

extension APIVersion {
    /// Those of a job's states that this version has words for, in their order.
    package func sayable(jobStates states: [String]) -> [String] {
        guard !states.isEmpty, let slot = NounTable.job.slot("job_state") else { return states }
        return NounTable.job.fields[slot].sayable(.words(states), in: rawValue).words
    }
}
