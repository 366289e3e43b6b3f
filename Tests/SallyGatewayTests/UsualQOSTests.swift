// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import Testing

@testable import SallyGateway

/// What a job gets that names no QOS.
@Suite struct UsualQOSTests {
    private static func record(
        _ user: String, _ account: String, _ qos: [String], usual: String = "", parent: String = "",
        partition: String = ""
    ) -> SlurmRecord {
        var record = SlurmRecord(.association, version: APIVersion(rawValue: 42))
        record["user"] = .text(user)
        record["account"] = .text(account)
        record["qos"] = .words(qos)
        record["default.qos"] = .text(usual)
        record["parent_account"] = .text(parent)
        record["partition"] = .text(partition)
        return record
    }

    private func names(_ records: [SlurmRecord]) -> [String: String] {
        let names = UsualQOS(records).names(of: UserName(unchecked: "alice"))
        return Dictionary(uniqueKeysWithValues: names.map { ($0.key.rawValue, $0.value.rawValue) })
    }

    @Test func isTheOwnDefaultOrThatOfTheNextAbove() {
        let above = [
            Self.record("", "root", ["normal", "high"], usual: "rooted"), Self.record("", "dept", [], parent: "root"),
            Self.record("", "lab", [], usual: "quick", parent: "dept"), Self.record("", "far", [], parent: "dept"),
        ]
        #expect(names(above + [Self.record("alice", "lab", ["a", "b"], usual: "own")]) == ["lab": "own"])
        #expect(names(above + [Self.record("alice", "lab", ["a"])]) == ["lab": "quick"])
        #expect(names(above + [Self.record("alice", "far", ["a", "b"])]) == ["far": "rooted"])
        #expect(names(above + [Self.record("bob", "lab", ["a"])]) == [:])
    }

    @Test func isTheOnlyOneOrNormal() {
        #expect(names([Self.record("alice", "lab", ["long"])]) == ["lab": "long"])
        #expect(names([Self.record("alice", "lab", ["long", "high"])]) == ["lab": "normal"])
        #expect(names([Self.record("alice", "lab", [])]) == ["lab": "normal"])
        // Accounts that are above each other are no way round.
        let round = [Self.record("", "lab", [], parent: "dept"), Self.record("", "dept", [], parent: "lab")]
        #expect(names(round + [Self.record("alice", "lab", ["a", "b"])]) == ["lab": "normal"])
    }

    @Test func isNotKnownWherePartitionsDiffer() {
        let two = [
            Self.record("alice", "lab", [], usual: "quick", partition: "debug"),
            Self.record("alice", "lab", [], usual: "long", partition: "gpu"), Self.record("alice", "other", ["x"]),
        ]
        #expect(names(two) == ["other": "x"])
    }
}
