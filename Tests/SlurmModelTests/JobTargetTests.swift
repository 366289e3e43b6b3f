// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@Suite struct JobTargetTests {
    @Test(
        arguments: [
            ("123", "123", nil), ("0123", "123", nil), ("123_0", "123_0", .task(0)), ("123_04", "123_4", .task(4)),
            ("123_4000000", "123_4000000", .task(4_000_000)), ("123+1", "123+1", .component(1)),
        ] as [(String, String, JobTarget.Part?)])
    func readsWhatScancelTakes(text: String, spelled: String, part: JobTarget.Part?) throws {
        let target = try JobTarget(text)
        #expect(target.description == spelled && target.part == part && target.job.rawValue == 123)
    }

    @Test(arguments: [
        "", "0", "x", "_1", "+1", "1_", "1+", "1_x", "1_-1", "1_1_1", "1+1+1", "1_1+1", "1.1", "1.batch", "1_[1-2]",
        "0_1", "0+1", "1_4000001", "1_00000001", "99999999999", "99999999999_1", "-1", "1 ", "１",
    ])
    func refusesEverythingElse(text: String) {
        let error = #expect(throws: SallyError.self) { try JobTarget(text) }
        #expect(error?.code == .invalidRequest && error?.hint == JobTarget.notation)
        #expect(error?.message == "job id \(quoted(text)) is not valid")
    }

    @Test(
        arguments: [
            ("123_[1-3,7]", "1-3,7"), ("0123_[0]", "0"), ("123_[0-8:4%2]", "0-8:4%2"), ("123", nil), ("123_4", nil),
            ("123_[", nil), ("123_[]", nil), ("123_[1-3", nil), ("123_1-3]", nil), ("_[1]", nil), ("x_[1]", nil),
            ("123_[1,1]", nil), ("123_[1]2]", nil), ("123+[1]", nil), ("0_[1]", nil),
        ] as [(String, String?)])
    func readsListsOfTasks(text: String, tasks: String?) {
        let list = JobTarget.list(text)
        #expect(list?.tasks.description == tasks)
        if tasks != nil { #expect(list?.job.rawValue == 123) }
    }

    @Test func arraysKnowTheirTasks() throws {
        let tasks = try ArraySpec("1-7:3,20%5")
        #expect([1, 4, 7, 20].allSatisfy(tasks.contains))
        #expect(![0, 2, 8, 10, 19, 21].contains(where: tasks.contains))
    }

    @Test func innerObjectsAreCut() throws {
        let account = try #require(
            SlurmRecord(
                [
                    "name": "lab",
                    "associations": [
                        ["account": "lab", "cluster": "demo", "user": "alice"],
                        ["account": "lab", "cluster": "other", "user": "alice"],
                        ["account": "lab", "cluster": "demo", "user": "bob"], ["account": "lab"],
                    ],
                ], noun: .account, version: APIVersion(rawValue: 42)))
        var cut = account
        cut.keep("associations", where: ["cluster": "demo", "user": "alice"])
        let left = cut.json(APIVersion(rawValue: 42))["associations"]?.array ?? []
        #expect(left.count == 1 && left[0]["cluster"]?.string == "demo" && left[0]["user"]?.string == "alice")
        cut.keep("associations", where: ["cluster": "nowhere"])
        #expect(cut.json(APIVersion(rawValue: 42))["associations"]?.array?.isEmpty == true)
    }
}
