// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import Testing

@Suite struct GatewayConfigTests {
    @Test func readsEveryKey() throws {
        let config = try GatewayConfig.parse(Full.gateway, file: "f")
        #expect(
            config.listen
                == .address(
                    host: "0.0.0.0", port: 8443,
                    tls: .init(certificate: "/etc/sallyport/tls.pem", key: "/etc/sallyport/tls.key")))
        #expect(config.publicURL == "https://sally.example.org")
        #expect(config.trustedProxies.map(\.description) == ["10.0.0.0/8", "fd00::/8"])
        #expect(config.sessions.accessLife == .seconds(600))
        #expect(config.sessions.refreshLife == .seconds(8 * 3600))
        #expect(config.sessions.refreshGrace == .seconds(20))
        #expect(config.providers.map(\.name) == ["okta", "demo"])
        #expect(config.providers[0].clientSecret == .environment(variable: "SALLY_CLIENT_SECRET"))
        #expect(config.providers[0].subjectClaim == "oid")
        #expect(config.providers[1].scopes == ["openid", "profile", "email"])
        #expect(config.administrators.count == 2)
        #expect(config.ledgerUIDs.first.rawValue == 20000)
        #expect(config.ledgerUIDs.last.rawValue == 29999)
        let demo = config.clusters[0]
        #expect(demo.slurmrestd == .unixSocket(path: "/run/slurmrestd/slurmrestd.sock"))
        #expect(demo.apiVersion == "v0.0.42")
        #expect(demo.defaultAccount?.rawValue == "research")
        #expect(demo.exclusivePartitions.map(\.rawValue).sorted() == ["gpu", "long"])
        // What is left out of it is nothing; where it is not said, nothing is known.
        #expect(demo.jobDefaults.map { "\($0)" } == "DefCpuPerGPU=4,DefMemPerGPU=0")
        #expect(config.clusters[1].jobDefaults == nil)
        #expect(demo.memoryLimits.map { "\($0)" } == "MaxMemPerCPU=4000,DefMemPerCPU=2000" && demo.wholeSockets)
        #expect(config.clusters[1].memoryLimits == nil && !config.clusters[1].wholeSockets)
        #expect(demo.wholeNodes && !config.clusters[1].wholeNodes)
        #expect(demo.output == false)
        #expect(demo.pendingJobsOnOffboarding == .hold)
        #expect(!demo.accounting && demo.minJobAge == .seconds(600))
        #expect(config.clusters[1].accounting && config.clusters[1].minJobAge == .seconds(300))
        #expect(demo.staleLimit == .seconds(300))
        #expect(demo.slurmName == "demo_1" && config.clusters[1].slurmName == "other")
        #expect(config.clusters[1].apiVersion == nil)
        #expect(config.clusters[1].slurmrestd == .url("https://slurm.example.org:6820"))
        #expect(config.clusters[1].slurmrestdCAFile == "/etc/sallyport/ca.pem")
        #expect(config.rates.signInsPerMinute == 5)
        #expect(config.rates.concurrentRequests == 8)
        #expect(config.singleUser)
    }

    @Test(arguments: [("none", "DefCpuPerGPU=0,DefMemPerGPU=0"), ("defmempergpu=8", "DefCpuPerGPU=0,DefMemPerGPU=8")])
    func jobDefaultsAreWhatSlurmWrites(text: String, read: String) throws {
        let config = try GatewayConfig.parse(Full.gateway.replacingFirst("DefCpuPerGPU=4", text), file: "f")
        #expect(config.clusters[0].jobDefaults.map { "\($0)" } == read)
    }

    @Test(arguments: [
        ("none", "none"), ("maxmempercpu=8", "MaxMemPerCPU=8"), ("MaxMemPerNode = UNLIMITED", "none"),
        ("DefMemPerNode = 500,MaxMemPerNode=900", "MaxMemPerNode=900,DefMemPerNode=500"),
    ])
    func memoryLimitsAreWhatSlurmWrites(text: String, read: String) throws {
        let config = try GatewayConfig.parse(
            Full.gateway.replacingFirst("MaxMemPerCPU=4000,DefMemPerCPU=2000", text), file: "f")
        #expect(config.clusters[0].memoryLimits.map { "\($0)" } == read)
    }

    @Test func theFirstProfileThatMatchesDecides() throws {
        let config = try GatewayConfig.parse(Full.gateway, file: "f")
        func profile(_ groups: String...) -> String? {
            config.clusters[0].profile(for: Set(groups.map(GroupName.init(unchecked:))))?.rawValue
        }
        #expect(profile("okta:hpc-users", "okta:gpu-users") == "gpu")
        #expect(profile("okta:hpc-users") == "researcher")
        #expect(profile("demo:hpc-users") == "guest")
    }

    @Test(arguments: [
        ("listen: 0.0.0.0:8443", "listen: 0.0.0.0", "neither ADDRESS:PORT"),
        ("listen: 0.0.0.0:8443", "listen: localhost:8443", "neither ADDRESS:PORT"),
        ("listen: 0.0.0.0:8443", "listen: 0.0.0.0:0", "neither ADDRESS:PORT"),
        ("listen: 0.0.0.0:8443", "listen: unix:/run/x.sock", "a unix socket takes no tls"),
        (
            "tls: {certificate: /etc/sallyport/tls.pem, key: /etc/sallyport/tls.key}", "",
            "plain HTTP is allowed on a loopback"
        ),
        ("key: /etc/sallyport/tls.key}", "}", "\"key\" is missing"),
        ("https://sally.example.org/", "http://sally.example.org/", "plain http is not allowed"),
        ("https://sally.example.org/", "https://u:p@sally.example.org/", "is no URL"),
        ("10.0.0.0/8", "10.0.0.1/8", "no bit set beyond"),
        ("life: 10m", "life: 2h", "is not in 60s to 3600s"),
        ("name: demo\n    issuer", "name: okta\n    issuer", "two providers have the name okta"),
        ("name: okta", "name: local", "source of groups that are made here"),
        ("issuer: https://idp.example.org", "issuer: http://idp.example.org", "plain http is not allowed"),
        ("issuer: http://127.0.0.1:4593", "issuer: http://10.0.0.1:4593", "plain http is not allowed"),
        ("{environment: SALLY_CLIENT_SECRET}", "hunter2", "a section with keys is wanted"),
        ("{environment: SALLY_CLIENT_SECRET}", "{}", "either file or environment"),
        ("scopes: [openid, groups]", "scopes: [groups]", "openid must be among them"),
        ("subject_claim: oid", "subject_claim: email", "can change or be given to another"),
        ("administrators: [okta:hpc-admins", "administrators: [oktta:hpc-admins", "comes from no configured provider"),
        ("ledger_uids: 20000-29999", "ledger_uids: 0-29999", "is no range of uids"),
        ("ledger_uids: 20000-29999", "ledger_uids: 29999-20000", "is no range of uids"),
        ("ledger_uids: 20000-29999", "ledger_uids: 20000-70000", "uids of the system"),
        ("- name: other", "- name: demo", "two clusters have the name demo"),
        ("- name: other", "- name: Other", "cluster name \"Other\" is not valid"),
        ("unix:/run/slurmrestd/slurmrestd.sock", "unix:run/x", "unix:/PATH is wanted"),
        ("https://slurm.example.org:6820", "http://slurm.example.org:6820", "it is for a slurmrestd at https://"),
        ("https://slurm.example.org:6820", "https://slurm.example.org:6820/slurm", "no path is wanted"),
        ("v0.0.42", "42", "neither auto nor a version"),
        ("DefCpuPerGPU=4", "DefMemPerGPU=8G", "neither none nor DefCpuPerGPU"),
        ("DefCpuPerGPU=4", "'DefCpuPerGPU=4,DefCpuPerGPU=8'", "neither none nor DefCpuPerGPU"),
        ("DefCpuPerGPU=4", "4", "neither none nor DefCpuPerGPU"),
        ("DefCpuPerGPU=4", "", "must not be empty"),
        ("MaxMemPerCPU=4000,", "MaxMemPerCPU=4G,", "neither none nor MaxMemPerCPU"),
        ("whole_nodes: true", "whole_nodes: select/linear", "true or false is wanted"),
        ("whole_sockets: true", "whole_sockets: CR_Socket", "true or false is wanted"),
        ("account_mode: none", "account_mode: nowhere", "is not one of everywhere"),
        ("    account_mode: none\n    default_profile: guest", "    account_mode: none", "nobody would get an account"),
        ("/run/sallyport/signer.sock", "signer.sock", "is not an absolute path"),
        ("policy: /etc/sallyport/policy.yaml", "policy: /etc/../policy.yaml", "is not an absolute path"),
        ("single_user: true", "single_user: yes", "true or false is wanted"),
        ("single_user: true", "single_user: true\ncontact: \"\"", "must not be empty"),
        ("single_user: true", "single_user: true\ncontact: \"a\\nb\"", "control characters"),
        ("single_user: true", "single_user: true\ncontact: \(String(repeating: "x", count: 101))", "whom to ask"),
        ("single_user: true", "singel_user: true", "did you mean \"single_user\"?"),
        ("database: /var/lib/sallyport/sallyd.db", "", "\"database\" is missing"),
        ("database: /var/lib/sallyport/sallyd.db", "database:", "must not be empty"),
    ])
    func refuses(_ good: String, _ bad: String, _ message: String) throws {
        let unindented = Full.gateway
        try #require(unindented.contains(good))
        let found = problems(GatewayConfig.self, unindented.replacingFirst(good, bad))
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test func plainHTTPIsForLoopbackAndUnixSockets() throws {
        let plain = Full.gateway.replacingFirst(
            "tls: {certificate: /etc/sallyport/tls.pem, key: /etc/sallyport/tls.key}\n", "")
        for (listen, wanted) in [
            ("127.0.0.1:80", GatewayConfig.Listen.address(host: "127.0.0.1", port: 80, tls: nil)),
            ("'[::1]:80'", .address(host: "::1", port: 80, tls: nil)),
            ("unix:/run/x.sock", .unixSocket(path: "/run/x.sock")),
        ] {
            let config = try GatewayConfig.parse(plain.replacingFirst("0.0.0.0:8443", listen), file: "f")
            #expect(config.listen == wanted)
        }
    }

    @Test func anEmptyFileSaysWhatIsMissing() {
        let found = problems(GatewayConfig.self, "")
        #expect(found.count == 10)
        #expect(found.allSatisfy { $0.hasSuffix("is missing") })
    }
}

extension String {
    /// With the first occurrence of `text` replaced.
    func replacingFirst(_ text: String, _ other: String) -> String {
        guard let range = firstRange(of: text) else { return self }
        return String(self[..<range.lowerBound]) + other + self[range.upperBound...]
    }
}
