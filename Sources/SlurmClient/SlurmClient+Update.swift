// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import SallyModel
package import SallyPolicy
import SlurmModel
import StrictJSON

/// What Slurm said of an update that it did not refuse.
package enum UpdateAnswer: Sendable {
    case done
    /// 22.05.8 answers every change of an array that it has failed, whether it was done or not. A new read of the job tells.
    case unsaid
}

extension SlurmClient {
    /// Changes a job, once. Slurm judges it again, as the job's owner.
    ///
    /// - Precondition: `token` was minted for this decision.
    /// - Throws: `.refused` also where the answer is 200 and one of its results is an error (v0.0.40 and later).
    package func update(
        _ update: Authorized<UpdateJob>, token: SlurmToken
    ) async throws(SlurmError) -> UpdateAnswer {
        try await served(token) { version throws(SlurmError) in
            let body: JSONValue
            do {
                body = try update.action.update.json(version: version, now: update.decidedAt)
            } catch {
                let known = error as? SallyError
                throw .notOffered(message: known?.message ?? "\(error)", hint: known?.hint)
            }
            let path = "/slurm/\(version)/job/\(update.action.job)"
            let reply = try await call(.POST, path, version, token, body: body.bytes())
            if let refusal = reply.refusal {
                guard version.takesOptions, reply.saysNoNumber else { throw .refused(refusal) }
                return .unsaid
            }
            for result in reply.json["results"]?.array ?? [] {
                let number = result["error_code"]?.integer() ?? 0
                guard number == 0 else {
                    throw .refused(
                        SlurmRefusal(number: number, text: result["error"]?.string ?? "Slurm error \(number)"))
                }
            }
            return .done
        }
    }
}

extension SlurmReply {
    /// Of v0.0.36 to v0.0.38 only an answer about an array has errors without a number (src/plugins/openapi/v0.0.38/jobs.c; 22.05.8,
    /// observed).
    fileprivate var saysNoNumber: Bool {
        (json["errors"]?.array ?? []).allSatisfy { $0["error_number"] == nil && $0["error_code"] == nil }
    }
}
