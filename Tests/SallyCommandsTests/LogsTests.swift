// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct LogsTests {
    private static let output = "/output?stream=stdout&offset=0&limit=262144"

    /// The job is watched on, and what to do about its output stands there.
    @Test func whyOutputCannotBeShownIsToldInFull() async throws {
        let look = "GET /v1/clusters/demo/jobs/7"
        let refusal =
            #"{"type":"t","title":"t","status":501,"detail":"no output is read here","hint":"mount it","code":"unsupported","request":"r"}"#
        let run = try await sally(
            ["logs", "7", "--follow"],
            answers: [
                look: [(200, job(#""RUNNING""#)), (200, job(#""COMPLETED""#))], look + Self.output: [(501, refusal)],
            ])
        #expect(run.talk.contains("the output cannot be shown: no output is read here\n  mount it\n  request r\n"))
        #expect(run.status == 0 && run.talk.hasSuffix("job 7 has completed\n"), "\(run.talk)")
    }
}
