// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyKeepProtocol
import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

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
