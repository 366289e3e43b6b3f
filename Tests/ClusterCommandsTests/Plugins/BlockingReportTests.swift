// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import Testing

@testable import ClusterCommands
@testable import SallyAccounts

@Suite struct BlockingReportTests {
    private func isBlocked(by user: String?, _ step: String, on place: String) -> Bool {
        var report = ClusterReport()
        report.steps = [
            ClusterReport.UserStep(
                user: user, step: KeeperReport.Step(name: step, place: place, outcome: .failed, detail: "why"))
        ]
        let names = ["node003", "master"].map { NodeName(unchecked: $0) }
        return report.blocking([names[0]], needing: [names[1]]).incomplete != nil
    }

    /// What a user did to the own files keeps nobody from a new node.
    @Test(
        arguments: [
            ("bob", "ssh", "master", false), ("bob", "home", "master", false), ("bob", "scratch", "node003", false),
            ("bob", "account", "node003", true), ("bob", "account", "node002", false),
            (nil, "known hosts", "node003", true), (nil, "record", "master", true),
            (nil, "known hosts", "node002", false),
        ] as [(String?, String, String, Bool)])
    func oneUsersFilesHoldNoNodeBack(_ user: String?, _ step: String, _ place: String, _ isBlocked: Bool) {
        #expect(self.isBlocked(by: user, step, on: place) == isBlocked)
    }
}
