// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel
import SallyWire
import SlurmModel
import StrictJSON

extension FrontService {
    /// A job in slurmrestd's own words, whichever version the daemon behind speaks. Clients of slurmrestd know no
    /// `Idempotency-Key`: without one every request is a submission of its own.
    func submit(_ call: FrontCall, _ request: Request, _ context: GatewayContext) async throws -> FrontReply {
        let key = try IdempotencyKey(request.headers)
        let asked = try await cluster.submissions.reader.read(
            try await request.bytes(limit: GatewayServer.bodyLimit, context), as: call.version)
        let answer = try await cluster.submissions.submit(
            asked, operation: .slurmSubmit, key: key, for: call.principal, request: call.request)
        switch answer {
        case .accepted(let submitted, let messages):
            var reply = FrontReply()
            let job = JSONValue.integer(submitted.job.rawValue)
            let message = JSONValue.string(messages.plugin)
            // Taken away in v0.0.42.
            if call.version.rawValue <= 41 {
                reply.members.append(
                    (
                        "result",
                        [
                            "job_id": job, "step_id": "batch", "error_code": 0, "error": "No error",
                            "job_submit_user_msg": message,
                        ]
                    ))
            }
            reply.members += [("job_id", job), ("step_id", "batch"), ("job_submit_user_msg", message)]
            reply.warnings = messages.others.map {
                SlurmWarningEntry(description: $0, source: "slurm_submit_batch_job()")
            }
            reply.headers[.idempotencyKey] = key.text
            return reply
        case .pending:
            // 202 would look like a job without a number to clients that know only slurmrestd.
            throw SallyError(
                .timeout, "whether Slurm has the job is being checked, and it is not sent again meanwhile",
                hint: "send the same request with Idempotency-Key: \(key.text) to hear what became of it")
        }
    }
}

extension JobReader {
    /// A submission as slurmrestd's clients write it.
    ///
    /// - Throws: `.invalidRequest` or `.unsupported` that names every field that is not taken.
    func read(_ body: [UInt8], as version: APIVersion) async throws -> Asked {
        try await beside(body) {
            let json = try JSONValue(parsing: body)
            return Asked(
                job: try JobDescription.request(from: json, version: version), fingerprint: JobReader.fingerprint(json))
        }
    }
}
