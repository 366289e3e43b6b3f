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
            let body: JSONValue = ["jobs": [.string("\(job)")], "job_state": ["PENDING"]]
            guard version.cancelsLists, let reply = try await endList(body, version, token) else {
                // By its number an array can only be cancelled whole: where some of it runs, the rest is held.
                if parts.allSatisfy(\.states.isPending) {
                    return try await kill(JobTarget(job: job), number: job, signal: nil, flags: [], token: token)
                }
                return try await hold(job, token: token)
            }
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
    /// - Throws: `.notOffered` where Slurm cannot be told what is wanted (v0.0.38, and v0.0.40 before 23.11.6, take one number and a
    ///   signal).
    func kill(
        _ which: JobTarget, number: JobID?, signal: String?, flags: Set<CancelFlag>, token: SlurmToken
    ) async throws(SlurmError) {
        try await served(token) { version throws(SlurmError) in
            if version.takesOptions {
                let single = try alone(number, which, flags)
                // 22.05.8 takes the number of an array alone, and for all of it. A task is taken as it is spelled where it has
                // another number; where it has its array's, that would end all of the array, too.
                let spelled = if case .task = which.part, single != which.job { "\(which)" } else { "\(single)" }
                let query = signal.map { "?signal=\($0)" } ?? ""
                let reply = try await call(.DELETE, "/slurm/\(version)/job/\(spelled)\(query)", version, token)
                if let refusal = reply.refusal { throw .refused(refusal) }
            } else {
                // DELETE /job/ID lies (200, no error, the job lives on); DELETE /jobs says for each job what became of it.
                guard let reply = try await endList(order(which, signal, flags), version, token) else {
                    return try await endByNumber(
                        which, try alone(number, which, flags), signal, version, token)
                }
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

    /// The answer to `KILL_JOBS_MSG`; nil where the daemon has no such path: v0.0.40 has it since Slurm 23.11.6. Then nothing was
    /// done.
    private func endList(
        _ body: JSONValue, _ version: APIVersion, _ token: SlurmToken
    ) async throws(SlurmError) -> SlurmReply? {
        let reply: SlurmReply
        do throws(SlurmError) {
            reply = try await call(.DELETE, "/slurm/\(version)/jobs/", version, token, body: body.bytes())
        } catch {
            guard version.mayLackLists, case .badReply(let status?, _) = error, [404, 405].contains(status) else {
                throw error
            }
            return nil
        }
        // 9000: the query is not valid, such as its method. 9006, 9007: there is no such path, or not with this method.
        let isMissing = reply.refusal.map { [9000, 9006, 9007].contains($0.number) } ?? false
        return version.mayLackLists && isMissing ? nil : reply
    }

    /// `DELETE /job/NUMBER` of Slurm 23.11.0 to 23.11.5, and then a look at the job: later versions answer 200 to what they refused.
    ///
    /// - Parameter number: of nothing else. What follows a number these versions cut off: `7_3` would end all of array 7
    ///   (src/plugins/openapi/slurmctld/jobs.c).
    private func endByNumber(
        _ which: JobTarget, _ number: JobID, _ signal: String?, _ version: APIVersion, _ token: SlurmToken
    ) async throws(SlurmError) {
        let path = "/slurm/\(version)/job/\(number)"
        let query = signal.map { "?signal=\($0)" } ?? ""
        let reply = try await call(.DELETE, path + query, version, token)
        if let refusal = reply.refusal { throw .refused(refusal) }
        guard signal == nil else { return }
        let now = try await call(.GET, path, version, token, limit: Bound.large)
        if let refusal = now.refusal {
            // ESLURM_INVALID_JOB_ID: slurmctld does not know it any more.
            if refusal.number == 2017 { return }
            throw .refused(refusal)
        }
        let left = try believed { () throws(SlurmReply.Malformed) in try now.jobs() }.filter { job in
            let isMeant = if case .task = which.part { job.id == number } else { true }
            return isMeant && !job.states.isFinished && !job.states.contains(.completing)
        }
        guard left.isEmpty else {
            throw .badReply(status: nil, reason: "the job lives on although no error says so")
        }
    }

    /// The number that stands for what is to be ended and for nothing else, where Slurm knows nothing but numbers.
    private func alone(
        _ number: JobID?, _ which: JobTarget, _ flags: Set<CancelFlag>
    ) throws(SlurmError) -> JobID {
        guard flags.isEmpty else {
            throw .notOffered(
                message: "cluster \(cluster) takes no flags with a signal: Slurm before 23.11.6 has none",
                hint: "send the signal without flags")
        }
        if let number { return number }
        let what =
            switch which.part {
            case nil: "job \(which)"
            case .task: "task \(which)"
            case .component: "component \(which)"
            case .waiting: "what waits of job \(which.job)"
            }
        let way =
            switch which.part {
            case .task, .waiting: ", or wait until it has started"
            case nil, .component: ""
            }
        throw .notOffered(
            message: "cluster \(cluster) cannot end \(what) by itself: Slurm before 23.11.6 ends by number alone",
            hint: "end all of job \(which.job)\(way)")
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

extension APIVersion {
    /// Whether some releases serve it without `DELETE /slurm/VERSION/jobs/`.
    fileprivate var mayLackLists: Bool { rawValue == 40 }
}
