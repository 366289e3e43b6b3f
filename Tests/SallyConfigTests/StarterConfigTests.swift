// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyPolicy
import Testing

@Suite struct StarterConfigTests {
    private let starter = StarterConfig(
        slurmrestd: "http://127.0.0.1:6820", issuer: "https://idp.example.org/\"x")

    private func text(_ name: String) throws -> String {
        try #require(starter.files().first { $0.name == name }).text
    }

    @Test func everyStarterFileIsValid() throws {
        let gateway = try GatewayConfig.parse(text("sallyd.yaml"), file: "sallyd.yaml")
        #expect(gateway.clusters.map(\.name.rawValue) == ["main"])
        #expect(gateway.clusters[0].slurmrestd == .url("http://127.0.0.1:6820"))
        #expect(gateway.providers[0].issuer == "https://idp.example.org/\"x")
        #expect(try PolicyFile.parse(text("policy.yaml"), file: "p").rules.count == 1)
        let signer = try SignerConfig.parse(text("signer.yaml"), file: "s")
        let steward = try StewardConfig.parse(text("steward.yaml"), file: "t")
        #expect(signer.serve.path == gateway.signerSocket)
        #expect(steward.serve.path == gateway.stewardSocket)
        #expect(steward.signerSocket == signer.steward.path)
        #expect(steward.clusters[0].transport == .local && signer.steward.peer == .name("root"))
        #expect(steward.clusters[0].profiles[gateway.clusters[0].profiles[0].profile] != nil)
        #expect(starter.keys.contains(gateway.sessionKey))
        #expect(starter.keys.contains(signer.clusters[0].key))
        #expect(gateway.providers[0].clientSecret == .file(path: starter.keys[2]))
    }

    /// Most versions of slurmrestd do not say which partition is the default, and only the administrator knows.
    @Test func theDefaultPartitionIsALineToUncomment() throws {
        let starter = try text("sallyd.yaml")
        let silent = try GatewayConfig.parse(starter, file: "f")
        #expect(silent.clusters[0].defaultPartition == nil)
        let said = try GatewayConfig.parse(
            starter.replacing("# default_partition:", with: "default_partition:"), file: "f")
        #expect(said.clusters[0].defaultPartition?.rawValue == "debug")
        let policy = try text("policy.yaml")
        #expect(policy.contains("partitions: [debug]"))
    }

    @Test func whatIsShownReadsAsTheSame() throws {
        let shown = try GatewayConfig.show(Full.gateway, file: "f")
        #expect(try GatewayConfig.parse(shown, file: "shown") == GatewayConfig.parse(Full.gateway, file: "f"))
        #expect(throws: ConfigError.self) { try GatewayConfig.show("listen: 5", file: "f") }
        let policy = try PolicyFile.show(Full.policy, file: "f")
        #expect(try PolicyFile.parse(policy, file: "shown") == PolicyFile.parse(Full.policy, file: "f"))
    }
}
