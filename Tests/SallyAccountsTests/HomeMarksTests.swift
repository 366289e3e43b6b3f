// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// Whether all machines have the homes of the one that serves them.
@Suite struct HomeMarksTests {
    private static let (one, two) = (String(repeating: "1a", count: 16), String(repeating: "2b", count: 16))

    private static func mark(_ id: String) -> String { "mark\t/home\t\(id)\n" }

    private static func people(_ node: String) -> String {
        "user\talice\talice:x:30000:30000:User alice:/home/alice:/bin/bash\nasked\t30000\n"
            + (node == "master"
                ? "home\t/home/alice\tdirectory\t30000\nassociation\talice\tresearch\nrecord\t"
                    + "{\"user\":\"alice\",\"uid\":30000,\"profile\":\"standard\",\"origin\":\"created\",\"state\":\"active\",\"revision\":1}\n"
                : "")
    }

    /// The first run makes the mark before the record has anybody; who has it not gets nobody.
    @Test func whoHasOtherHomesGetsNobody() async throws {
        let machines = ClusterRunTests.Machines(
            saidOfHomes: ["master": Self.mark(Self.one), "node001": "step\thomes\tfailed\t/home\n"])
        let report = try await ClusterRunTests.run(["alice"], on: machines)
        #expect(!report.isComplete && report.failures.isEmpty, "\(report)")
        let said = "/home on node001 is not the file system of master: mount it there, then run the same command again"
        #expect(report.failed == [AccountPlanTests.name("node001"): said])
        let order = machines.order([
            ("master", "\nmake_marks <<"), ("master", "\nrecord_lines <<"), ("node002", "\nsame_homes <<"),
        ]).compactMap(\.self)
        #expect(order.count == 3 && order == order.sorted(), "\(order)")
        for node in ["node001", "node002"] {
            #expect(machines.calls(of: node, with: "\nsame_homes <<'Sallyport/rows'\n/home\t\(Self.one)\n") == 1)
        }
        #expect(machines.calls(of: "master", with: "\nsame_homes <<") == 0)
        // The same script, which ends there.
        #expect(machines.calls(of: "node001", with: "\ncreate_accounts <<") == 1)
    }

    /// Who is known to have the homes is not asked again, and who is not is asked even if nothing is to be done there.
    @Test func theMarkIsMadeOnce() async throws {
        var said = ["master": Self.mark(Self.one), "node001": Self.mark(Self.one), "node002": Self.mark(Self.two)]
        let fresh = ClusterRunTests.Machines(said: said)
        #expect(try await ClusterRunTests.run(["alice"], on: fresh).isComplete)
        for (node, count) in [("master", 0), ("node001", 0), ("node002", 1)] {
            #expect(fresh.calls(of: node, with: "\nmake_marks <<") == 0)
            #expect(fresh.calls(of: node, with: "\nsame_homes <<") == count, "\(node)")
        }
        for node in said.keys { said[node, default: ""] += Self.people(node) }
        let known = ClusterRunTests.Machines(said: said, saidOfHomes: ["node002": "step\thomes\tfailed\t/home\n"])
        let report = try await ClusterRunTests.run(["alice"], on: known)
        #expect(report.plan.isEmpty && report.failed.keys.map(\.rawValue) == ["node002"], "\(report)")
        #expect(known.calls(of: "node002", with: "\nsame_homes <<") == 1)
        #expect(known.calls(of: "node001", with: "\nhold_record\n") == 0)
    }

    @Test func aDryRunSaysWhatIsKnown() async throws {
        let machines = ClusterRunTests.Machines(
            said: ["master": Self.mark(Self.one), "node001": Self.mark(Self.one)])
        let report = try await ClusterRunTests.run(["alice"], on: machines, dryRun: true)
        #expect(report.failed.keys.map(\.rawValue) == ["node002"])
        let first = try await ClusterRunTests.run(["alice"], on: ClusterRunTests.Machines(), dryRun: true)
        #expect(first.failed.isEmpty)
        for text in ["\nmake_marks <<", "\nsame_homes <<"] {
            for node in ["master", "node002"] { #expect(machines.calls(of: node, with: text) == 0) }
        }
    }

    /// Where homes are mounted one by one there is nothing to compare, and there no file is made.
    @Test func whatIsMountedOneByOneIsBelieved() async throws {
        let auto = Self.mark(HomeMarks.oneByOne)
        let nodes = ClusterRunTests.Machines(
            said: ["master": Self.mark(Self.one), "node001": auto, "node002": Self.mark(Self.one)])
        #expect(try await ClusterRunTests.run(["alice"], on: nodes).isComplete)
        #expect(nodes.calls(of: "node001", with: "\nsame_homes <<") == 0)
        let server = ClusterRunTests.Machines(said: ["master": auto, "node001": Self.mark(Self.two)])
        #expect(try await ClusterRunTests.run(["alice"], on: server).isComplete)
        #expect(server.calls(of: "master", with: "\nmake_marks <<") == 0)
        for node in ["node001", "node002"] { #expect(server.calls(of: node, with: "\nsame_homes <<") == 0) }
    }

    @Test func withoutAMarkNothingIsChanged() async throws {
        let machines = ClusterRunTests.Machines(
            saidOfHomes: ["master": "step\thomes\tfailed\t/home/.sallyport-home cannot be made\n"])
        let error = await refusal { try await ClusterRunTests.run(["alice"], on: machines) }
        #expect(error?.message == "on master /home/.sallyport-home cannot be made" && error?.code == .unavailable)
        for text in ["\nrecord_lines <<", "\ncreate_accounts <<"] {
            for node in ["master", "node001", "node002"] { #expect(machines.calls(of: node, with: text) == 0) }
        }
    }

    /// Whose homes there are is asked once, and not by every machine over its network.
    @Test func ownersAreLookedForWhereHomesAre() async throws {
        let machines = ClusterRunTests.Machines()
        _ = try await ClusterRunTests.run(["alice"], on: machines)
        #expect(machines.calls(of: "master", with: "\nprobe_taken '30000' '30999' '/home'\n") == 1)
        #expect(machines.calls(of: "node001", with: "\nprobe_taken '30000' '30999'\n") == 1)
    }

    /// Where there is one machine alone nobody has to know.
    @Test func oneMachineAloneNeedsNone() async throws {
        let machines = ClusterRunTests.Machines()
        var layout = AccountPlanTests.layout
        layout.nodes = []
        let report = try await ClusterRun(
            layout: layout, transport: machines, users: [try ClusterRunTests.user("alice")], setup: nil,
            uids: 30000...30999, dryRun: false, by: "root", told: { _ in }
        ).run()
        #expect(report.isComplete && machines.calls(of: "master", with: "\nmake_marks <<") == 0)
    }

    @Test func foldersAreThoseAboveHomes() {
        #expect(HomeMarks.folders(["/home/a", "/home/b", "/srv/x/c", "/d"]) == ["/home", "/srv/x"])
        let id = HomeMarks.newID()
        #expect(id.utf8.count == 32 && id.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
        #expect(HomeMarks.newID() != id)
    }
}

/// The scripts, run by bash on folders of the test.
@Suite(.enabled(if: LockScriptTests.isRoot, "only root can give files to others")) struct HomeMarkScriptTests {
    private static let id = String(repeating: "0f", count: 16)

    private func bash(_ script: String) async throws -> String {
        let ran = try await runProgram(
            "/bin/bash", ["-c", script], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        #expect(ran.errors.isEmpty, "\(ran)")
        return ran.output
    }

    /// (what lies there, whether it counts)
    @Test(arguments: [
        ("printf '%s\\nmore\\n' ID >F", true), ("printf %s ID >F", true), ("true", false), ("touch F", false),
        ("echo x >F", false), ("echo IDa >F", false), ("echo ' ID' >F", false), ("echo 2a >F", false),
        ("echo ID | tr f g >F", false), ("echo ID >F; chown 4242 F", false), ("echo ID >x; ln -s x F", false),
        ("mkdir F", false), ("mkfifo F", false),
    ]) func onlyAFileOfRootsCounts(_ made: String, _ counts: Bool) async throws {
        try await withScratchFolder { folder in
            let made = made.replacing("ID", with: Self.id).replacing("F", with: ".sallyport-home")
            let said = try await bash("set -u; cd \(folder); \(made)\n" + HomeMarks.library + "probe_marks \(folder)")
            #expect(said == (counts ? "mark\t\(folder)\t\(Self.id)\n" : ""))
        }
    }

    /// (what is mounted, last what is seen, whether homes are mounted one by one)
    @Test(arguments: [
        ("auto.home F autofs rw 0 0", true), ("host:/home F nfs4 rw 0 0", false),
        ("auto F autofs rw 0 0\\nhost:/home F nfs4 rw 0 0", false), ("auto Fs autofs rw 0 0", false), ("", false),
        ("auto F autofs rw 0 0\\nhost:/home/alice F/alice nfs4 rw 0 0", true),
    ]) func autofsIsBelieved(_ mounts: String, _ isOneByOne: Bool) async throws {
        try await withScratchFolder { folder in
            let look =
                "mounts=\(folder)/mounts; printf '\(mounts.replacing("F", with: folder))\\n' >$mounts; probe_marks \(folder)"
            let said = try await bash("set -u\n" + HomeMarks.library + look)
            #expect(said == (isOneByOne ? "mark\t\(folder)\tautofs\n" : ""))
        }
    }

    private func make(_ folder: String, before: String) async throws -> String {
        let script = HomeMarks.making(in: [folder], AccountPlanTests.layout)
        return try await bash("cd \(folder); chmod 755 .; \(before)\n\(script)")
    }

    @Test func isMadeOnceAndKept() async throws {
        try await withScratchFolder { folder in
            let first = try await make(folder, before: "ln -s /etc/passwd .sallyport-home.new")
            let made = try HomeMarks(parsing: first, node: AccountPlanTests.name("master"))
            #expect(made.ids[folder]?.utf8.count == 32)
            let again = try await make(folder, before: "true")
            #expect(again == first)
            let look =
                "cd \(folder); stat -c '%u %a %F %n' .s*; head -n 1 .sallyport-home; cat /etc/passwd | grep -c '^root:'"
            #expect(
                try await bash(look) == "0 644 regular file .sallyport-home\n\(made.ids[folder] ?? "")\n1\n")
            // Who reads it sees the same.
            #expect(try await bash(HomeMarks.library + "probe_marks \(folder)") + "end\n" == first)
        }
    }

    /// (what is there, what is left of it)
    @Test(arguments: [
        ("echo mine >F", "mine"), ("touch F", ""), ("ln -s x F", "x"), ("ln -s /etc/passwd F", "/etc/passwd"),
        ("mkdir F", ""),
    ]) func whatIsThereIsNotOverwritten(_ made: String, _ left: String) async throws {
        try await withScratchFolder { folder in
            let said = try await make(folder, before: made.replacing("F", with: ".sallyport-home"))
            #expect(
                said.hasPrefix("step\thomes\tfailed\t\(folder)/.sallyport-home is there and is not ours: "), "\(said)")
            let error = await refusal { try HomeMarks(parsing: said, node: AccountPlanTests.name("master")) }
            #expect(error?.message.hasPrefix("on master \(folder)/.sallyport-home is there") == true)
            let look = "cd \(folder); readlink .sallyport-home || cat .sallyport-home 2>/dev/null; [ ! -e x ] && ls -A"
            #expect(try await bash(look) == (left.isEmpty ? "" : "\(left)\n") + ".sallyport-home\n")
        }
    }

    /// Where others can write homes are not made either.
    @Test(arguments: ["chmod 777 .", "chmod 1777 .", "chown 4242 ."])
    func nothingIsMadeWhereOthersCanWrite(_ change: String) async throws {
        try await withScratchFolder { folder in
            let said = try await make(folder, before: change)
            #expect(said == "end\n")
            #expect(try await bash("ls -A \(folder)").isEmpty)
        }
    }

    @Test func whereNothingCanBeWrittenIsSaid() async throws {
        try await withScratchFolder { folder in
            let said = try await make(folder, before: "sync() { echo 'no space left'; return 1; }")
            #expect(said == "step\thomes\tfailed\t\(folder)/.sallyport-home cannot be made: no space left\nend\n")
        }
        #expect(throws: SallyError.self) {
            try HomeMarks(parsing: "mark\t/home\tx\n", node: AccountPlanTests.name("master"))
        }
    }

    /// (what the machine has, what its file system is and how it comes to be, whether it goes on, how often it waits)
    @Test(arguments: [
        ("echo ID >F", "xfs", true, 0), ("true", "xfs", false, 0), ("echo ID | tr f e >F", "nfs", false, 0),
        // Not seen at first: stat(1) lets it be seen, or time does.
        ("later() { echo ID >F; }", "nfs", true, 0), ("true", "nfs", true, 3), ("true", "nfs", false, 36),
        ("true", "", false, 0),
    ]) func machinesCompare(_ made: String, _ kind: String, _ goesOn: Bool, _ waits: Int) async throws {
        try await withScratchFolder { folder in
            let alice = try AccountPlanTests.alice()
            var homes = HomeMarks()
            homes.ids[folder] = Self.id
            let made = made.replacing("ID", with: Self.id).replacing("F", with: "\(folder)/.sallyport-home")
            let appears =
                goesOn && waits > 0 ? "[ $waited -lt \(waits) ] || echo \(Self.id) >\(folder)/.sallyport-home" : ":"
            let script = AccountScript.make(
                [.join(alice.name, groups: ["lab"])], homes: homes, in: AccountPlanTests.layout
            )
            .replacing("state=/var/lib/sallyport", with: "state=\(folder)/state").replacing(
                "main() {",
                with: """
                    waited=0
                    later() { :; }
                    sleep() { waited=$((waited + 1)); SECONDS=$((SECONDS + 1)); \(appears); }
                    stat() { case $* in --cached*) later ;; *) echo \(kind.isEmpty ? "" : kind) ;; esac; }
                    usermod() { touch \(folder)/changed; }
                    trap 'echo waited $waited' EXIT
                    \(made)
                    main() {
                    """)
            let said = try await bash(script)
            #expect(exists("\(folder)/changed") == goesOn, "\(said)")
            // The record's lock is not even taken.
            #expect(exists("\(folder)/state") == goesOn)
            #expect(said.contains("step\thomes\tfailed\t\(folder)\nend\n") != goesOn, "\(said)")
            let counted = said.split(separator: "\n").last.flatMap { Int($0.dropFirst("waited ".count)) } ?? -1
            #expect(counted <= waits && (counted > 0) == (waits > 0), "\(said)")
        }
    }
}
