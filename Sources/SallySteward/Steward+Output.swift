// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
package import SallyKeepProtocol
package import SallyModel
import SallyTransport

extension Steward {
    /// Reads a piece of a job's output as its owner. Owner and path are what Slurm says, or what Slurm said while it
    /// knew the job; nothing of that comes from `serve`.
    ///
    /// - Throws: `SallyError`: `.denied` for a locked account or somebody else's job, `.notFound` for a job or file that
    ///   is not there, `.unsupported` where output is not read, `.timeout`; `.denied` as well for a decision that has
    ///   paid for something else or long ago.
    package func readOutput(_ request: ReadOutputRequest) async throws -> OutputPiece {
        let keep = try found(request.cluster)
        guard case .permitted(let limit) = keep.settings.output, keep.settings.layout.mode != .none else {
            throw SallyError(.unsupported, "output is not read on cluster \(request.cluster)")
        }
        guard request.offset >= 0, request.limit > 0 else {
            throw SallyError(.invalidRequest, "output is read from an offset of 0 or more, and at least 1 byte")
        }
        switch record.state(request.user, on: request.cluster) {
        case .active: break
        case .locked, .barred: throw locked(request.user, request.cluster)
        case nil, .absent: throw SallyError(.denied, "\(request.user) has no account on cluster \(request.cluster)")
        }
        guard let uid = record.uid(of: request.user) else {
            throw SallyError(.denied, "\(request.user) has no account on cluster \(request.cluster)")
        }
        try outputLog.check(request, at: clock.now)
        let found = try await look(request.job, keep)
        guard found.files.uid == uid.rawValue else {
            throw SallyError(.denied, "job \(request.job) is not a job of \(request.user)")
        }
        let path = found.files.path(request.stream)
        // Durable before the first byte is read.
        try await outputLog.pay(request, at: clock.now)
        var piece = request
        piece.limit = min(request.limit, limit)
        return try await read(path, found, piece, uid, keep)
    }

    /// Looks through the queue and records where managed people's jobs write, where accounting would not know later.
    ///
    /// - Throws: `SallyError` or `TransportError` when the cluster does not answer.
    package func sweep(_ cluster: ClusterName) async throws {
        let keep = try found(cluster)
        let book = record.book
        let uids = book.users(on: keep.settings.name).compactMap { book.uids[$0] }.sorted()
        guard !uids.isEmpty, keep.settings.output != .refused, keep.settings.layout.mode != .none else { return }
        let completion = try await keep.transport.run(
            JobSweep.invocation(uids, in: keep.settings.layout), on: keep.settings.layout.controller)
        try record.remember(try JobSweep.parse(completion.standardOutput), on: keep.settings.name, at: clock.now)
    }

    /// What output was read for which decision, by sequence.
    ///
    /// - Parameter limit: at most `OutputRecord.mostPerPage` count.
    package func outputRecords(after: Int64, limit: Int) throws -> [OutputRecord] {
        guard limit > 0, after >= 0 else {
            throw SallyError(
                .invalidRequest, "records are asked for by a sequence of 0 or more and a limit of 1 or more")
        }
        return try outputLog.records(after: after, limit: min(limit, OutputRecord.mostPerPage))
    }

    private func look(_ job: JobID, _ keep: Keep) async throws -> JobLookup {
        let cluster = keep.settings.name
        let completion = try await run(
            JobLookup.invocation(job, in: keep.settings.layout), on: keep.settings.layout.controller, keep)
        guard completion.succeeded else {
            throw SallyError(
                .unavailable, "Slurm of cluster \(cluster) does not say whose job \(job) is", hint: "try again later",
                cause: "status \(completion.status): \(quoted(completion.errorOutput))")
        }
        guard var found = JobLookup.parse(completion.standardOutput, job: job) else {
            throw SallyError(.notFound, "cluster \(cluster) knows no job \(job)")
        }
        if found.pathsAreKnown {
            try record.remember([found.files], on: cluster, at: clock.now)
        } else if let kept = record.files(of: job, on: cluster), kept.uid == found.files.uid,
            kept.submitted == found.files.submitted
        {
            found.files = kept
        }
        return found
    }

    private func read(
        _ path: String, _ found: JobLookup, _ request: ReadOutputRequest, _ uid: UserID, _ keep: Keep
    ) async throws -> OutputPiece {
        let invocation = OutputScript.invocation(
            user: request.user, uid: uid, path: path, offset: request.offset, limit: request.limit)
        let completion = try await run(invocation, on: keep.settings.layout.homeServer, keep)
        if completion.succeeded {
            let (size, data) = try OutputScript.parse(completion.output)
            return OutputPiece(data: data, size: size, final: found.hasEnded)
        }
        let name = "\(request.stream.rawValue) of job \(request.job)"
        switch OutputScript.Failure(rawValue: completion.status) {
        case .noSuchFile where !found.hasEnded: return OutputPiece(data: "", size: 0, final: false)
        case .noSuchFile: throw SallyError(.notFound, "\(name), \(quoted(path)), does not exist")
        case .link:
            throw SallyError(
                .denied, "\(name), \(quoted(path)), is reached through a link or `..`",
                hint: "links are not followed; write to a plain path")
        case .notRegular:
            let kind = completion.output.isEmpty ? "special" : completion.output
            throw SallyError(.denied, "\(name), \(quoted(path)), is a \(kind) file, not a regular file")
        case .changed:
            throw SallyError(.conflict, "\(name), \(quoted(path)), was replaced while it was read", hint: "try again")
        case .noSuchUser:
            throw SallyError(
                .unavailable, "\(request.user) is not known where the output of cluster \(request.cluster) lies")
        case .unreadable: throw SallyError(.denied, "\(request.user) may not read \(name), \(quoted(path))")
        case .tooSlow: throw SallyError(.timeout, "\(name) could not be read within 10 s")
        case nil:
            throw SallyError(
                .unavailable, "\(name) cannot be read", hint: "try again later",
                cause: "status \(completion.status): \(quoted(completion.errorOutput))")
        }
    }

    private func run(_ invocation: Invocation, on node: NodeName, _ keep: Keep) async throws -> Completion {
        do {
            return try await keep.transport.run(invocation, on: node)
        } catch TransportError.deadlineExceeded {
            throw SallyError(.timeout, "node \(node) did not answer in time")
        } catch let error as TransportError {
            throw SallyError(.unavailable, "node \(node) does not answer", cause: "\(error)")
        }
    }
}
