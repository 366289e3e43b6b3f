// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// Who has power, as a directory of the test's says.
@Suite struct PowerScriptTests {
    static let people: [(gid: Int, reason: String?)] = [
        (20001, nil), (27, "sudo (27)"), (0, "root (0)"), (998, "998 (998)"), (30000, "docker (30000)"), (100, nil),
        (5000, nil),
    ]

    /// group(5) does not list those whose primary group it is. docker is no name that this directory lists, and alice
    /// none either.
    @Test(arguments: people, [true, false])
    func seesPrimaryGroups(_ person: (gid: Int, reason: String?), isListed: Bool) async throws {
        try await withScratchFolder { folder in
            let entry = "alice:x:20001:\(person.gid)::/home/alice:/bin/sh"
            let answers = """
                database=$1; shift
                all='root:x:0:\nsudo:x:27:\nusers:x:100:\nteam:x:5000:\nalice:x:20001:'
                case $database in
                group) [ $# = 0 ] && printf "$all\\n" || for g; do [ $g != docker ] || echo docker:x:30000:; done ;;
                passwd) [ $# = 0 ] && \(isListed ? "echo \(entry)" : "true") || for u; do [ $u != alice ] || echo \(entry); done ;;
                esac
                """
            var layout = AccountPlanTests.layout
            layout.slurmCommands = folder
            let alice = try UserName("alice")
            let setup = """
                cd \(folder); printf '%s\\n' '#!/bin/bash' \(shellQuoted(answers)) >getent
                printf '#!/bin/sh\\nexit 0\\n' >sacctmgr; chmod 755 getent sacctmgr
                """
            #expect(try await LockScriptTests.bash(setup).succeeded)
            let done = try await LockScriptTests.bash(PowerScript.make(among: [alice], in: layout))
            let seen = try NodeObservation(parsing: done.output, node: layout.controller)
            let reason = AccountConflict.powers(of: alice, seen).first
            #expect(
                reason == person.reason.map { "alice is in group \($0) there, which is privileged" }, "\(done.output)")
        }
    }
}
