// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import SlurmModel

/// Sends one submission until its outcome is known. Every try carries the same Idempotency-Key, so that one submission
/// is one job, whatever gets lost on the way.
struct Submitter {
    /// For all tries together.
    private static let patience: Duration = .seconds(180)
    /// For answers that did not come.
    private static let tries = 4

    let gateway: GatewayClient
    let cluster: ClusterName
    let here: Surroundings

    /// - Throws: the refusal; `SallyError(.timeout)` when the outcome is not known after three minutes.
    func submit(_ request: JobRequest, key: String) async throws -> SubmitReply {
        var message = WireRequest(.post, Path.jobs(cluster), body: try Codec.encode(request), deadline: .seconds(60))
        message.headers.append((name: "Idempotency-Key", value: key))
        var waited: Duration = .zero
        var lost = 0
        while waited < Submitter.patience {
            let pause: Duration
            do {
                let reply = try await gateway.send(message)
                guard reply.status == 202 else { return try decodedAnswer(reply) }
                let pending: SubmitPending = try decodedAnswer(reply)
                try here.say("the gateway is checking with Slurm whether the job was accepted")
                pause = .seconds(max(1, min(30, pending.retryAfter)))
            } catch let error as SallyError where [.unavailable, .timeout, .rateLimited].contains(error.code) {
                lost += 1
                guard lost < Submitter.tries else {
                    throw SallyError(
                        error.code, error.message,
                        hint: "whether the job was submitted is not known: look with `sally jobs`, or say"
                            + " `--idempotency-key \(key)` to submit the same job again without making a second one",
                        cause: error.cause, slurm: error.slurm)
                }
                try here.say("\(printable(error.message)); trying again")
                pause = .seconds(1 << lost)
            }
            waited += pause
            try await here.sleep(pause)
        }
        throw SallyError(
            .timeout,
            "whether the job was submitted is not known after \(Submitter.patience.components.seconds) seconds",
            hint: "say `--idempotency-key \(key)` to ask again without making a second job, or look with `sally jobs`")
    }
}
