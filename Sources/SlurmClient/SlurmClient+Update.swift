// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import SallyModel
package import SallyPolicy
import SlurmModel
import StrictJSON

extension SlurmClient {
    /// Changes a job, once. Slurm judges it again, as the job's owner.
    ///
    /// - Precondition: `token` was minted for this decision.
    /// - Throws: `.refused` also where the answer is 200 and one of its results is an error (v0.0.40 and later).
    package func update(_ update: Authorized<UpdateJob>, token: SlurmToken) async throws(SlurmError) {
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
            if let refusal = reply.refusal { throw .refused(refusal) }
            for result in reply.json["results"]?.array ?? [] {
                let number = result["error_code"]?.integer() ?? 0
                guard number == 0 else {
                    throw .refused(
                        SlurmRefusal(number: number, text: result["error"]?.string ?? "Slurm error \(number)"))
                }
            }
        }
    }
}
