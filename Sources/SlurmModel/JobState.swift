// SPDX-License-Identifier: Apache-2.0

/// A state of a job (squeue(1), JOB STATE CODES). A job has one base state and any number of flags.
package enum JobState: Sendable, Hashable, CustomStringConvertible {
    case pending, running, suspended, completed, cancelled, failed, timeout, nodeFail, preempted, bootFail, deadline
    case outOfMemory
    case configuring, completing, requeued, requeueHold, requeueFederation, specialExit, resizing, revoked, signaling
    case stageOut, stopped, reservationDeleted, launchFailed, powerUpNode, reconfigFail
    /// A state of a Slurm that is newer than this table.
    case other(String)

    package init(_ text: String) {
        let upper = text.uppercased()
        self = JobState.words[upper] ?? .other(upper)
    }

    package var description: String {
        switch self {
        case .pending: "PENDING"
        case .running: "RUNNING"
        case .suspended: "SUSPENDED"
        case .completed: "COMPLETED"
        case .cancelled: "CANCELLED"
        case .failed: "FAILED"
        case .timeout: "TIMEOUT"
        case .nodeFail: "NODE_FAIL"
        case .preempted: "PREEMPTED"
        case .bootFail: "BOOT_FAIL"
        case .deadline: "DEADLINE"
        case .outOfMemory: "OUT_OF_MEMORY"
        case .configuring: "CONFIGURING"
        case .completing: "COMPLETING"
        case .requeued: "REQUEUED"
        case .requeueHold: "REQUEUE_HOLD"
        case .requeueFederation: "REQUEUE_FED"
        case .specialExit: "SPECIAL_EXIT"
        case .resizing: "RESIZING"
        case .revoked: "REVOKED"
        case .signaling: "SIGNALING"
        case .stageOut: "STAGE_OUT"
        case .stopped: "STOPPED"
        case .reservationDeleted: "RESV_DEL_HOLD"
        case .launchFailed: "LAUNCH_FAILED"
        case .powerUpNode: "POWER_UP_NODE"
        case .reconfigFail: "RECONFIG_FAIL"
        case .other(let text): text
        }
    }

    private static let known: [JobState] = [
        .pending, .running, .suspended, .completed, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail,
        .deadline, .outOfMemory, .configuring, .completing, .requeued, .requeueHold, .requeueFederation, .specialExit,
        .resizing, .revoked, .signaling, .stageOut, .stopped, .reservationDeleted, .launchFailed, .powerUpNode,
        .reconfigFail,
    ]

    private static let words = Dictionary(uniqueKeysWithValues: known.map { ($0.description, $0) })
}

extension Array<JobState> {
    package var isPending: Bool { first == .pending }

    /// Holds resources, or did a moment ago.
    package var isRunning: Bool {
        first == .running || first == .suspended || contains(.completing) || contains(.configuring)
    }

    /// Ended for good: nothing of it will run. Unknown states are not taken for an end.
    package var isFinished: Bool {
        guard let first, !contains(.completing), !contains(.requeued), !contains(.requeueHold) else { return false }
        switch first {
        case .completed, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail, .deadline, .outOfMemory:
            return true
        default: return false
        }
    }
}
