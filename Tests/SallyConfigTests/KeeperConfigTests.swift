// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct KeeperConfigTests {
    @Test func readsEveryKeyOfTheSigner() throws {
        let config = try SignerConfig.parse(Full.signer, file: "f")
        #expect(config.serve == PeerSocket(path: "/run/s/serve.sock", peer: .name("sallyd")))
        #expect(config.steward.peer == .uid(991))
        #expect(config.mintsPerNameAndMinute == 60)
        let cluster = config.clusters[0]
        #expect(cluster.algorithm == .rs256)
        #expect(cluster.kid == "k1")
        #expect(cluster.serviceAccount == "sally-service")
        #expect(cluster.submitLife == .seconds(10))
        #expect(cluster.readLife == .seconds(30))
    }

    @Test(arguments: [
        ("peer: 991", "peer: sallyd", "are the same OS user"),
        ("peer: 991", "peer: 'a b'", "neither a uid nor the name"),
        ("/run/s/admin.sock", "/run/s/serve.sock", "every socket needs a path of its own"),
        ("algorithm: RS256", "algorithm: none", "is not one of HS256, RS256"),
        ("algorithm: RS256", "algorithm: hs256", "did you mean \"HS256\"?"),
        ("    kid: k1\n", "", "RS256 needs a kid"),
        ("submit_life: 10s", "submit_life: 16s", "is not in 1s to 15s"),
        ("read_life: 30s", "read_life: 121s", "is not in 1s to 120s"),
        ("service_account: sally-service", "service_account: root", "service account \"root\" is not valid"),
        ("service_account: sally-service", "service_account: '0'", "service account \"0\" is not valid"),
    ])
    func theSignerRefuses(_ good: String, _ bad: String, _ message: String) throws {
        try #require(Full.signer.contains(good))
        let found = problems(SignerConfig.self, Full.signer.replacingFirst(good, bad))
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test func oneOSUserForBothNeedsSingleUser() throws {
        let same = Full.signer.replacingFirst("peer: 991", "peer: sallyd")
        #expect(
            try SignerConfig.parse(same.replacingFirst("single_user: false", "single_user: true"), file: "f").singleUser
        )
    }

    @Test func readsEveryKeyOfTheSteward() throws {
        let config = try StewardConfig.parse(Full.steward, file: "f")
        let cluster = config.clusters[0]
        #expect(
            cluster.transport
                == .podman(
                    controller: "demo-controller",
                    nodes: [
                        NodeName(unchecked: "node001"): "demo-node001", NodeName(unchecked: "node002"): "demo-node002",
                    ]))
        #expect(cluster.homes == "/shared/home")
        #expect(cluster.slurmCommands == "/opt/slurm/bin")
        #expect(cluster.profiles[ProfileName(unchecked: "gpu")]?.accounts.map(\.rawValue) == ["research", "gpu"])
        #expect(cluster.profiles[ProfileName(unchecked: "researcher")]?.groups == ["licences"])
        #expect(cluster.adoptProfile.rawValue == "researcher")
        #expect(cluster.output == .init(enabled: true, limit: 256 << 10))
    }

    @Test func readsTheWayOverOpenSSH() throws {
        let config = try StewardConfig.parse(Full.steward, file: "f")
        #expect(
            config.clusters[1].transport
                == .openSSH(
                    StewardConfig.OpenSSHConfig(
                        login: LoginName(unchecked: "keeper"), identityFile: "/etc/sallyport/steward/key",
                        knownHosts: "/etc/sallyport/steward/known_hosts",
                        controller: .init(host: HostAddress(unchecked: "10.1.0.10"), port: 2222),
                        nodes: [
                            NodeName(unchecked: "node001"): .init(host: HostAddress(unchecked: "10.1.0.11")),
                            NodeName(unchecked: "storage"): .init(host: HostAddress(unchecked: "fd00::12")),
                        ],
                        homeServer: NodeName(unchecked: "storage"))))
    }

    /// What opens root on every machine is the steward's alone, and who is trusted is said by the steward's owner.
    @Test func aKeyThatOthersReadAndHostsThatOthersWriteAreRefused() async throws {
        try await withScratchFolder { folder in
            let text = Full.steward.replacingFirst("/etc/sallyport/steward/key", "\(folder)/key")
                .replacingFirst("/etc/sallyport/steward/known_hosts", "\(folder)/known")
            try writeFile("\(folder)/key", "k")
            try writeFile("\(folder)/known", "k")
            try #require(chmod("\(folder)/key", 0o600) == 0 && chmod("\(folder)/known", 0o644) == 0)
            #expect(try StewardConfig.parse(text, file: "f", files: .check).clusters.count == 2)
            try #require(chmod("\(folder)/key", 0o640) == 0 && chmod("\(folder)/known", 0o664) == 0)
            let found = problems(StewardConfig.self, text, files: .check)
            #expect(found.contains { $0.contains("identity_file") && $0.contains("can be read by others") }, "\(found)")
            #expect(
                found.contains { $0.contains("known_hosts") && $0.contains("can be written by others") }, "\(found)")
        }
    }

    /// The user of another daemon could put keys of its own into it.
    @Test(.enabled(if: geteuid() == 0, "only root can give a file away")) func hostsOfSomebodyElseAreRefused()
        async throws
    {
        try await withScratchFolder { folder in
            let text = Full.steward.replacingFirst("/etc/sallyport/steward/known_hosts", "\(folder)/known")
            try writeFile("\(folder)/known", "k")
            try #require(chmod("\(folder)/known", 0o644) == 0 && chown("\(folder)/known", 65534, 65534) == 0)
            let found = problems(StewardConfig.self, text, files: .check)
            #expect(found.contains { $0.contains("known_hosts") && $0.contains("belongs to uid 65534") }, "\(found)")
            try #require(chown("\(folder)/known", 0, 0) == 0)
            #expect(!problems(StewardConfig.self, text, files: .check).contains { $0.contains("known_hosts") })
        }
    }

    @Test(arguments: [
        ("groups: [licences]", "groups: [sudo]", "gives power over the machine"),
        ("groups: [licences]", "groups: [docker]", "gives power over the machine"),
        ("groups: [licences]", "groups: ['0']", "is no name of a group"),
        ("accounts: [research]}", "accounts: []}", "at least one is wanted"),
        ("gpu: {accounts", "GPU: {accounts", "profile \"GPU\" is not valid"),
        ("    adopt_profile: researcher\n", "", "adopt_profile is required where there are several profiles"),
        ("adopt_profile: researcher", "adopt_profile: guest", "guest is none of the profiles"),
        ("controller: demo-controller", "controller: --privileged", "is no container name"),
        ("node001: demo-node001", "'-x': demo-node001", "node \"-x\" is not valid"),
        ("homes: /shared/home", "homes: /", "is not an absolute path"),
        ("limit: 256K", "limit: 1G", "is not in"),
        ("podman:", "ssh:", "either podman or openssh is wanted"),
        ("login: keeper", "login: -oProxyCommand=x", "is not valid"),
        ("port: 2222", "port: 65536", "65536 is not in 1 to 65535"),
        ("node001: 10.1.0.11", "node001: -v", "address \"-v\" is not valid"),
        ("node001: 10.1.0.11", "controller: 10.1.0.11", "controller is the controller's own name here"),
        ("home_server: storage", "home_server: node009", "node009 is none of nodes"),
        ("        identity_file: /etc/sallyport/steward/key\n", "", "\"identity_file\" is missing"),
    ])
    func theStewardRefuses(_ good: String, _ bad: String, _ message: String) throws {
        try #require(Full.steward.contains(good))
        let found = problems(StewardConfig.self, Full.steward.replacingFirst(good, bad))
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test func osUsersAreLookedUp() throws {
        #expect(try OSUser.name("root").resolve() == 0)
        #expect(try OSUser.uid(991).resolve() == 991)
        #expect(throws: SallyError.self) { try OSUser.name("nobody-has-this-name").resolve() }
    }
}
