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
        commands: [String: String] = [:], prepare: String = "", account: Bool = false
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
            place: .init(account: account, slurm: slurm), in: layout)
        let here = script.replacing("state=/var/lib/sallyport\n", with: "state=\(folder)/state\n")
            .replacing("/var/spool/", with: "\(folder)/spool/").replacing("/etc/", with: "\(folder)/etc/")
            .replacing("/run/systemd/system", with: "\(folder)/systemd")
        return try await bash(here).output
    }

    @Test func doesFirstWhatNoUserCanDelay() throws {
        let script = LockScript.make(
            .lock, user: try UserName("alice"), uid: try UserID(20001), home: "/home/alice",
            record: (line: "x", before: []), place: .init(account: true, slurm: true), in: AccountPlanTests.layout)
        let calls = try [
            "lock_account", "lock_keys", "slurm_lock", "record_line", "end_sessions", "slurm_scrontab", "slurm_requeue",
        ].map {
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

    /// Somebody whom no command of this machine's is asked about.
    static let person = [
        "getent":
            "case $1 in passwd) echo alice:x:20001:20001::/home/alice:/bin/bash ;; shadow) echo 'alice:!:1:::::1:' ;; esac",
        "usermod": "exit 0", "chage": "exit 0", "scontrol": "exit 1",
    ]

    static let spool = "mkdir -p etc spool/cron/crontabs spool/cron/atjobs; : >etc/cron.deny; : >etc/at.deny; "

    @Test(.enabled(if: isRoot)) func givesBackWhatTheFirstLockTook() async throws {
        try await withScratchFolder { folder in
            let tab = "\(folder)/spool/cron/crontabs/alice"
            let at = "\(folder)/spool/cron/atjobs/a0001"
            for text in ["first", "second"] {
                let said = try await Self.run(
                    .lock, in: folder, slurm: false, commands: Self.person,
                    prepare: Self.spool + "echo \(text) >\(tab); echo \(text) >\(at); chown 20001:20001 \(at) \(tab)",
                    account: true)
                if text == "first" { #expect(said.contains("step\tcron and at\tdone"), "\(said)") }
                #expect(try await !Self.bash("ls \(tab)").succeeded)
            }
            // What came between the locks under a name that is taken stays where it is, and the report says so.
            _ = try await Self.bash("rm -f \(at)")
            let back = try await Self.run(.unlock, in: folder, slurm: false, commands: Self.person, account: true)
            #expect(back.contains("step\tcron and at\tdone"), "\(back)")
            #expect(
                try await Self.bash("cat \(tab) \(at); stat -c %u \(at); ls \(folder)/state/locked").output
                    == "first\nfirst\n20001\n")
        }
    }

    @Test(.enabled(if: isRoot)) func givesBackAtJobsOfAnEarlierVersion() async throws {
        try await withScratchFolder { folder in
            let back = try await Self.run(
                .unlock, in: folder, slurm: false, commands: Self.person,
                prepare: Self.spool + "mkdir -p state/locked/alice.at; echo old >state/locked/alice.at/a7",
                account: true)
            #expect(back.contains("step\tcron and at\tdone"), "\(back)")
            #expect(try await Self.bash("cat \(folder)/spool/cron/atjobs/a7").output == "old\n")
        }
    }

    /// sacctmgr that keeps one association's limits in a file, of two columns: MaxSubmitJobs, GrpSubmitJobs.
    static let association = [
        "scontrol":
            "case $2 in config) printf 'ClusterName = dev\nAccountingStorageEnforce = limits\n' ;; esac",
        "squeue": "exit 0",
        "sacctmgr": #"""
        f=${0%/*}/../assoc; [ -e "$f" ] || echo '5 7' >"$f"; read -r m g <"$f"
        case $* in
        *modify*) for w; do case $w in maxsubmitjobs=*) m=${w#*=} ;; grpsubmitjobs=*) g=${w#*=} ;; esac; done; echo "${m/-1/} ${g/-1/}" >"$f" ;;
        *format=account,partition,maxsubmit,grpsubmit*) echo "research||$m|$g" ;;
        *format=account,partition,maxsubmit*) echo "research||$m" ;;
        *format=maxsubmit,grpsubmit*) echo "$m|$g" ;;
        esac
        """#,
    ]

    @Test(.enabled(if: isRoot)) func unlocksWhatAnEarlierVersionLocked() async throws {
        try await withScratchFolder { folder in
            let old = "mkdir -p state/locked; echo 'research||5' >state/locked/alice.limits; echo '0 7' >assoc"
            let back = try await Self.run(.unlock, in: folder, slurm: true, commands: Self.association, prepare: old)
            #expect(back.contains("step\tsubmission limit\tdone"), "\(back)")
            #expect(try await Self.bash("cat \(folder)/assoc").output == "5 7\n")
        }
    }

    @Test(.enabled(if: isRoot)) func locksAgainWhatAnEarlierVersionLocked() async throws {
        try await withScratchFolder { folder in
            let old = "mkdir -p state/locked; echo 'research||5' >state/locked/alice.limits; echo '0 7' >assoc"
            let said = try await Self.run(.lock, in: folder, slurm: true, commands: Self.association, prepare: old)
            #expect(said.contains("step\tsubmission limit\tdone"), "\(said)")
            #expect(
                try await Self.bash("cat \(folder)/assoc \(folder)/state/locked/alice.limits").output
                    == "0 0\nresearch||5|7\n")
            let back = try await Self.run(.unlock, in: folder, slurm: true, commands: Self.association)
            #expect(back.contains("step\tsubmission limit\tdone"), "\(back)")
            #expect(try await Self.bash("cat \(folder)/assoc").output == "5 7\n")
        }
    }

    /// Whoever is ensured by that name after a removal gets back no limits of before, neither of the first lock's nor what
    /// the lock itself set.
    @Test(.enabled(if: isRoot), arguments: [true, false])
    func keepsNoLimitsOfARemovedAccount(account: Bool) async throws {
        try await withScratchFolder { folder in
            var commands = Self.association.merging(Self.person) { first, _ in first }
            commands["getent"] =
                "[ ! -e \(folder)/gone ] || exit 2\n" + (Self.person["getent"] ?? "")
            commands["userdel"] = ": >\(folder)/gone"
            _ = try await Self.run(.lock, in: folder, slurm: true, commands: commands)
            let kept = "ls \(folder)/state/locked"
            #expect(try await Self.bash(kept).output.contains("alice.limits"))
            _ = try await Self.run(
                .remove, in: folder, slurm: true, commands: commands,
                prepare: ": >state/locked/alice.qos; printf 'alice\\t40\\nbob\\t41\\n' >state/expiring",
                account: account)
            #expect(try await Self.bash(kept).output == "")
            #expect(try await Self.bash("cat \(folder)/state/expiring").output == "bob\t41\n")
            _ = try await Self.run(.lock, in: folder, slurm: true, commands: commands)
            #expect(try await Self.bash(kept).output == "")
            let back = try await Self.run(.unlock, in: folder, slurm: true, commands: commands)
            #expect(back.contains("step\tsubmission limit\tskipped\t"), "\(back)")
            #expect(try await Self.bash("cat \(folder)/assoc").output == "0 0\n")
        }
    }

    @Test(.enabled(if: isRoot)) func keepsTheLimitsOfAnAccountThatCannotBeRemoved() async throws {
        try await withScratchFolder { folder in
            var commands = Self.person
            commands["userdel"] = "exit 8"
            let said = try await Self.run(
                .remove, in: folder, slurm: true, commands: commands,
                prepare: "mkdir -p state/locked; : >state/locked/alice.limits; : >state/locked/alice.qos",
                account: true)
            #expect(said.contains("step\taccount\tfailed"), "\(said)")
            #expect(try await Self.bash("ls \(folder)/state/locked").output == "alice.limits\nalice.qos\n")
        }
    }

    static let loose: [(qos: String, partition: String, enforce: String, outcome: String)] = [
        ("free|100|10|", "N/A", "limits", "failed"), ("free|100||10", "N/A", "limits", "failed"),
        ("other|100|10|", "other", "limits", "failed"), ("free|100||", "N/A", "limits", "done"),
        ("free||10|10", "N/A", "limits", "done"), ("other|100|10|", "N/A", "limits", "done"),
        ("free|0|10|", "N/A", "limits", "done"), ("free|100|0|5", "N/A", "limits", "done"),
    ]

    /// AccountingStorageEnforce without `qos` lets a job name any QOS: nothing holds then, and the report says so.
    @Test(.enabled(if: isRoot), arguments: loose)
    func saysWhenAQOSOverrulesTheLimit(qos: String, partition: String, enforce: String, outcome: String) async throws {
        try await withScratchFolder { folder in
            var commands = Self.association
            commands["scontrol"] =
                "case $2 in config) printf 'ClusterName = dev\nAccountingStorageEnforce = \(enforce)\n' ;; partition) echo 'PartitionName=x QoS=\(partition) DefaultTime=1' ;; esac"
            commands["sacctmgr"] =
                "case $* in *'show qos format'*) echo '\(qos)'; exit ;; *format=account,partition,qos*) echo 'research||normal,free|'; exit ;; esac\n"
                + (Self.association["sacctmgr"] ?? "")
            let said = try await Self.run(.lock, in: folder, slurm: true, commands: commands)
            #expect(said.contains("step\tsubmission limit\t\(outcome)\t"), "\(said)")
        }
    }
}
