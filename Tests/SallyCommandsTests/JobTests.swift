// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

/// What the first column of `sally jobs` shows is what `sally job` takes.
@Suite struct JobTests {
    private static let jobs = "GET /v1/clusters/demo/jobs"

    private static func record(_ number: Int, _ id: String, _ state: String = "PENDING") -> String {
        #"{"job":\#(number),"id":"\#(id)","cluster":"demo","name":"t","user":"alice","account":"lab","#
            + #""partition":"debug","states":["\#(state)"]}"#
    }

    @Test(arguments: [("123", "123"), ("123_4", "123_4"), ("0123_04", "123_4"), ("123+1", "123+1")])
    func partsAreShown(text: String, path: String) async throws {
        let line = "\(Self.jobs)/\(path)"
        let run = try await sally(["job", text], answers: [line: [(200, Self.record(130, path))]])
        #expect(run.status == 0 && run.lines == [line], "\(run.talk)")
        #expect(run.output.split(separator: "\n").first?.split(separator: " ") == ["job", path[...]])
        #expect(run.talk == "")
    }

    /// As the gateway's paths take the name of their record.
    @Test(arguments: [
        ("123_[5-9%2]", "123_%5B5-9%252%5D", "123_[5-9%2]"),
        ("0123_[5,7-9:2]", "123_%5B5%2C7-9%3A2%5D", "123_[5,7-9:2]"),
        ("123_[1,3,...]", "123_%5B1%2C3%2C...%5D", "123_[1,3,...]"),
    ])
    func tasksThatWaitAreShown(text: String, path: String, id: String) async throws {
        let line = "\(Self.jobs)/\(path)"
        let run = try await sally(["job", text, "--json"], answers: [line: [(200, Self.record(123, id))]])
        #expect(run.status == 0 && run.talk == "" && run.lines == [line], "\(run.talk)")
        #expect(try JSONValue(parsing: run.output)["id"]?.string == id)
    }

    @Test(arguments: ["0", "x", "123_", "123_x", "123_[5", "x_[5]", "123+[5]", "123_4_5", "12 3"])
    func whatIsNoJobIsRefused(text: String) async throws {
        for command in ["job", "logs"] {
            let run = try await sally([command, text])
            #expect(run.status == 64 && run.asked.isEmpty)
            #expect(run.talk.contains("NUMBER_TASK") && run.talk.contains("NUMBER+COMPONENT"), "\(run.talk)")
            #expect(run.talk.contains("123_[5-9]") == text.contains("_["), "\(run.talk)")
        }
    }

    @Test(arguments: [("123", 123, "123_[5-9]"), ("127", 127, "123_4"), ("123_5", 123, "123_[5-9]")])
    func oneRecordOfAnArrayIsSaidToBeOne(text: String, number: Int, id: String) async throws {
        let answers = ["\(Self.jobs)/\(text)": [(200, Self.record(number, id))]]
        let words = "sally: this is \(id), one record of array 123; `sally jobs --array 123 --all` lists its tasks\n"
        for form in [[], ["--json"]] {
            let run = try await sally(["job", text] + form, answers: answers)
            #expect(run.talk == words && run.output.contains(id))
        }
    }
}
