// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SlurmModel
import StrictJSON
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

    /// Accounts `lab` and `far`, of `dept`, below the root.
    private static func accounts(root: String = "", lab: String = "") -> [SlurmRecord] {
        [
            record("", "root", ["normal", "high"], usual: root), record("", "dept", [], parent: "root"),
            record("", "lab", [], usual: lab, parent: "dept"), record("", "far", [], parent: "dept"),
        ]
    }

    @Test func isTheOwnDefaultOrThatOfTheNextAbove() {
        let above = Self.accounts(root: "rooted", lab: "quick")
        #expect(names(above + [Self.record("alice", "lab", ["a", "b"], usual: "own")]) == ["lab": "own"])
        #expect(names(above + [Self.record("alice", "lab", ["a", "quick"])]) == ["lab": "quick"])
        #expect(names(above + [Self.record("alice", "far", ["a", "b"])]) == ["far": "rooted"])
        #expect(names(above + [Self.record("bob", "lab", ["a"])]) == [:])
        // Either of the two; Slurm would have said the first of the association.
        #expect(names(above + [Self.record("alice", "lab", ["a"])]) == [:])
        #expect(names(above + [Self.record("alice", "lab", ["quick"])]) == ["lab": "quick"])
    }

    @Test func isTheOnlyOneOrNormal() {
        #expect(names(Self.accounts() + [Self.record("alice", "lab", ["long"])]) == ["lab": "long"])
        #expect(names(Self.accounts() + [Self.record("alice", "lab", ["long", "normal"])]) == ["lab": "normal"])
        #expect(names(Self.accounts() + [Self.record("alice", "root", ["high", "normal"])]) == ["root": "normal"])
    }

    /// A job by it would not be permitted: whatever a job has, it is not known to be the default.
    @Test(arguments: [["long", "high"], [], ["+normal", "-long"]])
    func isNotKnownWhereNormalIsNotPermitted(qos: [String]) {
        #expect(names(Self.accounts() + [Self.record("alice", "lab", qos)]) == [:])
    }

    @Test func isNotKnownWhereNotAllAccountsAreListed() {
        for permitted in [["normal"], ["normal", "high"]] {
            let mine = Self.record("alice", "lab", permitted)
            #expect(names([mine]) == [:])
            for missing in ["root", "dept", "lab"] {
                let known = Self.accounts().filter { $0.text("account") != missing }
                #expect(names(known + [mine]) == [:], "\(missing)")
            }
            // An account that says of nothing that it is below something is not the root.
            let orphan = Self.accounts().filter { $0.text("account") != "dept" } + [Self.record("", "dept", [])]
            #expect(names(orphan + [mine]) == [:])
            // The root's own person is not the root.
            let person =
                Self.accounts().filter { $0.text("account") != "root" } + [Self.record("root", "root", ["normal"])]
            #expect(names(person + [mine]) == [:])
            // Accounts that are above each other are no way round.
            let round = [Self.record("", "lab", [], parent: "dept"), Self.record("", "dept", [], parent: "lab")]
            #expect(names(round + [mine]) == [:])
        }
        // What the association says itself needs no accounts.
        #expect(names([Self.record("alice", "lab", ["a", "b"], usual: "own")]) == ["lab": "own"])
    }

    @Test func isNotKnownWherePartitionsDiffer() {
        let two = [
            Self.record("alice", "lab", [], usual: "quick", partition: "debug"),
            Self.record("alice", "lab", [], usual: "long", partition: "gpu"), Self.record("alice", "far", ["x"]),
        ]
        #expect(names(Self.accounts() + two) == ["far": "x"])
    }

    /// What real daemons list: `normal` alone is permitted, and nobody says a default.
    @Test(arguments: ["22.05.8/v0.0.38", "24.11.5/v0.0.42"]) func isNormalWhereNobodySetAnything(daemon: String) throws
    {
        let root = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(root)/SlurmModelTests/Fixtures/slurmrestd/\(daemon)/associations.json"
        let json = try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: path))))
        let version = try APIVersion(String(daemon.split(separator: "/")[1]))
        let records = (json["associations"]?.array ?? []).compactMap {
            SlurmRecord($0, noun: .association, version: version)
        }
        let names = UsualQOS(records).names(of: UserName(unchecked: "recorder"))
        #expect(
            names.mapValues(\.rawValue) == [
                AccountName(unchecked: "gpu"): "normal", AccountName(unchecked: "research"): "normal",
            ])
    }
}
