// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallyWire
import SlurmModel
import StrictJSON

extension FrontService {
    /// Ends a job or signals it; 200 means that it is so, which slurmrestd's own 200 does not (24.11).
    func cancel(_ wanted: FrontJob, _ call: FrontCall) async throws -> FrontReply {
        let signal = try call.query["signal"].map(checkedSignal)
        try await end(wanted, signal: signal, call)
        return FrontReply(("status", []))
    }

    /// `KILL_JOBS_MSG`: named jobs, or those of one's own that pass every filter. As in slurmrestd the answer lists
    /// what failed, job by job.
    func cancelList(_ call: FrontCall, _ request: Request) async throws -> FrontReply {
        let order = try FrontKill(try await request.bytes(limit: 1 << 20), by: call.principal.account)
        try await lookAtOwnJobs(call)
        var wanted = order.jobs.map { (text: $0, job: try? FrontJob($0)) }  // told one by one below
        if wanted.isEmpty {
            wanted = try read().jobs(of: call.user)
                .filter { !$0.isEnding && order.matches($0) }
                .map { (text: "\($0.view.job)", job: try? FrontJob("\($0.view.job)")) }  // a number
        } else if order.filters {
            let own = try read().jobs(of: call.user).filter(order.matches).map(\.view.job)
            wanted.removeAll { entry in entry.job.map { !own.contains($0.job) } ?? false }
        }
        let failures = await failures(wanted, signal: order.signal, call)
        return FrontReply(("status", .array(failures)))
    }

    /// The most jobs that are ended at the same time; each waits until the queue shows it.
    private static let width = 16

    private func failures(
        _ wanted: [(text: String, job: FrontJob?)], signal: String?, _ call: FrontCall
    ) async -> [JSONValue] {
        await withTaskGroup(of: Failure?.self) { group in
            var failures: [Failure] = []
            var rest = wanted.enumerated().makeIterator()
            func next() -> Bool {
                guard let (place, entry) = rest.next() else { return false }
                group.addTask { await failure(place, entry.text, entry.job, signal: signal, call) }
                return true
            }
            for _ in 0..<FrontService.width where !next() { break }
            for await failure in group {
                if let failure { failures.append(failure) }
                _ = next()
            }
            return failures.sorted { $0.place < $1.place }.map(\.json)
        }
    }

    private final class Failure: Sendable {
        let place: Int
        let json: JSONValue
        init(place: Int, json: JSONValue) {
            self.place = place
            self.json = json
        }
    }

    private func failure(
        _ place: Int, _ text: String, _ job: FrontJob?, signal: String?, _ call: FrontCall
    ) async -> Failure? {
        var refusal = SlurmRefusal.invalidJob
        var message = "job id \(quoted(text)) is not valid"
        if let job {
            do {
                try await end(job, signal: signal, call)
                return nil
            } catch {
                let problem = asSallyError(error)
                refusal = problem.inSlurmsWords
                message = problem.description
            }
        }
        return Failure(
            place: place,
            json: [
                "error": [
                    "string": .string(refusal.text), "code": .integer(refusal.number), "message": .string(message),
                ],
                "step_id": .string(text), "job_id": .quantity(job.map { Int64($0.job.rawValue) }),
                "federation": ["sibling": ""],
            ])
    }

    private func end(_ wanted: FrontJob, signal: String?, _ call: FrontCall) async throws {
        var job = wanted.job
        if let task = wanted.task {
            let records = try read().records(wanted.job).filter { $0.owner == call.user }
            guard !records.isEmpty else { throw missing(wanted.job) }
            guard let record = records.first(where: { $0.view.displayID == "\(wanted.job)_\(task)" }) else {
                throw SallyError(
                    .unsupported, "task \(task) of job \(wanted.job) has not started and cannot be ended by itself",
                    hint: "end the whole array, or wait")
            }
            job = record.view.job
        }
        do {
            try await cluster.jobs.cancel(job, signal: signal, for: call.principal, request: call.request)
        } catch let error as SallyError {
            throw error.saying(.invalidJob, for: .notFound).saying(.alreadyDone, for: .conflict)
        }
    }
}
