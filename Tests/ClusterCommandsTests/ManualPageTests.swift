// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import SallyModel
import SallyTestSupport
import Testing

@testable import ClusterCommands

/// docs/man/sally-cluster.1 has every command and option, and what programs go by.
@Suite struct ManualPageTests {
    private static let path =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/man/sally-cluster.1"

    /// Without the backslashes of roff(7), and its changes of font.
    private func page() throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: Self.path)), as: UTF8.self)
            .replacing("\\-", with: "-").replacing("\\fB", with: "").replacing("\\fI", with: "").replacing(
                "\\fR", with: ""
            )
            .replacing("\\fP", with: "").replacing("\"", with: "")
    }

    /// A command that does something: its words, its options and the other names it has.
    private struct Command {
        var words: String
        var options: Set<String>
        var aliases: [String]
    }

    private static func commands(_ type: any ParsableCommand.Type, _ before: String = "") -> [Command] {
        let configuration = type.configuration
        let words = before + (configuration.commandName ?? "")
        guard configuration.subcommands.isEmpty else {
            return configuration.subcommands.flatMap {
                commands($0, before.isEmpty && words == "sally-cluster" ? "" : "\(words) ")
            }
        }
        let help = type.helpMessage(columns: 300)
        let options = help.split(separator: "\n").filter { $0.hasPrefix("  -") }.flatMap { line in
            line.split(whereSeparator: { " ,<>".contains($0) }).prefix { !$0.hasPrefix("(") }
                .filter { $0.hasPrefix("-") }.map(String.init)
        }
        return [Command(words: words, options: Set(options), aliases: configuration.aliases)]
    }

    /// What several commands share is said once, with the last of them.
    private static func group(_ words: Substring) -> Substring {
        switch words.split(separator: " ").first {
        case "sshmaster": "sshnode"
        case "put": "get"
        case let first: first ?? ""
        }
    }

    @Test func everyCommandAndOptionIsInTheManual() throws {
        let page = try page()
        let body = try #require(page.split(separator: "\n.SH COMMANDS\n").last?.split(separator: "\n.SH OPTIONS\n"))
        let common = try #require(body.last?.split(separator: "\n.SH ").first)
        var sections: [Substring: String] = [:]
        let parts = body[0].split(separator: ".SS ")
        // What a heading shows in short is described below it.
        for part in parts { sections[Self.group(part), default: ""] += part.drop { $0 != "\n" } }
        let commands = Self.commands(ClusterCommand.self)
        #expect(commands.count == 17)
        for command in commands {
            #expect(
                parts.contains { $0.hasPrefix("\(command.words) ") || $0.hasPrefix("\(command.words)\n") },
                "\(command.words)")
            let section = sections[Self.group(command.words[...])] ?? ""
            let words = Set((section + common).split(whereSeparator: { " ,\n[]|".contains($0) }).map(String.init))
            #expect(command.options.count >= 2, "\(command)")
            for option in command.options { #expect(words.contains(option), "\(command.words): \(option)") }
            for alias in command.aliases { #expect(words.contains(alias), "\(command.words): \(alias)") }
        }
        // And nothing besides.
        let known = commands.map(\.words)
        for part in parts {
            #expect(known.contains { part.hasPrefix("\($0) ") || part.hasPrefix("\($0)\n") }, "\(part.prefix(40))")
        }
    }

    @Test func exitStatusesAreInTheManual() throws {
        let page = try page()
        let status = try #require(
            page.split(separator: "\n.SH EXIT STATUS\n").last?.split(separator: "\n.SH ").first)
        let numbers = Set(status.split { !$0.isNumber }.compactMap { Int32($0) })
        // Of the gateway's alone: nobody signs in here, is counted, or has Slurm refuse a job.
        let gateways: Set<SallyError.Code> = [.unauthenticated, .rateLimited, .slurmRefused]
        for code in SallyError.Code.allCases where !gateways.contains(code) {
            #expect(numbers.contains(code.exitStatus), "\(code)")
        }
        #expect(numbers.contains(128 + 2) && numbers.contains(128 + 15))
    }

    @Test func variablesAndFilesAreInTheManual() throws {
        let page = try page()
        for word in [
            "SALLYPORT_CLUSTERS", "STARCLUSTER_CONFIG", "SALLYPORT_STATE", "SALLYPORT_TEMPLATES", "SALLYPORT_IMAGES",
            "SALLYPORT_PULL_SECONDS", "CONTAINERS_CONF", "AWS_REGION_NAME", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
            "/etc/sallyport/clusters.yaml", "~/.config/sallyport/clusters.yaml", "~/.starcluster/config",
            "~/.starcluster/user_keys", "/var/lib/sallyport/clusters", "/var/lib/sallyport/accounts.jsonl",
        ] {
            #expect(page.contains(word), "\(word)")
        }
    }

    @Test(.enabled(if: exists("/usr/bin/groff"), "needs groff")) func theManualIsWellFormed() async throws {
        let made = try await runProgram(
            "/usr/bin/groff", ["-man", "-ww", "-Tutf8", Self.path], environment: ["PATH": "/usr/bin:/bin"])
        #expect(made.status == 0 && made.errors.isEmpty, "\(made.errors)")
    }
}
