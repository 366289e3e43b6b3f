// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// Copies of the database, changed as somebody with the file in hand could, and held against a copy of what the signer
/// kept: by a gateway and a signer of their own, so that nothing of it reaches the stack. Nothing else runs
/// meanwhile: the steward, which is the stack's, would know of output that was read after the copy.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct AuditTamperTests {
    struct Tampering: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// SQL, with `:mint` for the event of the newest minted token of alice and `:head` for the newest countersigned one.
        var statements: String
        /// What `verify` says about it.
        var words: [String]
    }

    static let tamperings = [
        Tampering(testDescription: "a copy as it is", statements: "", words: []),
        Tampering(
            testDescription: "a cut tail", statements: "DELETE FROM audit_events WHERE sequence > :head - 20;",
            words: ["the signer countersigned event", "the chain ends at event"]),
        Tampering(
            testDescription: "a rewritten row",
            statements: "UPDATE audit_events SET target = 'somebody' WHERE sequence = :mint;",
            words: ["is not what was recorded"]),
        Tampering(
            testDescription: "a row taken out", statements: "DELETE FROM audit_events WHERE sequence = :mint - 1;",
            words: ["follows event"]),
        Tampering(
            testDescription: "a token without its event",
            statements: "DELETE FROM audit_events WHERE sequence = :mint;",
            words: ["a token for \"alice\"", "which is not in the chain"]),
        Tampering(
            testDescription: "a token for a refusal",
            statements: "UPDATE audit_events SET outcome = 'refused' WHERE sequence = :mint;",
            words: ["is not what was recorded", "which says refused"]),
    ]

    /// There is a token of alice.
    init() async throws {
        let stack = try Stack.required()
        guard try await stack.jobs("it12", named: "audited").isEmpty else { return }
        _ = try await stack.submit(
            "alice", "it12", ["--begin=now+1hour", "--time=1", "-J", "audited"], script: "#!/bin/bash\ntrue\n")
        _ = try await stack.onNode("it12", "master", ["scancel", "--name", "audited"])
    }

    @Test(arguments: tamperings)
    func tamperingIsFound(_ tampering: Tampering) async throws {
        let stack = try Stack.required()
        let number = AuditTamperTests.tamperings.firstIndex { $0.testDescription == tampering.testDescription } ?? 0
        let name = "audit-\(number)"
        let copy = "\(stack.state)/signer/\(name)"
        let socket = "\(stack.state)/run/signer/\(name)"
        do {
            let evidence = try await copySigner(stack, to: copy)
            try await withScratchFolder { folder in
                try await stack.open(folder)
                var signer = try await runProgram("/bin/cat", ["\(stack.state)/etc/signer.yaml"]).output
                for door in ["serve", "steward", "admin"] {
                    signer = signer.replacing("\(stack.state)/run/signer/\(door).sock", with: "\(socket)-\(door).sock")
                }
                signer = signer.replacing("state_folder: \(stack.state)/signer/state", with: "state_folder: \(copy)")
                try writeFile("\(folder)/signer.yaml", signer, mode: 0o644)
                try await stack.running(
                    "\(name)-signer", "signer", "\(folder)/signer.yaml",
                    answers: { accepts("\(socket)-serve.sock") }
                ) {
                    try await verify(tampering, evidence, name, stack)
                }
            }
            try await remove(copy, stack)
        } catch {
            try await remove(copy, stack)
            throw error
        }
    }

    private func verify(_ tampering: Tampering, _ evidence: (mint: Int, head: Int), _ name: String, _ stack: Stack)
        async throws
    {
        let database = "\(stack.state)/serve/\(name).db"
        do {
            try await sqlite("\(stack.state)/serve/sallyd.db", ".backup '\(database)'")
            // Whoever has the file is not kept from it by triggers.
            try await sqlite(
                database,
                "DROP TRIGGER audit_events_DELETE; DROP TRIGGER audit_events_UPDATE; "
                    + tampering.statements.replacing(":mint", with: "\(evidence.mint)").replacing(
                        ":head", with: "\(evidence.head)"))
            for command in [["/bin/chmod", "600"], ["/bin/chown", stack.serveUser]] {
                let done = try await runProgram(command[0], [command[1], database])
                #expect(done.status == 0, "\(done)")
            }
            try await stack.withReplica(
                name,
                change: { file, _ in
                    file.set("database", database)
                    file.set("signer_socket", "\(stack.state)/run/signer/\(name)-serve.sock")
                }
            ) { replica in
                let result = try await replica.sally("dana", ["admin", "audit", "verify"])
                if tampering.words.isEmpty {
                    #expect(result.status == 0 && result.output.hasPrefix("good: "), "\(result)")
                } else {
                    #expect(result.status == 1 && result.output.hasPrefix("NOT GOOD: "), "\(result)")
                }
                for word in tampering.words { #expect(result.output.contains(word), "\(word): \(result)") }
            }
        } catch {
            for end in ["", "-wal", "-shm"] { removeTree(database + end) }
            throw error
        }
        for end in ["", "-wal", "-shm"] { removeTree(database + end) }
    }

    /// Copies what the signer kept, once it has countersigned a submission of alice.
    ///
    /// - Returns: the sequence of that submission's event, for which a token was minted, and of a countersigned head.
    private func copySigner(_ stack: Stack, to copy: String) async throws -> (mint: Int, head: Int) {
        var mint = 0
        var head = 0
        try await eventually("a submission with a countersigned head after it") {
            let known = try await stack.sally("dana", ["admin", "audit", "verify", "--json"])
            head = Int(SessionText.number("countersigned", of: known.output)) ?? 0
            let newest = try await runProgram(
                "/usr/bin/sqlite3",
                [
                    "file:\(stack.state)/serve/sallyd.db?mode=ro",
                    """
                    SELECT max(decided_sequence) FROM submissions JOIN people ON people.id = submissions.person
                    WHERE user_name = 'alice' AND cluster = 'it12' AND state = 'submitted' AND decided_sequence <= \(head)
                    """,
                ])
            guard newest.status == 0 else { throw Failure("\(newest)") }
            mint = Int(newest.output.filter(\.isNumber)) ?? 0
            return mint > 1
        }
        try await remove(copy, stack)
        let copied = try await runProgram("/bin/cp", ["-a", "\(stack.state)/signer/state", copy])
        guard copied.status == 0 else { throw Failure("\(copied)") }
        return (mint, head)
    }

    private func sqlite(_ database: String, _ command: String) async throws {
        let result = try await runProgram("/usr/bin/sqlite3", ["-bail", "-cmd", ".timeout 20000", database, command])
        guard result.status == 0, result.errors.isEmpty else { throw Failure("sqlite3: \(result)") }
    }

    private func remove(_ copy: String, _ stack: Stack) async throws {
        guard copy.hasPrefix("\(stack.state)/signer/audit-") else { return }
        removeTree(copy)
    }
}
