// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallySocket
import SlurmModel
import StrictJSON
import Synchronization

extension FrontService {
    /// Ends a job or a part of it, or signals it; 200 means that it is so, which slurmrestd's own 200 does not (24.11).
    func cancel(_ wanted: FrontJob, _ call: FrontCall) async throws -> FrontReply {
        let signal = try call.query["signal"].map(checkedSignal)
        let flags = try FrontKill.flags(try call.query.list("flags"), signal: signal)
        try await end(JobEnding.Order(which: wanted.target, signal: signal, flags: flags), call)
        return FrontReply(("status", []))
    }

    /// `KILL_JOBS_MSG`: named jobs, or those of one's own that pass every filter. As in slurmrestd the answer lists
    /// what failed, job by job. Each counts as a request of its own.
    func cancelList(_ call: FrontCall, _ request: Request, _ context: GatewayContext) async throws -> FrontReply {
        let body = try await request.bytes(limit: 1 << 20, context)
        let order = try await JobReader.parsed(body) { [account = call.principal.account] in
            try FrontKill(body, by: account)
        }
        let wanted = try await wanted(order, call)
        guard wanted.count <= FrontKill.limit else { throw FrontKill.tooMany }
        try call.limits.charge(wanted.count, "jobs", to: call.principal, call.notes)
        return FrontReply(("status", .array(await failures(wanted, order, call))))
    }

    /// What the order names. Where it has filters, arrays are taken apart: their number would be taken for all of them.
    private func wanted(_ order: FrontKill, _ call: FrontCall) async throws -> [NamedJob] {
        guard order.jobs.isEmpty || order.filters else { return order.jobs }
        try await lookAtOwnJobs(call)
        let snapshot = try read()
        return await besideLoops { [user = call.user] () -> [NamedJob] in
            var found: [NamedJob] = []
            var seen: Set<NamedJob> = []
            func add(_ wanted: NamedJob) { if seen.insert(wanted).inserted { found.append(wanted) } }
            func isMeant(_ job: QueuedJob) -> Bool { job.owner == user && !job.isEnding && order.matches(job) }
            guard !order.jobs.isEmpty else {
                for job in snapshot.jobs(of: user) where isMeant(job) { add(.job(job.target)) }
                return found
            }
            for entry in order.jobs {
                guard case .job(let which) = entry else {
                    add(entry)
                    continue
                }
                let records = snapshot.records(which.job)
                // What is not known yet is asked of Slurm, and held against the filters then.
                if records.isEmpty { add(entry) }
                for job in records where job.isNamed(by: which) && isMeant(job) {
                    add(which.part == nil ? .job(job.target) : entry)
                }
                // Whose it is Slurm says.
                if !records.allSatisfy({ $0.owner == user }) { add(entry) }
            }
            return found
        }
    }

    /// The most jobs that are ended at the same time; each waits until the queue shows it.
    private static let width = 16

    private func failures(_ wanted: [NamedJob], _ order: FrontKill, _ call: FrontCall) async -> [JSONValue] {
        let places = Places(count: wanted.count)
        let failures = await withTaskGroup(of: [Failure].self) { group -> [Failure] in
            for worker in 0..<min(FrontService.width, wanted.count) {
                // The first has the place of the request itself; each further one is one more under way.
                let seat = worker == 0 ? nil : call.limits.seat(call.principal.person)
                guard worker == 0 || seat != nil else { break }
                group.addTask {
                    var failures: [Failure] = []
                    while let place = places.next() {
                        if let failure = await failure(place, wanted[place], order, call) { failures.append(failure) }
                    }
                    withExtendedLifetime(seat) {}
                    return failures
                }
            }
            var all: [Failure] = []
            for await failures in group { all += failures }
            return all
        }
        return failures.sorted { $0.place < $1.place }.map(\.json)
    }

    /// Hands out each place once.
    private final class Places: Sendable {
        private let count: Int
        private let taken = Mutex(0)

        init(count: Int) { self.count = count }

        func next() -> Int? {
            taken.withLock { taken in
                guard taken < count else { return nil }
                defer { taken += 1 }
                return taken
            }
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

    private func failure(_ place: Int, _ wanted: NamedJob, _ order: FrontKill, _ call: FrontCall) async -> Failure? {
        let problem: SallyError
        switch wanted {
        case .text(let text): problem = JobTarget.refusal(text).saying(.invalidJob, for: .invalidRequest)
        case .job(let which):
            do {
                try await end(
                    JobEnding.Order(
                        which: which, signal: order.signal, flags: order.flags, filter: order.filter), call)
                return nil
            } catch {
                problem = asSallyError(error)
            }
        }
        call.tell(problem)
        let refusal = problem.inSlurmsWords
        return Failure(
            place: place,
            json: [
                "error": [
                    "string": .string(refusal.text), "code": .integer(refusal.number),
                    "message": .string(problem.description),
                ],
                "step_id": .string(shown(wanted)),
                "job_id": .quantity(number(wanted)),
                "federation": ["sibling": ""],
            ])
    }

    /// What was named, and not all of what is too long for a job's name.
    private func shown(_ wanted: NamedJob) -> String {
        switch wanted {
        case .job(let which): which.description
        case .text(let text): String(decoding: Array(text.utf8.prefix(64)), as: UTF8.self)
        }
    }

    private func number(_ wanted: NamedJob) -> Int64? {
        switch wanted {
        case .job(let which): Int64(which.job.rawValue)
        case .text: nil
        }
    }

    private func end(_ order: JobEnding.Order, _ call: FrontCall) async throws {
        do {
            try await cluster.jobs.ending.end(order, for: call.principal, request: call.request)
        } catch let error as SallyError {
            throw error.saying(.invalidJob, for: .notFound).saying(.alreadyDone, for: .conflict)
        }
    }
}
