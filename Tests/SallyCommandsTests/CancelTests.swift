// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@Suite struct CancelTests {
    @Test func cancelTriesAllAndSaysWhich() async throws {
        let run = try await sally(
            ["cancel", "7", "8", "--signal", "sigterm"],
            answers: [
                "DELETE /v1/clusters/demo/jobs/7?signal=TERM": [(204, "")],
                "DELETE /v1/clusters/demo/jobs/8?signal=TERM": [
                    (
                        409,
                        #"{"type":"t","title":"conflict","status":409,"detail":"job 8 has ended","code":"conflict","request":"r"}"#
                    )
                ],
            ])
        #expect(run.status == 5)
        #expect(run.output == "")
        #expect(run.talk == "sent TERM to job 7\nsally: job 8 has ended\n  request r\n")
    }

    /// As every other command does: with what to do next, and the request's id for an administrator.
    @Test func whatCouldNotBeCancelledIsToldInFull() async throws {
        let refusal =
            #"{"type":"t","title":"t","status":409,"detail":"job 8 has already finished","hint":"look\u0007","code":"conflict","request":"r"}"#
        let answers = ["DELETE /v1/clusters/demo/jobs/8": [(409, refusal)]]
        let run = try await sally(["cancel", "8"], answers: answers)
        #expect(run.talk == "sally: job 8 has already finished\n  look\\u{7}\n  request r\n")
        let json = try await sally(["cancel", "8", "--json"], answers: answers)
        let first = try JSONValue(parsing: json.output)["jobs"]?.array?.first
        #expect(first?["why"] == "job 8 has already finished")
        #expect(first?["hint"]?.string == "look\u{7}" && first?["request"] == "r")
        #expect(json.talk == "" && json.status == 5)
    }

    /// A number is said once, and never left out.
    @Test(arguments: [
        ("7", "you have no job 7 on cluster demo", ""),
        ("7", "job 77 has ended", "job 7: "), ("7", "7 jobs are too many", "job 7: "),
        ("7_4", "job 7_4 has ended", ""), ("7_4", "your job 7 on cluster demo has no task 4 in the queue", ""),
        ("7_4", "your job 7 has no task 44", "job 7_4: "), ("7_4", "you have no job 7", "job 7_4: "),
        ("7+1", "your job 7 has no component 1", ""), ("7+1", "the gateway does not answer", "job 7+1: "),
    ])
    func whichJobItIsStandsThereOnce(job: String, detail: String, start: String) async throws {
        let refusal =
            #"{"type":"t","title":"t","status":404,"detail":"\#(detail)","code":"not-found","request":"r"}"#
        let run = try await sally(
            ["cancel", job], answers: ["DELETE /v1/clusters/demo/jobs/\(job)": [(404, refusal)]])
        #expect(run.talk == "sally: \(start)\(detail)\n  request r\n")
    }

    @Test func refusalsAsJSONNameTheRequest() async throws {
        let refusal =
            #"{"type":"t","title":"t","status":404,"detail":"you have no job 7","code":"not-found","request":"r"}"#
        let run = try await sally(["job", "7", "--json"], answers: ["GET /v1/clusters/demo/jobs/7": [(404, refusal)]])
        #expect(run.status == 4 && run.output == "")
        #expect(try JSONValue(parsing: run.talk)["request"] == "r")
    }

    /// As scancel(1) spells them; several tasks are one request each.
    @Test func partsAreCancelledAsTheyAreSpelled() async throws {
        let path = "DELETE /v1/clusters/demo/jobs"
        let none =
            #"{"type":"t","title":"not found","status":404,"detail":"no task 7","code":"not-found","request":"r"}"#
        let answers = [
            "\(path)/7_1": [(204, "")], "\(path)/7_2": [(204, "")], "\(path)/7_7": [(404, none)],
            "\(path)/20+1": [(204, "")],
        ]
        let run = try await sally(["cancel", "7_[1-2,7]", "20+1"], answers: answers)
        #expect(run.status == 4)
        #expect(run.lines == ["\(path)/7_1", "\(path)/7_2", "\(path)/7_7", "\(path)/20+1"])
        #expect(
            run.talk == """
                cancelled job 7_1
                cancelled job 7_2
                sally: job 7_7: no task 7
                  request r
                cancelled job 20+1

                """)
        let json = try await sally(["cancel", "7_1", "7_7", "--json"], answers: answers)
        #expect(
            json.output == #"{"schema":"sallyport/cancel/1","jobs":[{"job":7,"id":"7_1","done":true},"#
                + #"{"job":7,"id":"7_7","done":false,"why":"no task 7","request":"r"}]}"# + "\n")
    }

    /// A second request would be told that it has ended.
    @Test func whatIsNamedTwiceIsCancelledOnce() async throws {
        let path = "DELETE /v1/clusters/demo/jobs"
        let run = try await sally(
            ["cancel", "7_2", "7_[1-2]", "07_1", "9", "9"],
            answers: ["\(path)/7_1": [(204, "")], "\(path)/7_2": [(204, "")], "\(path)/9": [(204, "")]])
        #expect(run.status == 0, "\(run.talk)")
        #expect(run.lines == ["\(path)/7_2", "\(path)/7_1", "\(path)/9"])
    }

    @Test(arguments: ["0", "0_1", "99999999999", "7_x", "7_", "7.0", "7_[x]", "7_[1", "7+[1]", "x_[1]", "7_1_1"])
    func aPartThatIsNoneNamesTheNotation(job: String) async throws {
        let run = try await sally(["cancel", "7", job])
        #expect(run.status == 64 && run.asked.isEmpty)
        #expect(run.talk.contains("NUMBER_TASK") && run.talk.contains("NUMBER+COMPONENT"), "\(run.talk)")
        #expect(run.talk.contains("NUMBER_[TASKS]") == job.contains("["), "\(run.talk)")
    }
}
