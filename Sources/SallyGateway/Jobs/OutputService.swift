// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

/// How many readings of output may be under way, each person's and all together.
///
/// The steward answers 64 requests of the gateway side by side (`SocketLimits.atOnce`), and a file system that hangs keeps one of
/// them for three quarters of a minute: half are left to what makes accounts.
struct OutputSeats: Sendable {
    private let limiter: ConcurrencyLimiter

    init(each: Int = 4, all: Int = 32) {
        limiter = ConcurrencyLimiter(limit: each, all: all)
    }

    /// - Throws: `.rateLimited` when there is no seat.
    func take(_ person: PersonID) throws -> PersonSeat {
        try limiter.seat(
            person,
            or: SallyError(
                .rateLimited,
                "too much output is being read: \(limiter.limit) files at once each, \(limiter.all) in all",
                hint: "try again in a moment, and follow fewer jobs at once"))
    }
}

/// What a person's own job wrote, read by the steward as that person. Owner and path are the steward's to find out.
struct OutputService: Sendable {
    let config: ClusterConfig
    let gate: Gate
    let steward: any AccountKeeper
    let finder: JobFinder

    static let defaultLimit = 65536
    static let largestLimit = 1_048_576

    func read(
        _ which: JobTarget, _ stream: OutputStream, offset: Int64, limit: Int, for principal: Principal,
        request: OpaqueID
    ) async throws -> OutputView {
        guard config.output else {
            throw SallyError(
                .unsupported, "reading output is switched off on cluster \(config.name)",
                hint: "copy the file from the cluster")
        }
        let user = principal.account.name
        let id = try await finder.number(which, of: user)
        let decision = try await gate.authorize(
            ReadOutput(cluster: config.name, job: id, owner: user, stream: stream), by: principal,
            request: request.rawValue)
        guard let position = decision.position else {
            throw SallyError(.internal, "the reading of job \(id)'s output was not recorded")
        }
        let piece = try await steward.readOutput(
            ReadOutputRequest(
                cluster: config.name, user: user, job: id, stream: stream, offset: offset, limit: limit,
                position: position))
        guard let bytes = Base64.standard.decode(piece.data), bytes.count <= limit else {
            throw SallyError(
                .unavailable, "the steward's answer cannot be read", cause: "\(piece.data.utf8.count) bytes")
        }
        let next = offset + Int64(bytes.count)
        return OutputView(
            data: piece.data, nextOffset: next, size: piece.size, final: piece.final && next >= piece.size)
    }
}
