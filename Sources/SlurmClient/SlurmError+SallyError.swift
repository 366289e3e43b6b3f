// SPDX-License-Identifier: Apache-2.0

package import SallyModel

extension SlurmError {
    /// What a person sees. Slurm's number and text are always carried along.
    package func error(cluster: ClusterName) -> SallyError {
        switch self {
        case .refused(let refusal): return refusal.error(cluster: cluster, refusal.code)
        case .notOffered(let message, let hint):
            return SallyError(.unsupported, message, hint: hint)
        case .unreachable(let reason):
            return SallyError(
                .unavailable, "cluster \(cluster) does not answer", hint: "try again in a minute; running jobs run on",
                cause: "slurmrestd: \(reason)")
        case .noFreeConnection:
            return SallyError(
                .unavailable, "no connection to cluster \(cluster) became free in time",
                hint: "this one was not sent: try again")
        case .timeout(let fate):
            let hint =
                switch fate {
                case .neverSent: "nothing was sent: try again"
                case .maybeDone: "what became of the request is not known: look before you repeat it"
                }
            return SallyError(.timeout, "cluster \(cluster) did not answer in time", hint: hint)
        case .badReply(let status, let reason):
            return SallyError(
                .unavailable, "cluster \(cluster) gave an answer that cannot be read", hint: "try again in a minute",
                cause: "slurmrestd, status \(status.map(String.init) ?? "none"): \(reason)")
        case .authentication(let reason):
            return SallyError(
                .unavailable, "cluster \(cluster) does not accept the gateway's token",
                hint: "an administrator has to look at the signing key and the clocks: `sallyd config check --live`",
                cause: reason)
        case .noCommonVersion(let served):
            return SallyError(
                .misconfigured, "cluster \(cluster) serves no API version that this gateway speaks",
                hint: "an administrator has to look: `sallyd config check --live`",
                cause: "served: \(served.joined(separator: ", "))")
        }
    }
}

extension SlurmRefusal {
    /// Slurm's word on a submission that certainly left no job behind: then it is a refusal, whatever else it could have meant.
    package func settled(on cluster: ClusterName) -> SallyError {
        error(cluster: cluster, leavesOutcomeOpen ? .slurmRefused : code)
    }

    /// Slurm's own -1: no number of an error, but what a plugin says that refuses without a reason. An answer of slurmctld's that
    /// slurmrestd did not believe is told by the same.
    package var isUnexplained: Bool { number == -1 }

    fileprivate func error(cluster: ClusterName, _ code: SallyError.Code) -> SallyError {
        SallyError(code, "Slurm on \(cluster) refused: \(text) (\(number))", hint: hint, slurm: self)
    }

    /// Not a refusal: slurmrestd handed the request on, or may have, and understood no answer, as when slurmctld is too busy to
    /// answer within MessageTimeout. Slurm may have carried it out (slurm/slurm_errno.h: SLURM_COMMUNICATIONS_* and
    /// SLURMCTLD_COMMUNICATIONS_* but for those that say that no connection was made, SLURM_PROTOCOL_SOCKET_*; below them numbers
    /// of the system, or none). What 22.05 answers to an expired token is among them.
    package var leavesOutcomeOpen: Bool {
        switch number {
        case ...1000, 1002...1004, 1008, 1801...1803, 5000...5005: true
        default: false
        }
    }

    /// The class of Slurm's number (slurm/slurm_errno.h): what it means for the person who asked.
    var code: SallyError.Code {
        switch number {
        case 2017, 9003: .notFound
        case 2021, 2073, 2084, 2086: .conflict
        case 1804, 2070, 2105, 7000: .unavailable
        case 1001, 1800: .unavailable
        case _ where leavesOutcomeOpen: .unavailable
        case 1007, 6000, 6001, 9008: .unavailable
        case 2036: .unsupported
        default: .slurmRefused
        }
    }

    /// What to do next, where it is known or the number tells.
    var hint: String? {
        if let advice { return advice }
        return switch number {
        case -1:
            "a job_submit plugin of the cluster may refuse such jobs: its administrators see why in slurmctld's log"
        case 1001, 1800: "its slurmctld does not answer: try again in a minute; running jobs run on"
        case 1804: "too many requests reached slurmctld: try again in a moment"
        case 2015: "no node of that partition can satisfy the request as it is configured now: see `sally partitions`"
        case 2014: "no node has what was asked for: see `sally nodes`"
        case 2045: "the account is not yours on this cluster: see `sally whoami`, or ask an administrator"
        case 2050: "a limit of your association or QOS is reached: wait for jobs to end, or ask an administrator"
        case 2051: "see `sally partitions` for the longest time that is permitted"
        case 2105: "submissions are switched off on this cluster: try again later"
        default: nil
        }
    }
}
