// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// The scripts that lock, unlock and remove many users, run by bash on this machine, with its state, its accounts, its
/// homes and Slurm's commands in a scratch folder.
@Suite(.enabled(if: LockScriptTests.isRoot, "what a script works in belongs to root"), .serialized)
struct RemovalScriptTests {
    /// A machine of its own in a folder: passwd(5) and shadow(5) are files, and each program that is started for one user
    /// leaves a line in `calls`.
    struct Machine {
        let folder: String
        var layout = AccountPlanTests.layout

        static let getent = #"""
            here=${0%/bin/*}; kind=$1; shift
            [ -f "$here/$kind" ] || exit 2
            [ $# -gt 0 ] || { cat "$here/$kind"; exit; }
            for key; do awk -F: -v key="$key" -v kind="$kind" '$1 == key || kind != "shadow" && $3 == key' "$here/$kind"; done
            """#
        /// usermod, chage, userdel: the name is the last argument.
        static let change = #"""
            here=${0%/bin/*}; name=${!#}; echo "${0##*/} $*" >>"$here/calls"
            case "${0##*/} $*" in
            userdel*)
                [ ! -e "$here/busy.$name" ] || { echo "userdel: user $name is currently used by process 1"; exit 8; }
                for file in passwd shadow group; do sed -i "/^$name:/d" "$here/$file"; done ;;
            *--lock*) sed -Ei "s/^($name:)(!?)([^:]*:([^:]*:){5})[^:]*:/\1!\3""1:/" "$here/shadow" ;;
            *--unlock*) sed -Ei "s/^($name:)!/\1/" "$here/shadow" ;;
            *--expiredate*) day=$2; [ "$day" != -1 ] || day=; sed -Ei "s/^($name:([^:]*:){6})[^:]*:/\1$day:/" "$here/shadow" ;;
            esac
            """#
        static let scontrol = #"""
            case "$*" in
            'show config') printf 'ClusterName = dev\nAccountingStorageEnforce = limits\n' ;;
            'show partition'*) echo 'PartitionName=x QoS=N/A' ;;
            listpids) exit 1 ;;
            esac
            """#
        /// Associations are lines of `assoc`: user|account|partition|maxsubmit|grpsubmit|qos|defaultqos.
        static let sacctmgr = #"""
            here=${0%/bin/*}; echo "sacctmgr $*" >>"$here/calls"; users= format= set=
            for word; do case $word in user=*|name=*) users=,${word#*=}, ;; format=*) format=${word#*=} ;; account=*) account=${word#*=} ;; maxsubmitjobs=*) max=${word#*=} ;; grpsubmitjobs=*) group=${word#*=} ;; esac; done
            case "$*" in
            *'show qos'*) ;;
            *'delete user'*)
                while read -r held; do case $users in *",$held,"*) echo "Job(s) active, cancel job(s) before remove"; exit 1 ;; esac; done < <(cat "$here/held" 2>/dev/null)
                awk -F'|' -v users="$users" '!index(users, "," $1 ",")' "$here/assoc" >"$here/assoc.new"; mv "$here/assoc.new" "$here/assoc" ;;
            *modify*) awk -F'|' -v OFS='|' -v users="$users" -v account="${account-}" -v max="${max/-1/}" -v group="${group/-1/}" \
                'index(users, "," $1 ",") && (account == "" || account == $2) { $4 = max; $5 = group } 1' "$here/assoc" >"$here/assoc.new"; mv "$here/assoc.new" "$here/assoc" ;;
            *'show assoc'*) awk -F'|' -v users="$users" -v format="$format" 'BEGIN { n = split("user account partition maxsubmit grpsubmit qos defaultqos", names, " "); for (i = 1; i <= n; i++) at[names[i]] = i; m = split(format, wanted, ",") }
                users == "" || index(users, "," $1 ",") { line = ""; for (i = 1; i <= m; i++) line = line (i > 1 ? "|" : "") $at[wanted[i]]; print line }' "$here/assoc" ;;
            esac
            """#

        init(_ folder: String) { self.folder = folder }

        /// - Parameter prepare: run by bash in the folder.
        static func with(
            _ users: [(String, Int)], prepare: String = "", _ body: (Machine) async throws -> Void
        ) async throws {
            try await withScratchFolder { folder in
                var machine = Machine(folder)
                machine.layout.slurmCommands = folder + "/bin"
                var setup = "set -e; cd \(folder); chmod 755 .; mkdir -p bin etc homes mnt links; : >calls; : >group\n"
                for (name, body) in [
                    ("getent", getent), ("usermod", change), ("chage", change), ("userdel", change),
                    ("groupdel", change), ("scontrol", scontrol), ("sacctmgr", sacctmgr),
                    ("squeue", "cat ${0%/bin/*}/jobs 2>/dev/null || :"),
                ] {
                    setup += "printf '%s\\n' '#!/bin/bash' \(shellQuoted(body)) >bin/\(name); chmod 755 bin/\(name)\n"
                }
                for (name, uid) in users {
                    setup += """
                        echo '\(name):x:\(uid):\(uid)::\(folder)/homes/\(name):/bin/bash' >>passwd
                        echo '\(name):secret:1:0:99999:7:::' >>shadow; echo '\(name):x:\(uid):' >>group
                        echo '\(name)|research||5||normal|' >>assoc
                        mkdir -p homes/\(name)/.ssh; echo key >homes/\(name)/.ssh/authorized_keys; chown -R \(uid):\(uid) homes/\(name)

                        """
                }
                let prepared = try await LockScriptTests.bash(setup + prepare + "\n")
                try #require(prepared.succeeded, "\(prepared.errorOutput)")
                try await body(machine)
            }
        }

        func run(_ script: String) async throws -> String {
            let here = script.replacing("state=/var/lib/sallyport\n", with: "state=\(folder)/state\n")
                .replacing("/var/spool/", with: "\(folder)/spool/").replacing("/etc/", with: "\(folder)/etc/")
                .replacing("/var/lib/systemd", with: "\(folder)/linger")
                .replacing("/run/systemd/system", with: "\(folder)/systemd")
            let done = try await LockScriptTests.bash(here)
            #expect(done.errorOutput.isEmpty, "\(done.errorOutput)")
            #expect(done.output.hasSuffix("end\n"), "\(done.output)")
            return done.output
        }

        func bash(_ script: String) async throws -> String {
            try await LockScriptTests.bash("cd \(folder)\n" + script + "\n").output
        }

        /// With homes, as on the machine that serves them.
        func rows(_ users: [(String, Int)]) throws -> [RemovalScript.Row] {
            try users.map {
                RemovalScript.Row(
                    user: try UserName($0.0), uid: try UserID(UInt32($0.1)), home: "\(folder)/homes/\($0.0)")
            }
        }
    }

    static let users = [("alice", 6_043_001), ("bob", 6_043_002), ("carol", 6_043_003)]

    static func lock(_ machine: Machine, _ users: [(String, Int)] = users) async throws -> String {
        let rows = try machine.rows(users)
        return try await machine.run(RemovalScript.lock(rows, slurm: rows, .controller, in: machine.layout))
    }

    static func unlock(_ machine: Machine, _ users: [(String, Int)] = users) async throws -> String {
        let rows = try machine.rows(users)
        return try await machine.run(RemovalScript.unlock(rows, slurm: rows, .controller, in: machine.layout))
    }

    static func remove(_ machine: Machine, _ users: [(String, Int)] = users) async throws -> String {
        try await machine.run(RemovalScript.remove(try machine.rows(users), .controller, in: machine.layout))
    }

    static let all =
        "cat shadow assoc etc/cron.deny; cat homes/*/.ssh/authorized_keys; find state/locked homes/.sallyport-locked -type f | sort"

    @Test func locksEverybodyAndGivesEverythingBack() async throws {
        try await Machine.with(Self.users, prepare: ": >etc/cron.deny; sed -i 's/^carol:secret/carol:!*/' shadow") {
            machine in
            let before = try await machine.bash(Self.all)
            let said = try await Self.lock(machine)
            #expect(!said.contains("\tfailed\t"), "\(said)")
            for (user, _) in Self.users {
                for step in [
                    "account expiry\tdone", "cron and at\tdone", "authorized_keys\tdone", "submission limit\tdone",
                    "sessions\tunchanged",
                ] {
                    #expect(
                        said.split(separator: "\n").contains {
                            $0.hasPrefix("step\t\(step)\t") && $0.hasSuffix("\t\(user)")
                        }, "\(step) \(user): \(said)")
                }
            }
            #expect(try await machine.bash("cut -d: -f2,8 shadow") == "!secret:1\n!secret:1\n!*:1\n")
            #expect(
                try await machine.bash("cut -d'|' -f4,5 assoc | sort -u; cat etc/cron.deny")
                    == "0|0\nalice\nbob\ncarol\n")
            #expect(try await machine.bash("ls homes/*/.ssh/authorized_keys 2>/dev/null") == "")
            let once = try await machine.bash(Self.all)
            #expect(!(try await Self.lock(machine)).contains("\tfailed\t"))
            #expect(try await machine.bash(Self.all) == once)
            let back = try await Self.unlock(machine)
            #expect(!back.contains("\tfailed\t"), "\(back)")
            #expect(try await machine.bash(Self.all) == before)
        }
    }

    /// What may not be started once more for each user: looks, and Slurm's commands.
    @Test(arguments: [3, 60]) func startsTheSameFewProgramsForMore(count: Int) async throws {
        let users = (0..<count).map { ("u\($0)", 6_044_000 + $0) }
        let tally = "for one in usermod chage userdel groupdel sacctmgr; do grep -c \"^$one \" calls; done; : >calls"
        try await Machine.with(users) { machine in
            _ = try await Self.lock(machine, users)
            #expect(try await machine.bash(tally) == "\(count)\n0\n0\n0\n4\n")
            _ = try await Self.lock(machine, users)
            #expect(try await machine.bash(tally) == "0\n0\n0\n0\n4\n")
            _ = try await Self.unlock(machine, users)
            #expect(try await machine.bash(tally) == "\(count)\n\(count)\n0\n0\n2\n")
            _ = try await Self.remove(machine, users)
            #expect(try await machine.bash(tally) == "0\n0\n\(count)\n0\n4\n")
        }
    }

    /// Whoever is made by that name later has no day of somebody who is gone.
    @Test func theDayThatWasForeseenGoesWithTheAccount() async throws {
        let prepare = """
            mkdir -m 700 state; : >busy.carol
            printf '%s\\t40\\n' alice bob carol dave eve >state/expiring; sed -i /^bob:/d passwd shadow
            """
        try await Machine.with(Self.users, prepare: prepare) { machine in
            _ = try await Self.lock(machine)
            #expect(
                try await machine.bash("cut -f1 state/expiring | sort | paste -sd' '") == "alice bob carol dave eve\n")
            let said = try await Self.remove(machine)
            #expect(said.contains("step\taccount\tfailed\tuserdel: user carol is"), "\(said)")
            #expect(try await machine.bash("sort state/expiring") == "carol\t40\ndave\t40\neve\t40\n")
        }
    }

    @Test func leavesAnotherUIDOfThatNameAlone() async throws {
        try await Machine.with([("alice", 6_043_011), ("bob", 6_043_012)]) { machine in
            let before = try await machine.bash("cat passwd shadow")
            let wrong = [("alice", 6_043_019)]
            let rows = try machine.rows(wrong)
            for script in [
                RemovalScript.lock(rows, slurm: [], .other, in: machine.layout),
                RemovalScript.unlock(rows, slurm: [], .other, in: machine.layout),
                RemovalScript.remove(rows, .other, in: machine.layout),
                RemovalScript.discard(rows, homes: machine.folder + "/homes", scratch: nil, in: machine.layout),
            ] {
                let said = try await machine.run(script)
                #expect(!said.contains("account expiry\tdone") && !said.contains("account\tdone"), "\(said)")
                #expect(!said.contains("home\tdone"), "\(said)")
            }
            #expect(try await machine.bash("cat passwd shadow calls") == before)
            #expect(try await machine.bash("ls homes") == "alice\nbob\n")
        }
    }

    @Test func anExpiryOfItsOwnComesBackAndIsNotTaken() async throws {
        try await Machine.with(Self.users, prepare: "sed -Ei 's/^(alice:([^:]*:){6}):/\\130000:/' shadow") { machine in
            let back = try await Self.unlock(machine)
            #expect(back.contains("account expiry\tunchanged\twas not locked\talice"), "\(back)")
            #expect(try await machine.bash("grep ^alice shadow | cut -d: -f8") == "30000\n")
            _ = try await Self.lock(machine)
            _ = try await Self.unlock(machine)
            #expect(try await machine.bash("grep ^alice shadow | cut -d: -f8") == "30000\n")
        }
    }

    @Test func movesTablesAndWaitingJobsAsideAndBack() async throws {
        let prepare = """
            mkdir -p spool/cron/crontabs spool/cron/atjobs; : >etc/cron.deny; : >etc/at.deny
            echo tab >spool/cron/crontabs/alice; echo at >spool/cron/atjobs/a1; chown 6043002 spool/cron/atjobs/a1
            """
        try await Machine.with(Self.users, prepare: prepare) { machine in
            let look = "cat etc/*.deny; find spool -type f | sort"
            let before = try await machine.bash(look)
            _ = try await Self.lock(machine)
            #expect(try await machine.bash(look) == "alice\nbob\ncarol\nalice\nbob\ncarol\n")
            let back = try await Self.unlock(machine)
            #expect(!back.contains("\tfailed\t"), "\(back)")
            #expect(try await machine.bash(look) == before)
        }
    }

    /// Whose processes are seen or hide is ended as one alone is; the others cost nothing.
    @Test func endsWhatRunsOfAnybody() async throws {
        try await Machine.with(Self.users) { machine in
            let start = """
                setsid setpriv --reuid=6043002 --regid=6043002 --clear-groups sleep 1000 </dev/null >/dev/null 2>&1 &
                until pgrep -u 6043002 sleep >/dev/null; do :; done; echo started
                """
            #expect(try await machine.bash(start) == "started\n")
            let said = try await Self.lock(machine)
            #expect(said.contains("step\tsessions\tdone\t1 processes of bob outside of jobs ended\tbob"), "\(said)")
            #expect(said.contains("step\tsessions\tunchanged\talice runs nothing"), "\(said)")
            #expect(try await machine.bash("ps -o stat= -u 6043002 | grep -v Z") == "")
        }
    }

    @Test func saysWhoCanStillSubmit() async throws {
        let config = "printf 'ClusterName = dev\\nAccountingStorageEnforce = associations\\n'"
        try await Machine.with(Self.users, prepare: "printf '%s\\n' '#!/bin/sh' \(shellQuoted(config)) >bin/scontrol") {
            machine in
            let said = try await Self.lock(machine)
            #expect(said.contains("step\tsubmission limit\tfailed\tset, but AccountingStorageEnforce"), "\(said)")
        }
    }

    @Test func aJobKeepsTheAssociationOfOneAlone() async throws {
        try await Machine.with(Self.users, prepare: "echo bob >held; echo 'root|root||||normal|' >>assoc") { machine in
            let said = try await Self.remove(machine)
            #expect(said.contains("step\tassociation\tfailed\tJob(s) active") && said.contains("\tbob\n"), "\(said)")
            #expect(try await machine.bash("cut -d'|' -f1 assoc") == "bob\nroot\n")
        }
    }

    @Test func listsJobsThatHaveNotEnded() async throws {
        let jobs =
            "1 6043001 COMPLETED\n2 6043001 PENDING\n3 6043002 CANCELLED\n4 6043003 SOMETHING_NEW\n5 7 RUNNING\n6 6043001 COMPLETING"
        try await Machine.with(Self.users, prepare: "echo '\(jobs)' >jobs") { machine in
            let said = try await machine.run(
                RemovalScript.jobs(of: try machine.rows(Self.users), in: machine.layout))
            #expect(said == "job\t6043001\t2\njob\t6043003\t4\njob\t6043001\t6\nend\n")
        }
    }

    @Test func removesEverybodyButWhoIsBusyAndForgetsWhatWasKept() async throws {
        let prepare = ": >etc/cron.deny; : >busy.bob; echo keep:x:6043009: >>group"
        try await Machine.with(Self.users, prepare: prepare) { machine in
            _ = try await Self.lock(machine)
            let said = try await Self.remove(machine)
            #expect(
                said.contains("step\taccount\tdone\tremoved\talice")
                    && said.contains("step\taccount\tdone\tremoved\tcarol"))
            #expect(
                said.contains("step\taccount\tfailed\tuserdel: user bob is currently used by process 1\tbob"), "\(said)"
            )
            #expect(try await machine.bash("cut -d: -f1 passwd shadow group") == "bob\nbob\nbob\nkeep\n")
            #expect(try await machine.bash("ls state/locked | cut -d. -f1 | sort -u") == "bob\n")
            #expect(try await machine.bash("ls homes") == "alice\nbob\ncarol\n")
            let again = try await Self.remove(machine, [("alice", 6_043_001)])
            #expect(
                again.contains("step\taccount\tunchanged\t") && again.contains("step\tassociation\tunchanged\t"),
                "\(again)")
        }
    }

    static func discard(_ machine: Machine, links: Bool = true) async throws -> String {
        let scratch = try ClusterSetup.Scratch(
            folders: machine.folder + "/mnt", links: links ? machine.folder + "/links" : nil)
        return try await machine.run(
            RemovalScript.discard(
                try machine.rows(users), homes: machine.folder + "/homes", scratch: scratch, in: machine.layout))
    }

    /// Accounts are gone; folders and links are there.
    static let gone = """
        : >passwd; : >shadow; : >group
        for one in alice bob carol; do mkdir mnt/$one; chown --reference=homes/$one mnt/$one; ln -s $PWD/mnt/$one links/$one; done

        """

    @Test func deletesHomesAndScratch() async throws {
        let prepare =
            Self.gone + """
                echo precious >etc/precious; ln -s $PWD/etc homes/alice/etc; ln -s / mnt/bob/root; mkdir homes/other mnt/other
                mkdir -m 700 homes/.sallyport-removed homes/.sallyport-removed/carol homes/.sallyport-locked; : >homes/.sallyport-locked/bob.authorized_keys
                """
        try await Machine.with(Self.users, prepare: prepare) { machine in
            let said = try await Self.discard(machine)
            #expect(!said.contains("\tfailed\t"), "\(said)")
            #expect(said.split(separator: "\n").count { $0.contains("\tdone\t") } == 6, "\(said)")
            #expect(
                try await machine.bash("ls -A homes mnt links homes/.sallyport-locked; cat etc/precious") == """
                    homes:
                    .sallyport-locked
                    other

                    homes/.sallyport-locked:

                    links:

                    mnt:
                    other
                    precious

                    """)
            let again = try await Self.discard(machine)
            #expect(again.split(separator: "\n").count { $0.contains("\tunchanged\t") } == 6, "\(again)")
        }
    }

    static let refused: [(what: String, prepare: String, kind: String, reason: String)] = [
        (
            "an account is there", "echo 'alice:x:6043001:6043001::/:/bin/sh' >passwd", "home",
            "there is an account alice"
        ),
        (
            "a link", "mv homes/alice etc/alice; ln -s $PWD/etc/alice homes/alice", "home",
            "is not a folder of uid 6043001"
        ),
        ("somebody else's", "chown 0 homes/alice", "home", "is not a folder of uid 6043001"),
        ("a folder that others write to", "chmod 777 homes", "home", "others than root can write to"),
        ("a folder behind a link", "mv homes h; ln -s $PWD/h homes", "home", "is reached through a link"),
        ("no folder of ours", "ln -s $PWD/etc homes/.sallyport-removed", "home", "is not a folder of root's alone"),
        ("another link", "ln -sfn $PWD/etc links/alice", "scratch", "is not a link of ours"),
        ("a folder for a link", "rm links/alice; mkdir links/alice", "scratch", "is not a link of ours"),
        ("a link of the user's", "chown -h 6043001 links/alice", "scratch", "is not a link of ours"),
    ]

    @Test(arguments: refused) func deletesNothingElse(
        test: (what: String, prepare: String, kind: String, reason: String)
    ) async throws {
        try await Machine.with(Self.users, prepare: Self.gone + test.prepare) { machine in
            let look = "ls -AR etc; ls -d \(test.kind == "home" ? "homes" : "mnt links")/alice"
            let before = try await machine.bash(look)
            let said = try await Self.discard(machine)
            let line = said.split(separator: "\n").first {
                $0.hasPrefix("step\t\(test.kind)\tfailed") && $0.hasSuffix("\talice")
            }
            #expect(line?.contains(test.reason) == true, "\(said)")
            #expect(try await machine.bash(look) == before)
        }
    }

    @Test func staysOnTheFileSystem() async throws {
        try await Machine.with(Self.users, prepare: Self.gone + "mkdir homes/bob/disk") { machine in
            let mounted = try await machine.bash(
                "mount -t tmpfs none homes/alice && mount -t tmpfs none homes/bob/disk && chown 6043001 homes/alice && : >homes/bob/disk/kept && echo mounted"
            )
            guard mounted == "mounted\n" else { return }
            let said = try await Self.discard(machine)
            let kept = try await machine.bash("ls homes/.sallyport-removed/bob/disk")
            _ = try await machine.bash("umount homes/alice; umount homes/.sallyport-removed/bob/disk")
            #expect(said.contains("homes/alice is another file system than its parent; it stays"), "\(said)")
            #expect(said.contains("homes/bob could not be deleted whole"), "\(said)")
            #expect(kept == "kept\n")
        }
    }

    @Test func looksAtEverybodyOfTheRecord() async throws {
        let keys = """
            mkdir state; cat >state/accounts.jsonl <<'E'
            \(try AccountPlanTests.record("alice", 6_043_001).line)
            \(try AccountPlanTests.record("bob", 6_043_002).line)
            \(try AccountPlanTests.record("bob", 6_043_002, state: .locked, revision: 2).line)
            \(try AccountPlanTests.record("gone", 6_043_008, state: .removed).line)
            E
            echo 'from="10.0.0.0/8" ssh-ed25519 A sally:dev:nodes' >homes/bob/.ssh/authorized_keys
            sed -Ei 's/^(alice:([^:]*:){6}):/\\130000:/' shadow; echo 'eve:x:6043008:6043008::/:/bin/sh' >>passwd
            """
        try await Machine.with(Self.users, prepare: keys) { machine in
            let seen = try UsersObservation(
                parsing: try await machine.run(UsersProbe.controller(.all, .everything, in: machine.layout)),
                node: LockScriptTests.here)
            #expect(seen.records.count == 4 && Set(seen.users.keys) == ["alice", "bob"])
            #expect(seen.expiry == ["alice": 30000] && seen.today > 20000 && seen.keys == ["alice"])
            #expect(
                seen.owners[6_043_008]?.name == "eve" && seen.associations.mapValues(\.count) == ["alice": 1, "bob": 1])
            let one = try UsersObservation(
                parsing: try await machine.run(
                    UsersProbe.controller(
                        .named([try UserName("bob"), try UserName("carol")]), .accounts, in: machine.layout)),
                node: LockScriptTests.here)
            #expect(one.records.map(\.revision) == [1, 2] && Set(one.users.keys) == ["bob", "carol"])
            #expect(one.owners.keys.sorted() == [6_043_002])
            let other = try UsersObservation(
                parsing: try await machine.run(
                    UsersProbe.make(
                        [(name: try UserName("alice"), uid: try UserID(6_043_002))], .everything,
                        on: machine.layout.homeServer, in: machine.layout)), node: LockScriptTests.here)
            #expect(other.users.keys.sorted() == ["alice"] && other.owners[6_043_002]?.name == "bob")
            #expect(other.records.isEmpty && other.keys == ["alice"])
        }
    }

    /// A line of the record is written only over what was read.
    @Test func writesTheRecord() async throws {
        try await Machine.with([]) { machine in
            let first = try AccountPlanTests.record()
            let second = try AccountPlanTests.record(state: .locked, revision: 2)
            _ = try await machine.run(RemovalScript.record([first], replacing: [], in: machine.layout))
            let said = try await machine.run(RemovalScript.record([second], replacing: [], in: machine.layout))
            #expect(said.contains("step\trecord\tfailed"))
            _ = try await machine.run(RemovalScript.record([second], replacing: [first.line], in: machine.layout))
            #expect(try await machine.bash("cat state/accounts.jsonl") == "\(first.line)\n\(second.line)\n")
        }
    }
}
