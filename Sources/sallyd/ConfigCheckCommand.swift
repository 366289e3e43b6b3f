// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import SallyConfig
import SallyModel
import SallyPolicy

/// `sallyd config check`.
struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a file as its daemon does, and say every problem at once.",
        discussion: """
            With --live also tries each hop from here: policy, session key, signer, steward, identity providers, slurmrestd of \
            every cluster. Run it as the OS user of `sallyd serve`.
            """)

    @Option(help: "The file.") var config: String
    @Option(name: .customLong("for"), help: "Whose file it is: serve, signer, steward or policy.")
    var kind: ConfigKind = .serve
    @Flag(help: "Try each hop.") var live = false
    @Flag(help: "Print JSON (schema sallyport/config-check/1).") var json = false

    func run() async throws {
        var report = CheckReport()
        switch kind {
        case .serve:
            let file = try loaded { () throws(ConfigError) in try GatewayConfig.load(config) }
            report.good("file", "\(config): \(file.clusters.count) clusters, \(file.providers.count) providers")
            if live { await LiveCheck(file).run(into: &report) }
        case .signer:
            let file = try loaded { () throws(ConfigError) in try SignerConfig.load(config) }
            report.good("file", "\(config): \(file.clusters.count) clusters")
        case .steward:
            let file = try loaded { () throws(ConfigError) in try StewardConfig.load(config) }
            report.good("file", "\(config): \(file.clusters.count) clusters")
        case .policy:
            let policy = try loaded { () throws(ConfigError) in try PolicyFile.load(config) }
            report.good("file", "\(config): \(policy.rules.count) rules")
        }
        print(json ? report.json : report.text)
        if !report.isGood { throw ExitCode(SallyError.Code.misconfigured.exitStatus) }
    }
}
