// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import SallyModel
package import SallyPolicy
import SlurmModel
import StrictJSON

extension SlurmClient {
    /// Cancels or holds the pending job of somebody who left, as the action says.
    package func endLeaverJob(_ action: Authorized<SystemAction>, token: SlurmToken) async throws(SlurmError) {
        switch action.action {
        case .cancelLeaverJob(_, let job, let user): try await cancelPending(job, of: user, token: token)
        case .holdLeaverJob(_, let job, _): try await hold(job, token: token)
        case .readQueue, .readAccounting, .checkReady:
            throw .badReply(status: nil, reason: "a read is not for ending jobs")
        }
    }

    /// Cancels what of the job is waiting, and leaves what runs alone, also when it starts in this very moment.
    private func cancelPending(_ job: JobID, of user: UserName, token: SlurmToken) async throws(SlurmError) {
        try await served(token) { version throws(SlurmError) in
            let now = try await call(.GET, "/slurm/\(version)/job/\(job)", version, token, limit: Bound.large)
            if let refusal = now.refusal {
                if refusal.number == 2017 { return }
                throw .refused(refusal)
            }
            let parts = try believed { () throws(SlurmReply.Malformed) in try now.jobs() }.filter {
                !$0.states.isFinished
            }
            guard parts.allSatisfy({ $0.user == user.rawValue }) else {
                throw .badReply(status: nil, reason: "job \(job) is not \(user)'s")
            }
            guard parts.contains(where: \.states.isPending) else { return }
            guard version.cancelsLists else {
                // v0.0.38 can only cancel an array whole: where some of it runs, the rest is held.
                if parts.allSatisfy(\.states.isPending) {
                    return try await kill(JobTarget(job: job), number: job, signal: nil, flags: [], token: token)
                }
                return try await hold(job, token: token)
            }
            let body: JSONValue = ["jobs": [.string("\(job)")], "job_state": ["PENDING"]]
            let reply = try await call(.DELETE, "/slurm/\(version)/jobs/", version, token, body: body.bytes())
            if let refusal = reply.refusal { throw .refused(refusal) }
            // 2172: it is not pending any more; 2021, 2084: it ended.
            let failures = try believed { () throws(SlurmReply.Malformed) in try reply.cancellations() }
            for refusal in failures.compactMap(\.refusal) where ![2172, 2021, 2084].contains(refusal.number) {
                throw .refused(refusal)
            }
        }
    }

    /// Held when it says so itself: for an array 22.05.8 reports a failure although it held it.
    private func hold(_ job: JobID, token: SlurmToken) async throws(SlurmError) {
        try await served(token) { version throws(SlurmError) in
            let body: JSONValue = ["hold": true]
            let reply = try await call(.POST, "/slurm/\(version)/job/\(job)", version, token, body: body.bytes())
            let now = try await call(.GET, "/slurm/\(version)/job/\(job)", version, token, limit: Bound.large)
            if let refusal = now.refusal { throw .refused(refusal) }
            let jobs = try believed { () throws(SlurmReply.Malformed) in try now.jobs() }
            let waiting = jobs.filter { $0.states.isPending }
            guard waiting.allSatisfy({ $0.isHeld == true }) else {
                throw reply.refusal.map { SlurmError.refused($0) }
                    ?? .badReply(status: nil, reason: "the job is not held although no error says so")
            }
        }
    }

    /// Parts are sent as they are spelled: slurmctld takes an array's number for all of its tasks.
    ///
    /// - Throws: `.notOffered` where the version cannot say what is wanted (v0.0.38 takes one number and a signal).
    func kill(
        _ which: JobTarget, number: JobID?, signal: String?, flags: Set<CancelFlag>, token: SlurmToken
    ) async throws(SlurmError) {
        try await served(token) { version throws(SlurmError) in
            if version.takesOptions {
                guard let number, flags.isEmpty else {
                    throw .notOffered(
                        message: flags.isEmpty
                            ? "the Slurm of this cluster has no number for \(which) by itself"
                            : "the Slurm of this cluster takes no flags with a signal",
                        hint: flags.isEmpty ? "end all of job \(which.job), or wait until it has started" : nil)
                }
                // 22.05.8 takes the number of an array alone, and for all of it. A task is taken as it is spelled where it has
                // another number; where it has its array's, that would end all of the array, too.
                let spelled = if case .task = which.part, number != which.job { "\(which)" } else { "\(number)" }
                let query = signal.map { "?signal=\($0)" } ?? ""
                let reply = try await call(.DELETE, "/slurm/\(version)/job/\(spelled)\(query)", version, token)
                if let refusal = reply.refusal { throw .refused(refusal) }
            } else {
                // DELETE /job/ID lies (200, no error, the job lives on); DELETE /jobs says for each job what became of it.
                let reply = try await call(
                    .DELETE, "/slurm/\(version)/jobs/", version, token, body: order(which, signal, flags).bytes())
                if let refusal = reply.refusal { throw .refused(refusal) }
                // 2172: it is not pending any more; 2021, 2084: it ended. Of an array those tasks are listed that have ended before
                // (24.11.5): whoever asks for all of it looks whether something is left.
                let passed =
                    switch which.part {
                    case .waiting: [2172, 2021, 2084]
                    case nil: [2021, 2084]
                    case .task, .component: [Int]()
                    }
                // Only failures are listed: an empty list, not a missing one, says that all is done (24.11.5).
                for answer in try believed({ () throws(SlurmReply.Malformed) in try reply.cancellations() }) {
                    if let refusal = answer.refusal, !passed.contains(refusal.number) { throw .refused(refusal) }
                }
            }
        }
    }

    /// `KILL_JOBS_MSG`.
    private func order(_ which: JobTarget, _ signal: String?, _ flags: Set<CancelFlag>) -> JSONValue {
        let isWaiting = which.part == .waiting
        var body: [(String, JSONValue)] = [
            ("jobs", .array([.string(isWaiting ? "\(which.job)" : "\(which)")]))
        ]
        if isWaiting { body.append(("job_state", ["PENDING"])) }
        if let signal { body.append(("signal", .string(signal))) }
        if !flags.isEmpty { body.append(("flags", .array(flags.map(\.rawValue).sorted().map(JSONValue.string)))) }
        return .object(JSONObject(body))
    }
}
