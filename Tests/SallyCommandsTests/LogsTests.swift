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

    @Test(arguments: [("123_4", "123_4"), ("0123+01", "123+1")])
    func partsHaveOutputs(text: String, path: String) async throws {
        let line = "GET /v1/clusters/demo/jobs/\(path)\(Self.output)"
        let run = try await sally(
            ["logs", text], answers: [line: [(200, #"{"data":"aGkK","next_offset":3,"size":3,"final":true}"#)]])
        #expect(run.output == "hi\n" && run.lines == [line], "\(run.talk)")
    }

    @Test func tasksThatWaitHaveNone() async throws {
        let run = try await sally(["logs", "123_[5-9]"])
        #expect(run.status == 64 && run.asked.isEmpty)
        #expect(run.talk.contains("none of them has begun\n  name one task, such as 123_1"), "\(run.talk)")
    }

    /// While it waits with others it has no number of its own: what is heard is heard of the record that it is in.
    @Test func aTaskIsFollowedByTheRecordThatItIsIn() async throws {
        let look = "GET /v1/clusters/demo/jobs/123_4"
        let events = "GET /v1/clusters/demo/job-events?job="
        func record(_ number: Int, _ id: String, _ state: String) -> (Int, String) {
            (
                200,
                #"{"job":\#(number),"id":"\#(id)","cluster":"demo","name":"t","user":"a","account":"l","partition":"p","states":["\#(state)"]}"#
            )
        }
        let news = [(200, "event: jobs\ndata: {}\nid: a\n\n")]
        let run = try await sally(
            ["logs", "--follow", "123_4"],
            answers: [
                look: [
                    record(123, "123_[4-9]", "PENDING"), record(127, "123_4", "PENDING"),
                    record(127, "123_4", "COMPLETED"),
                ],
                events + "123": news, events + "127": news,
                look + Self.output: [(200, #"{"data":"","next_offset":0,"size":0,"final":true}"#)],
            ])
        #expect(run.lines == [look, events + "123", look, events + "127", look, look + Self.output], "\(run.talk)")
        #expect(run.status == 0 && run.talk.hasSuffix("job 123_4 has completed\n"))
    }
}
