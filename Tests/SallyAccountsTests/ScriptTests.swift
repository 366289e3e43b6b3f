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
