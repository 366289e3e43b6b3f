// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SallyTestSupport
import SlurmModel
import Testing

/// docs/man/sally.1 and docs/cli.md have every option, state and exit status.
@Suite struct ManualPageTests {
    private static let docs = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs"
    private static let manual = "\(docs)/man/sally.1"

    private static let commands = [
        "login", "logout", "whoami", "token", "context list", "context use", "context show", "context remove", "jobs",
        "job", "logs", "cancel", "partitions", "nodes", "admin identities", "admin sessions", "admin revoke",
        "admin grant", "admin withdraw", "admin offboard", "admin audit list", "admin audit verify",
    ]
    /// Whose help is sbatch's, or another program's.
    private static let others = ["submit", "can-i submit", "cluster"]

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    /// Without the backslashes of roff(7), and its changes of font.
    private func page() throws -> String {
        try text(Self.manual).replacing("\\-", with: "-").replacing("\\fB", with: "").replacing("\\fI", with: "")
            .replacing("\\fR", with: "").replacing("\"", with: "")
    }

    /// The options that a command's help names.
    private func named(in help: String) -> Set<String> {
        Set(
            help.split(separator: "\n").filter { $0.hasPrefix("  -") }.flatMap { line in
                line.split(separator: " ").prefix { $0.hasPrefix("-") || $0.hasPrefix("<") }
                    .filter { $0.hasPrefix("-") }.map { String($0.prefix { $0 != "," }) }
            })
    }

    @Test func everyCommandAndOptionIsInTheManual() async throws {
        let page = try page()
        let body = try #require(page.split(separator: "\n.SH COMMANDS\n").last?.split(separator: "\n.SH OPTIONS\n"))
        let common = try #require(body.last?.split(separator: "\n.SH ").first)
        let sections = body[0].split(separator: ".SS ")
        let names = Self.commands + Self.others
        var found: [String: Substring] = [:]
        for section in sections {
            let name = names.first { section.hasPrefix("\($0) ") || section.hasPrefix("\($0)\n") }
            let known = try #require(name, "\(section.prefix(40))")
            found[known] = section
        }
        for command in names { #expect(found[command] != nil, "\(command)") }
        for command in Self.commands {
            let words = command.split(separator: " ").map(String.init)
            let run = try await sally(words + ["--help"])
            let section = found[command] ?? ""
            let said = Set((section + common).split { " ,\n[]|=".contains($0) }.map(String.init))
            let options = named(in: run.output)
            #expect(run.status == 0 && options.contains("--json"), "\(command): \(run.output)")
            for option in options { #expect(said.contains(option), "\(command): \(option)") }
        }
        let submit = found["submit"] ?? ""
        for option in ["--follow", "--test-only", "--parsable", "--export", "--idempotency-key"] {
            #expect(submit.contains(option), "\(option)")
        }
    }

    @Test func everyShortStateAndEveryOrderIsInTheManual() throws {
        let source = try text(Self.manual)
        let page = try page().replacing("\n", with: " ")
        for (code, state) in JobsTests.codes { #expect(page.contains(" \(code) \(state)"), "\(code)") }
        for field in ["job", "name", "partition", "account", "state", "submitted", "started", "ended"] {
            #expect(source.contains("\\fI\(field)\\fR"), "\(field)")
        }
    }

    @Test func exitStatusesAreInTheManual() throws {
        func numbers(_ section: Substring) -> Set<Int32> {
            Set(section.split { !$0.isNumber }.compactMap { Int32($0) })
        }
        let page = try page()
        let guide = try text("\(Self.docs)/cli.md")
        let manual = try #require(page.split(separator: "\n.SH EXIT STATUS\n").last?.split(separator: "\n.SH ").first)
        let document = try #require(
            guide.split(separator: "\n## Exit statuses\n").last?.split(separator: "\n## ").first)
        for section in [manual, document] {
            let known = numbers(section)
            for code in SallyError.Code.allCases { #expect(known.contains(code.exitStatus), "\(code)") }
            #expect(known.isSuperset(of: [0, 1, 130, 141]))
        }
    }

    /// What programs that were written for slurmrestd have to be told.
    @Test func theAddressesForOtherClientsAreSaid() async throws {
        let help = try await sally(["token", "--help"]).output
        let texts = [help, try page(), try text("\(Self.docs)/cli.md")]
        for said in texts {
            for address in [
                "GATEWAY/slurm/v0.0.NN/", "GATEWAY/slurmdb/v0.0.NN/", "GATEWAY/clusters/NAME/slurm/v0.0.NN/",
            ] {
                #expect(said.contains(address), "\(address)")
            }
        }
    }

    @Test func filesAndExamplesAreInTheManual() throws {
        let page = try page()
        for word in [
            "\n.SH FILES\n", "\n.SH EXAMPLES\n", "~/.config/sallyport/contexts.json", "~/.config/sallyport/sessions/",
            "sallyport/job-event/1",
        ] {
            #expect(page.contains(word), "\(word)")
        }
    }

    @Test(.enabled(if: exists("/usr/bin/groff"), "needs groff")) func theManualIsWellFormed() async throws {
        let made = try await runProgram(
            "/usr/bin/groff", ["-man", "-ww", "-Tutf8", Self.manual], environment: ["PATH": "/usr/bin:/bin"])
        #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
    }
}
