// SPDX-License-Identifier: Apache-2.0

extension JobState {
    /// By the short word that squeue(1) shows for it, in any case (src/common/slurm_protocol_defs.c,
    /// `job_state_string_compact`).
    package init?(short text: String) {
        guard let state = JobState.shortWords[text.uppercased()] else { return nil }
        self = state
    }

    /// A base state, by its number (slurm/slurm.h, `enum job_states`).
    package init?(number: Int) {
        guard JobState.numbered.indices.contains(number) else { return nil }
        self = JobState.numbered[number]
    }

    private static let numbered: [JobState] = [
        .pending, .running, .suspended, .completed, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail,
        .deadline, .outOfMemory,
    ]

    private static let shortWords: [String: JobState] = [
        "PD": .pending, "R": .running, "S": .suspended, "CD": .completed, "CA": .cancelled, "F": .failed,
        "TO": .timeout, "NF": .nodeFail, "PR": .preempted, "BF": .bootFail, "DL": .deadline, "OOM": .outOfMemory,
        "CF": .configuring, "CG": .completing, "RD": .reservationDeleted, "RF": .requeueFederation,
        "RH": .requeueHold, "RQ": .requeued, "RS": .resizing, "RV": .revoked, "SE": .specialExit, "SI": .signaling,
        "SO": .stageOut, "ST": .stopped,
    ]
}
