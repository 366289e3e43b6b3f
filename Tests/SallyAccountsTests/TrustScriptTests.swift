// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

/// Scripts around ~/.ssh and scratch folders, run by bash on folders of the test.
@Suite(.enabled(if: LockScriptTests.isRoot, "only root can give files to others")) struct TrustScriptTests {
    private func bash(_ script: String) async throws -> String {
        let ran = try await runProgram(
            "/bin/bash", ["-c", script], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        #expect(ran.errors.isEmpty, "\(ran)")
        return ran.output
    }

    /// With a minute for what has two seconds.
    private static let patientLibrary = TrustProbe.library.replacing("marks 2 ", with: "marks 60 ")
    private static let probe = "set -u\n" + ScriptParts.library + ProbeScript.library + patientLibrary

    /// Where a link leads is its owner's to choose.
    @Test func aLinksTargetIsNoLineOfTheAnswer() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.probe + """
                    cd \(folder); ln -s $'x\\nhostkey\\tssh-ed25519 EVIL\\naddress\\t10.0.0.1' forged; ln -s /mnt/alice good
                    printf '%s\\n' \(folder)/forged \(folder)/good \(folder)/none | probe_paths
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("node001"))
            #expect(seen.hostKeys.isEmpty && seen.addresses.isEmpty)
            #expect(seen.paths["\(folder)/forged"]?.target == "?")
            #expect(seen.paths["\(folder)/good"]?.target == "/mnt/alice")
            #expect(seen.paths.count == 2)
        }
    }

    /// One who has made something of his file that cannot be read is said; the others are read.
    @Test func oneUnreadFileHidesNoOther() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.probe + """
                    cd \(folder)
                    for name in a b c d; do mkdir -p $name/.ssh; echo "ssh-rsa X sally:demo:key" >$name/.ssh/authorized_keys; done
                    truncate -s 300K b/.ssh/authorized_keys; rm c/.ssh/authorized_keys; mkfifo c/.ssh/authorized_keys
                    homes=(\(folder)/{a,b,c,d})
                    grep() { command grep "$@"; }
                    probe_ssh sally:demo:
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("master"))
            #expect(seen.ssh["\(folder)/a"]?.marked == ["ssh-rsa X sally:demo:key"])
            #expect(seen.ssh["\(folder)/b"]?.isUnread == true)
            #expect(seen.ssh["\(folder)/c"]?.marked.isEmpty == true)
            #expect(seen.ssh["\(folder)/d"]?.marked.count == 1 && seen.ssh["\(folder)/d"]?.isUnread == false)
        }
    }

    /// (what is in the file, as printf(1) has it; lines of ours, nil where the file is not to be touched)
    @Test(arguments: [
        (#"own\n%s\nmore\n"#, Int?.some(1)), (#"%s\0\n"#, nil), (#"%s\nown\0key\n"#, nil), (#"\0\n"#, nil),
        (#"own\0key"#, nil), (#"%s\n\377\303\n"#, 1), (#"%s\n\tblank\tand\ttab\n"#, 1),
        ("$(yes '%s' | head -n 19)", 19), ("$(yes '%s' | head -n 20)", nil), ("$(yes '%s' | head -n 500)", nil),
        ("%s\\n$(printf %%020000d 7)\\tsally sally:demo:key\\n", nil), ("$(yes own | head -n 500)\\n%s\\n", 1),
    ]) func aFileThatIsNoPlainTextIsNotTakenForNone(_ format: String, _ lines: Int?) async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                "export LC_ALL=C\n" + Self.probe + """
                    cd \(folder); mkdir -p a/.ssh b/.ssh; echo "ssh-rsa B sally:demo:key" >b/.ssh/authorized_keys
                    format="\(format)"; n=0
                    while [[ $format == *%s* ]]; do n=$((n + 1)); format=${format/\\%s/ssh-rsa A$n sally:demo:key}; done
                    printf "$format" >a/.ssh/authorized_keys
                    homes=(\(folder)/{a,b}); probe_ssh sally:demo:
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("master"))
            #expect(seen.ssh["\(folder)/a"]?.isUnread == (lines == nil), "\(said)")
            if let lines { #expect(seen.ssh["\(folder)/a"]?.marked.count == lines, "\(said)") }
            #expect(seen.ssh["\(folder)/b"]?.marked == ["ssh-rsa B sally:demo:key"])
            #expect(seen.ssh["\(folder)/b"]?.isUnread == false)
        }
    }

    /// The last line of a name counts, and who was locked may be unlocked.
    @Test func whoWasRemovedStandsNoMore() async throws {
        try await withScratchFolder { folder in
            let lines = try [
                ("alice", ManagedRecord.State.active), ("bob", .active), ("carol", .locked), ("dave", .removed),
                ("bob", .removed), ("dave", .active),
            ].map { try AccountPlanTests.record($0, 30000, state: $1).line }
            try writeFile(
                "\(folder)/accounts.jsonl", lines.joined(separator: "\n") + "\nnonsense\n{\"user\":\"A b\"}\n")
            let said = try await bash(
                Self.probe + "state=\(folder); probe_standing; state=\(folder)/none; probe_standing")
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("master"))
            #expect(seen.standing.map(\.rawValue).sorted() == ["alice", "carol", "dave"])
        }
    }

    /// The day of an account that could not be made is nobody's; one that could not be set is owed still.
    @Test func aDayThatIsOwedIsKept() async throws {
        try await withScratchFolder { folder in
            let rows = ["ann", "ben", "cid", "dan", "eva"].map { "\($0)\t40" }.joined(separator: "\n")
            let said = try await bash(
                Self.change + ExpiryScript.keeping + ExpiryScript.library + """
                    state=\(folder); printf 'eve\\t7\\nann\\t3\\n' >$state/expiring
                    getent() { case $2 in ben) return 2 ;; eva) return 1 ;; esac; }
                    chage() { [ "$3" != cid ] || { echo no; return 1; }; }
                    foresee_expiry <<<$'\(rows.replacing("\n", with: "\\n").replacing("\t", with: "\\t"))'
                    sort $state/expiring
                    spoil ben account 'no such shell'; spoil dan groups 'no such group'; spoil eva account no
                    expire_accounts <<<$'\(rows.replacing("\n", with: "\\n").replacing("\t", with: "\\t"))'
                    sort $state/expiring
                    """)
            #expect(
                said == """
                    \(rows)
                    eve\t7
                    step\taccount\tfailed\tno such shell\tben
                    step\tgroups\tfailed\tno such group\tdan
                    step\taccount\tfailed\tno\teva
                    step\texpiry\tdone\t1970-02-10\tann
                    step\texpiry\tfailed\tno\tcid
                    cid\t40
                    dan\t40
                    eva\t40
                    eve\t7

                    """)
        }
    }

    /// What grep(1) could not read in the crowd is looked at one by one.
    @Test func whatFailsInTheCrowdIsReadAlone() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.probe + """
                    cd \(folder)
                    for name in a b; do mkdir -p $name/.ssh; echo "ssh-rsa X sally:demo:key" >$name/.ssh/authorized_keys; done
                    homes=(\(folder)/{a,b})
                    eval "real_$(declare -f marks)"
                    marks() { files=$(cat); [ "$(wc -l <<<"$files")" -lt 2 ] && [[ $files != */b/* ]] && real_marks "$@" <<<"$files"; }
                    probe_ssh sally:demo:
                    """)
            let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("master"))
            #expect(seen.ssh["\(folder)/a"]?.marked.count == 1)
            #expect(seen.ssh["\(folder)/b"]?.isUnread == true)
        }
    }

    /// (what is done to the folder above, whether root alone decides what is in the folder)
    @Test(arguments: [
        ("true", true), ("chmod 1777 above", true), ("chmod 777 above", false), ("chown 12345 above", false),
        ("chmod 777 above/place", false), ("chmod 1777 above/place", false),
        ("ln -s above/place link; place=link", false),
    ]) func rootsOwnAllTheWayUp(_ change: String, _ isFit: Bool) async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                "set -u\n" + AccountScript.stepLibrary + """
                    chmod 755 \(folder); cd \(folder); mkdir -p -m 755 above/place; chmod 755 above; place=above/place
                    \(change)
                    roots_own "\(folder)/$place" && echo fit || echo unfit
                    """)
            #expect(said == (isFit ? "fit\n" : "unfit\n"))
        }
    }

    private static let change = "set -u\numask 077\n" + AccountScript.stepLibrary + HomeScript.library

    /// Owner, mode and kind of what lies at these paths.
    private static let look = "look() { stat -c '%n %u:%g %a %F' -- \"$@\" | sed 's/ directory$//'; }\n"

    /// (uids, what tar(1) is, whether uids are too large for tar)
    @Test(arguments: [
        ([60001, 60002], "command tar \"$@\""), ([60001, 4_000_000_000], "command tar \"$@\""),
        ([2_097_151, 60002], "command tar \"$@\""), ([60001, 60002], "return 127"),
        // One that says that it did what the format has no room for is not asked.
        ([60001, 2_097_152], "return 0"),
    ]) func scratchFoldersAreTheirs(_ uids: [UInt32], _ tar: String) async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.change + ScratchScript.library + Self.look + """
                    chmod 755 \(folder); cd \(folder); tar() { \(tar); }
                    make_scratch \(folder)/m \(folder)/s <<<$'alice\\t\(uids[0])\\nbob\\t\(uids[1])' | sort
                    look m/*; readlink s/alice s/bob; ls -A m s | grep sally; stat -c '%u %a' m s
                    """)
            #expect(
                said == """
                    step\tscratch\tdone\t\(folder)/m/alice\talice
                    step\tscratch\tdone\t\(folder)/m/bob\tbob
                    m/alice \(uids[0]):\(uids[0]) 700
                    m/bob \(uids[1]):\(uids[1]) 700
                    \(folder)/m/alice
                    \(folder)/m/bob
                    0 755
                    0 755

                    """)
        }
    }

    /// What is there keeps its owner and leads where it leads; the others are made.
    @Test func scratchTakesNothingThatIsThere() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.change + ScratchScript.library + Self.look + """
                    chmod 755 \(folder); cd \(folder); mkdir -m 755 m s m/alice m/carol; mkdir -m 700 m/dan; chown 60004:60004 m/dan
                    chown 7:7 m/carol; ln -s /etc s/bob; touch m/erin
                    make_scratch \(folder)/m \(folder)/s \
                        <<<$'alice\\t60001\\nbob\\t60002\\ncarol\\t60003\\ndan\\t60004\\nerin\\t60005\\nfay\\t60006' | cut -f3,5 | sort -k2
                    look m/*; readlink s/*
                    """)
            #expect(
                said == """
                    failed\talice
                    failed\tbob
                    failed\tcarol
                    done\tdan
                    failed\terin
                    done\tfay
                    m/alice 0:0 755
                    m/bob 60002:60002 700
                    m/carol 7:7 755
                    m/dan 60004:60004 700
                    m/erin 0:0 600 regular empty file
                    m/fay 60006:60006 700
                    /etc
                    \(folder)/m/dan
                    \(folder)/m/fay

                    """)
        }
    }

    @Test func scratchNeedsAFolderOfRoots() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.change + ScratchScript.library + """
                    chmod 755 \(folder); cd \(folder); mkdir -m 777 open; mkdir -m 755 s
                    make_scratch \(folder)/open \(folder)/s <<<$'alice\\t60001'; ls -A open s
                    """)
            #expect(
                said == "step\tscratch\tfailed\tothers than root can write to \(folder)/open\talice\nopen:\n\ns:\n")
        }
    }

    /// As cp(1) would have it, whatever is in it; what cannot be done for all at once is refused, not left out.
    @Test func theSkeletonIsTheSameInAllHomes() async throws {
        try await withScratchFolder { folder in
            let said = try await bash(
                Self.change + """
                    cd \(folder); mkdir skel homes homes/{a,b,c} homes/one; mkdir -m 750 skel/.config skel/.config/deep
                    printf 'x\\0y\\377' >skel/.config/deep/binary; echo 'no end' | tr -d '\\n' >'skel/a name & more'; : >skel/.empty
                    printf '#!/bin/sh\\n' >skel/tool; chmod 755 skel/tool; chmod 644 skel/.empty
                    put_skeleton skel homes/{a,b,c} && cp -a skel/. homes/one/ && chmod 700 homes/one
                    for home in a b c; do diff -r homes/$home homes/one && echo same; done
                    for home in a one; do (cd homes/$home; find . -printf '%P %m %y\\n' | sort | md5sum); done | uniq | wc -l
                    ln -s /etc/passwd skel/link; mkdir homes/d; put_skeleton skel homes/d 2>/dev/null || echo refused
                    rm -rf homes/a/* homes/a/.[a-z]* skel/link; mkdir homes/a/tool; put_skeleton skel homes/{a,b} 2>/dev/null || echo refused
                    """)
            #expect(said == "same\nsame\nsame\n1\nrefused\nrefused\n")
        }
    }

    /// (the file, one beside it, whether sshd has to be asked)
    @Test(arguments: [
        ("Port 22\n#HostKey /etc/x\nInclude FOLDER/sshd_config.d/*.conf\n", "UsePAM yes\n", false),
        ("HostKey /etc/x\n", "", true), ("hostkey=/etc/x\n", "", true), ("\tHoStKeY\t/etc/x\n", "", true),
        ("", "HostKey x\n", true),
        ("Include /etc/other\n", "", true), ("HostKeyAgent x\n", "", true), ("", "Include FOLDER/more\n", true),
        ("Include FOLDER/sshd_config.d/*.conf /etc/other\n", "", true), ("NONE", "", true),
    ]) func asksSSHDWhereItsKeysMayBeElsewhere(_ file: String, _ other: String, _ asks: Bool) async throws {
        try await withScratchFolder { folder in
            let texts = [file, other].map { shellQuoted($0.replacing("FOLDER", with: folder)) }
            let said = try await bash(
                Self.probe + """
                    cd \(folder); mkdir sshd_config.d; printf %s \(texts[0]) >sshd_config; printf %s \(texts[1]) >sshd_config.d/a.conf
                    [ "$(cat sshd_config)" != NONE ] || rm sshd_config
                    usual_host_keys \(folder) && echo usual || echo ask
                    """)
            #expect(said == (asks ? "ask\n" : "usual\n"))
        }
    }

    /// Users who are there are asked about by their uids at once; for the others so are the lowest uids that are free.
    @Test func asksInAdvanceForLikelyUIDs() async throws {
        let said = try await bash(
            Self.probe + #"""
                state=/nonexistent
                getent() {
                    case "$*" in
                    passwd) printf 'x:x:60000:7::/:/bin/sh\n' ;;
                    group) printf 'y:x:60002:\n' ;;
                    "passwd alice bob carol") printf 'alice:x:60005:60005:A\tB:/home/alice:/bin/sh\n' ;;
                    "passwd 60005 60001 60003") printf 'alice:x:60005:60005::/:/bin/sh\nmallory:x:60003:1::/:/bin/sh\n' ;;
                    "initgroups alice") printf 'alice 60005 27\n' ;;
                    "shadow alice") printf 'alice:!:1:::::2:\n' ;;
                    "group alice bob carol lab "*) printf 'alice:x:60005:\nlab:x:3000:\nsudo:x:27:\neve:x:60001:\n' ;;
                    *) echo "asked for $*" ;;
                    esac
                }
                find() { :; }
                read_subjects <<<$'alice\t-\t/home/alice\nbob\t-\t/home/bob\ncarol\t-\t/home/carol'
                probe_users lab; probe_taken 60000 60999; probe_entries
                """#)
        let seen = try NodeObservation(parsing: said + "end\n", node: NodeName("node001"))
        #expect(seen.users.keys.sorted() == ["alice"] && seen.users["alice"]?.gecos == "A B")
        #expect(seen.taken == [60000, 60002] && seen.asked == [60005, 60001, 60003])
        #expect(seen.owners[60003]?.name == "mallory" && seen.groupNames[60001] == "eve")
        #expect(seen.memberships["alice"]?.map(\.name) == ["alice", "sudo"])
        #expect(seen.expiry["alice"] == ExpiryDay(days: 2) && seen.expired == ["alice"])
        #expect(seen.groupIDs["lab"] == 3000)
    }
}
