// SPDX-License-Identifier: Apache-2.0

import Glibc
import SallyAccounts
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

/// The lock script run by bash on this machine, with its state, its homes and Slurm's commands in a scratch folder.
@Suite struct LockScriptTests {
    static let here = NodeName(unchecked: "here")
    /// What a script needs for its folders being root's.
    static let isRoot = getuid() == 0

    static func bash(_ script: String) async throws -> Completion {
        try await LocalTransport(node: here, environment: [:]).run(.script(script), on: here)
    }

    /// - Parameter commands: body of each of Slurm's commands.
    static func run(
        _ act: LockScript.Act, in folder: String, slurm: Bool, record: (line: String, before: [String])? = nil,
        commands: [String: String] = [:], prepare: String = ""
    ) async throws -> String {
        var layout = AccountPlanTests.layout
        layout.slurmCommands = folder + "/bin"
        var setup = "cd \(folder) && mkdir -p bin home/alice/.ssh && chown -R 20001:20001 home/alice\n"
        for (name, body) in commands {
            setup += "printf '%s\\n' '#!/bin/bash' \(shellQuoted(body)) >bin/\(name); chmod 755 bin/\(name)\n"
        }
        let prepared = try await bash("set -e\n" + setup + prepare + "\n")
        try #require(prepared.succeeded, "\(String(decoding: prepared.standardError, as: UTF8.self))")
        let script = LockScript.make(
            act, user: try UserName("alice"), uid: try UserID(20001), home: folder + "/home/alice", record: record,
            place: .init(account: false, slurm: slurm), in: layout)
        return try await bash(script.replacing("state=/var/lib/sallyport\n", with: "state=\(folder)/state\n")).output
    }

    @Test func doesFirstWhatNoUserCanDelay() throws {
        let script = LockScript.make(
            .lock, user: try UserName("alice"), uid: try UserID(20001), home: "/home/alice",
            record: (line: "x", before: []), place: .init(account: true, slurm: true), in: AccountPlanTests.layout)
        let calls = try ["lock_account", "lock_keys", "slurm_lock", "record_line", "slurm_requeue"].map {
            try #require(script.firstRange(of: "\n\($0) 'alice'"), "\($0)").lowerBound
        }
        #expect(calls == calls.sorted())
    }

    static let quiet = [
        "sacctmgr": "exit 0", "squeue": "for i in {1..1000}; do echo $i 20001; done; echo 5000 20002",
        "scontrol": "[ $1 = show ] && echo 'ClusterName = dev' || echo \"$*\" >>${0%/*}/../updates",
    ]

    @Test(.enabled(if: isRoot)) func keepsManyJobsFromRequeueingInAFewCalls() async throws {
        try await withScratchFolder { folder in
            let said = try await Self.run(.lock, in: folder, slurm: true, commands: Self.quiet)
            #expect(said.contains("step\trequeue\tdone\t1000 jobs of alice"), "\(said)")
            let updates = try await Self.bash("cat \(folder)/updates").output.split(separator: "\n")
            #expect(updates.count == 4)
            #expect(!updates.contains { $0.contains("5000") })
        }
    }

    @Test(.enabled(if: isRoot)) func saysWhichJobsItCouldNotReach() async throws {
        try await withScratchFolder { folder in
            var commands = Self.quiet
            commands["squeue"] =
                "case $* in *-j*) [ \"${*: -1}\" = 2 ] || echo there ;; *) echo '1 20001'; echo '2 20001' ;; esac"
            commands["scontrol"] = "[ $1 = show ] && echo 'ClusterName = dev' || exit 1"
            let said = try await Self.run(.lock, in: folder, slurm: true, commands: commands)
            #expect(said.contains("step\trequeue\tfailed\t1 jobs of alice"), "\(said)")
        }
    }

    @Test(.enabled(if: isRoot)) func goesOnWhenTheRecordHasChanged() async throws {
        try await withScratchFolder { folder in
            let said = try await Self.run(
                .lock, in: folder, slurm: true, record: (line: "x", before: ["another"]), commands: Self.quiet)
            #expect(said.contains("step\trecord\tfailed") && said.contains("step\trequeue\tdone"), "\(said)")
            #expect(said.split(separator: "\n").filter { $0 == "end" }.count == 1)
        }
    }

    @Test(.enabled(if: isRoot)) func leavesTheOwnerOfAHardLinkAlone() async throws {
        try await withScratchFolder { folder in
            let said = try await Self.run(
                .lock, in: folder, slurm: false,
                prepare: "cd home/alice; echo k >other; chown 20007:20007 other; ln other .ssh/authorized_keys")
            #expect(said.contains("step\tauthorized_keys\tdone"), "\(said)")
            #expect(
                try await Self.bash("stat -c %u \(folder)/home/alice/other; ls \(folder)/home/alice/.ssh").output
                    == "20007\n")
            let back = try await Self.run(.unlock, in: folder, slurm: false, prepare: "true >/dev/null")
            #expect(back.contains("step\tauthorized_keys\tfailed") && back.contains("hard link"), "\(back)")
        }
    }

    @Test(.enabled(if: isRoot)) func bringsKeysBackWithTheirOwner() async throws {
        try await withScratchFolder { folder in
            let keys = "\(folder)/home/alice/.ssh/authorized_keys"
            _ = try await Self.run(
                .lock, in: folder, slurm: false, prepare: "echo k >\(keys); chown 20001:20001 \(keys)")
            #expect(try await !Self.bash("ls \(keys)").succeeded)
            let back = try await Self.run(.unlock, in: folder, slurm: false)
            #expect(back.contains("step\tauthorized_keys\tdone"), "\(back)")
            #expect(try await Self.bash("cat \(keys); stat -c %u \(keys)").output == "k\n20001\n")
        }
    }

    static let enforcements: [(enforce: String, outcome: String)] = [
        ("associations,limits,qos,safe", "done"), ("associations,safe", "done"), ("all", "done"),
        ("associations", "failed"), ("none", "failed"), ("associations,qos,nolimits", "failed"),
    ]

    @Test(.enabled(if: isRoot), arguments: enforcements)
    func saysWhenSlurmEnforcesNoLimits(enforce: String, outcome: String) async throws {
        try await withScratchFolder { folder in
            var commands = Self.quiet
            commands["scontrol"] =
                "printf 'ClusterName = dev\nAccountingStorageEnforce = %s\n' \(enforce)"
            commands["sacctmgr"] =
                "echo \"$*\" >>\(folder)/asked; case $* in *modify*) ;; *format=account*) echo 'a||5|' ;; *) echo '0|0' ;; esac"
            let said = try await Self.run(.lock, in: folder, slurm: true, commands: commands)
            #expect(said.contains("step\tsubmission limit\t\(outcome)\t"), "\(said)")
            #expect(try await Self.bash("cat \(folder)/asked").output.contains("set maxsubmitjobs=0 grpsubmitjobs=0"))
            #expect(try await Self.bash("cat \(folder)/state/locked/alice.limits").output == "a||5|\n")
        }
    }

    /// `mv -n` succeeds where it does nothing.
    @Test(.enabled(if: isRoot)) func saysWhenALinkStaysInPlace() async throws {
        try await withScratchFolder { folder in
            let said = try await Self.run(
                .lock, in: folder, slurm: false,
                prepare: """
                    rmdir home/alice/.ssh; ln -s /etc home/alice/.ssh
                    mkdir -m 700 home/.sallyport-locked; ln -s x home/.sallyport-locked/alice.ssh-link
                    """)
            #expect(said.contains("step\tauthorized_keys\tfailed"), "\(said)")
        }
    }
}
