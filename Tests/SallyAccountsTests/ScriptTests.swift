// SPDX-License-Identifier: Apache-2.0

import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@Suite struct ScriptTests {
    @Test func quotesAnything() {
        #expect(shellQuoted("a") == "'a'")
        #expect(shellQuoted("") == "''")
        #expect(shellQuoted("it's") == "'it'\\''s'")
        #expect(shellQuoted("$(reboot)`x`\n\\") == "'$(reboot)`x`\n\\'")
        #expect(shellQuoted("a\0b") == "'ab'")
    }

    /// bash itself says what a word is.
    @Test func quotesWhatBashReadsBack() async throws {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("'\"\\$`!*?[]{}()<>|&;#~ \t\naä€ =-%".unicodeScalars)
        let words = (0..<200).map { _ in
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
            }
            return text
        }
        let script = "printf '%s\\0' " + words.map(shellQuoted).joined(separator: " ") + "\n"
        let done = try await LocalTransport(node: NodeName(unchecked: "here"), environment: [:]).run(
            .script(script), on: NodeName(unchecked: "here"))
        #expect(done.succeeded)
        #expect(
            done.output.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init) == words)
    }

    @Test func readsAProbe() throws {
        let text = """
            user\talice\talice:x:20001:20001:Sallyport alice:/home/alice:/bin/bash
            owner\t20001\talice:x:20001:20001:Sallyport alice:/home/alice:/bin/bash
            member\talice\talice\t20001
            expired\talice
            group\talice\t20001
            home\t/home/alice\tdirectory\t20001
            stray\t20001\t/home/old
            record\t{"user":"alice","uid":20001,"profile":"standard","origin":"created","state":"locked","revision":3}
            daemon\tslurm\t64030
            admin\talice\tNone
            association\talice\tresearch
            end

            """
        let seen = try NodeObservation(parsing: text, node: NodeName(unchecked: "master"))
        #expect(seen.users["alice"]?.uid == 20001)
        #expect(seen.expired == ["alice"])
        #expect(seen.daemons == ["slurm": 64030])
        #expect(seen.homes["/home/alice"] == .folder(owner: 20001))
        #expect(seen.record(of: try UserName("alice"))?.state == .locked)
        #expect(seen.associations["alice"]?.map(\.rawValue) == ["research"])
        for cut in ["", String(text.dropLast(5)), "user\talice\tgarbage\nend\n", "what\nend\n", "record\t{}\nend\n"] {
            #expect(throws: SallyError.self) { try NodeObservation(parsing: cut, node: NodeName(unchecked: "master")) }
        }
    }

    @Test func probesWhoSlurmRunsAs() async throws {
        try await withScratchFolder { folder in
            let here = NodeName(unchecked: "here")
            let transport = LocalTransport(node: here, environment: [:])
            var layout = AccountPlanTests.layout
            layout.slurmCommands = folder
            let script = ProbeScript.make(
                [.init(name: try UserName("alice"), uid: nil, home: nil)], groups: [], on: layout.controller, in: layout
            )
            for (config, succeeds) in [
                ("ClusterName = dev\nSlurmUser               = slurm(64030)\nSlurmdUser = root(0)", true),
                ("ClusterName = dev\nSlurmUser = slurm", false),
            ] {
                let setup = """
                    cd \(folder); printf '#!/bin/sh\\nexit 0\\n' >sacctmgr; echo \(shellQuoted(config)) >config
                    printf '#!/bin/sh\\ncat \(folder)/config\\n' >scontrol; chmod 755 scontrol sacctmgr
                    """
                #expect(try await transport.run(.script(setup), on: here).succeeded)
                let done = try await transport.run(.script(script), on: here)
                #expect(done.succeeded == succeeds)
                guard succeeds else { continue }
                let seen = try NodeObservation(parsing: done.output, node: here)
                #expect(seen.daemons == ["slurm": 64030, "root": 0])
            }
        }
    }

    /// (who is asked about, what passwd(5) has of her) to what is said of ranges
    @Test(arguments: [
        ([UInt32(60007)], "", ["60005...60009 eve", "60007...60007 1234"]), ([60010], "", []), ([60007], "60007", []),
        ([60004, 70000], "", ["60005...60009 eve", "60007...60007 1234", "69999...70000 a?b"]),
    ]) func probesWhoseContainersHaveTheUIDs(_ uids: [UInt32], _ there: String, _ expected: [String]) async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/subuid", "eve:60005:5\nnonsense\nzoe:60007:0\n:x:3\na b:69999:9\n")
            try writeFile("\(folder)/subgid", "eve:60005:5\n1234:60007:1\n")
            let subjects = uids.map { uid in
                ProbeScript.Subject(
                    name: UserName(rawValue: "alice\(uid)")!, uid: UserID(rawValue: uid), home: nil)  // a user's name
            }
            let node = AccountPlanTests.name("node001")
            let asked = ProbeScript.make(subjects, groups: [], on: node, in: AccountPlanTests.layout)
            let script = asked.replacing("/etc/sub", with: "\(folder)/sub").replacing(
                "main() {",
                with:
                    "getent() { \(there.isEmpty ? ":" : "[ $1 != passwd ] || echo alice\(there):x:\(there):1:::/bin/sh"); }\nmain() {"
            )
            let here = NodeName(unchecked: "here")
            let done = try await LocalTransport(node: here, environment: [:]).run(.script(script), on: here)
            let seen = try NodeObservation(parsing: done.output, node: node)
            let said = seen.subordinate.map { "\($0.ids) \($0.owner)" }.sorted()
            // Of a range what was asked about.
            let clipped = expected.map {
                $0.replacing("60005...60009", with: uids == [60007] ? "60007...60007" : "60005...60009")
            }
            #expect(said == clipped.sorted(), "\(done.output)")
        }
    }

    /// (the shell, whether it is there)
    @Test(arguments: [("/bin/sh", true), ("", true), ("/bin/none", false), ("/tmp", false), ("/etc/passwd", false)])
    func aShellIsAProgram(_ shell: String, _ isThere: Bool) async throws {
        let probed = ProbeScript.make(
            [.init(name: try UserName("alice"), uid: nil, home: nil)], groups: [], on: AccountPlanTests.name("node001"),
            in: AccountPlanTests.layout
        ).replacing(
            "main() {", with: "getent() { [ $1 != passwd ] || echo alice:x:20001:1:::\(shell); }\nmain() {")
        let here = NodeName(unchecked: "here")
        let transport = LocalTransport(node: here, environment: [:])
        let seen = try NodeObservation(
            parsing: try await transport.run(.script(probed), on: here).output, node: here)
        #expect(seen.users["alice"] != nil && seen.shellless.isEmpty == isThere)
        guard !shell.isEmpty else { return }
        var alice = try AccountPlanTests.alice()
        alice.shell = shell
        // An account that is made and one that is changed are told the same.
        for step in [AccountStep.create(alice), .change(alice)] {
            try await withScratchFolder { folder in
                let script = AccountScript.make([step], in: AccountPlanTests.layout)
                    .replacing("state=/var/lib/sallyport", with: "state=\(folder)/state").replacing(
                        "main() {",
                        with: """
                            usermod() { touch \(folder)/changed; }; systemd-sysusers() { touch \(folder)/changed; }
                            getent() { echo alice:x:20001:20001::; }
                            main() {
                            """)
                let said = try await transport.run(.script(script), on: here).output
                #expect(exists("\(folder)/changed") == isThere, "\(said)")
                #expect(said.contains("step\taccount\tdone\t") == isThere, "\(said)")
                let reason = "step\taccount\tfailed\tshell \(shell) does not exist\talice\n"
                #expect(said.contains(reason) != isThere, "\(said)")
            }
        }
    }

    @Test func associatesWithoutAUidWhereNoMachineKnowsPeople() throws {
        var layout = AccountPlanTests.layout
        let step = AccountStep.associate(try AccountPlanTests.alice())
        #expect(AccountScript.make([step], in: layout).contains("\nalice\t20001\tresearch\n"))
        layout.mode = .none
        #expect(AccountScript.make([step], in: layout).contains("\nalice\t-\tresearch\n"))
    }

    @Test func recordLinesComeBack() throws {
        let record = try AccountPlanTests.record(origin: .adopted, state: .removed, revision: 12)
        #expect(try ManagedRecord(line: record.line) == record)
        #expect(record.line.hasPrefix("{\"user\":\"alice\",\"uid\":20001,"))
        for line in ["", "{}", record.line + "x", record.line.replacing("alice", with: "root")] {
            #expect(throws: SallyError.self) { try ManagedRecord(line: line) }
        }
    }

    /// `bash -n` reads every script we send.
    @Test func scriptsAreBash() async throws {
        let layout = AccountPlanTests.layout
        let alice = try AccountPlanTests.alice(groups: ["lab"])
        var scripts = [
            ProbeScript.make(
                [.init(name: alice.name, uid: alice.uid, home: alice.home)], groups: ["lab"], on: layout.controller,
                in: layout),
            AccountScript.make(
                [
                    .record([try AccountPlanTests.record()], replacing: ["a'b"]), .create(alice), .change(alice),
                    .join(alice.name, groups: ["lab"]), .makeHome(alice), .associate(alice),
                ], in: layout),
        ]
        for act in [LockScript.Act.lock, .unlock, .remove] {
            scripts.append(
                LockScript.make(
                    act, user: alice.name, uid: alice.uid, home: alice.home, record: (line: "x", before: []),
                    place: .init(account: true, slurm: true), in: layout))
        }
        let here = NodeName(unchecked: "here")
        for script in scripts {
            let call = Invocation(arguments: ["/bin/bash", "-n"], standardInput: Array(script.utf8))
            let done = try await LocalTransport(node: here, environment: [:]).run(call, on: here)
            #expect(done.succeeded && done.errorOutput.isEmpty, "\(done.errorOutput)")
        }
    }
}
