// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import SlurmModel
import StrictJSON

/// Sends one submission until its outcome is known. Every try carries the same Idempotency-Key, so that one submission
/// is one job, whatever gets lost on the way.
struct Submitter {
    /// For all tries together: longer than the gateway needs after it died at the worst moment.
    private static let patience: Duration = .seconds(300)
    /// For answers that did not come.
    private static let tries = 4

    let gateway: GatewayClient
    let cluster: ClusterName
    let here: Surroundings
    /// Whether talk is JSON too, one object a line.
    let json: Bool

    /// - Throws: the refusal; `SallyError(.timeout)` when the outcome is not known after five minutes.
    func submit(_ request: JobRequest, key: String) async throws -> SubmitReply {
        var message = WireRequest(.post, Path.jobs(cluster), body: try Codec.encode(request), deadline: .seconds(60))
        message.headers.append((name: "Idempotency-Key", value: key))
        var waited: Duration = .zero
        var lost = 0
        here.ifInterrupted(try interruption(key))
        defer { here.ifInterrupted(nil) }
        while waited < Submitter.patience {
            let pause: Duration
            do {
                let reply = try await gateway.send(message)
                guard reply.status == 202 else { return try decodedAnswer(reply) }
                let pending: SubmitPending = try decodedAnswer(reply)
                try tell(pending, key, waited)
                pause = .seconds(max(1, min(30, pending.retryAfter)))
            } catch let error as SallyError where [.unavailable, .timeout, .rateLimited].contains(error.code) {
                lost += 1
                guard lost < Submitter.tries else {
                    throw SallyError(
                        error.code, error.message,
                        hint: "whether the job was submitted is not known: \(Submitter.goOn(key))",
                        cause: error.cause, slurm: error.slurm)
                }
                try tell("\(printable(error.message)); trying again", key, waited)
                pause = .seconds(1 << lost)
            }
            waited += pause
            try await here.sleep(pause)
        }
        throw SallyError(
            .timeout,
            "whether the job was submitted is not known after \(Submitter.patience.components.seconds) seconds",
            hint: Submitter.goOn(key))
    }

    private static func goOn(_ key: String) -> String {
        "say `--idempotency-key \(key)` to submit the same job again without making a second one, or look with `sally jobs`"
    }

    private func tell(_ pending: SubmitPending, _ key: String, _ waited: Duration) throws {
        var text = "the gateway is checking with Slurm whether the job was accepted"
        if waited > .zero { text += ", \(waited.components.seconds) s so far" }
        if let known = pending.knownWithin { text += "; it is known in at most \(known) s" }
        if let obstacle = pending.obstacle { text += " (\(printable(obstacle)))" }
        var more: [(String, JSONValue)] = []
        if let known = pending.knownWithin { more.append(("known_within", .integer(known))) }
        if let obstacle = pending.obstacle { more.append(("obstacle", .string(obstacle))) }
        try tell(text, key, waited, more)
    }

    private func tell(
        _ text: String, _ key: String, _ waited: Duration, _ more: [(String, JSONValue)] = []
    ) throws {
        guard json else { return try here.say(text) }
        try here.say(progress(text, key, [("waited", .integer(waited.components.seconds))] + more))
    }

    private func progress(_ text: String, _ key: String, _ more: [(String, JSONValue)]) -> String {
        let members: [(String, JSONValue)] = [
            ("schema", "sallyport/submit-progress/1"), ("outcome", "unknown"), ("message", .string(text)),
            ("idempotency_key", .string(key)),
        ]
        return JSONValue.object(JSONObject(members + more)).text(.compact)
    }

    /// What a person reads who presses Ctrl-C while the outcome is open.
    private func interruption(_ key: String) throws -> String {
        let message = "interrupted: whether the job was submitted is not known"
        guard json else { return "sally: \(message)\n  \(Submitter.goOn(key))" }
        return progress(message, key, [("hint", .string(Submitter.goOn(key)))])
    }
}
