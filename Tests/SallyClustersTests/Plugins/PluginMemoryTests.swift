// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import SallyClusters

#if canImport(Glibc)
import Glibc
#endif

@Suite struct PluginMemoryTests {
    private static func cluster(
        _ provider: ClusterMachines.Provider, controller: String = "10.0.0.10"
    ) -> ClusterMachines {
        ClusterMachines(
            name: ClusterName(unchecked: "lab"), provider: provider, region: "r",
            controller: ClusterMachine(
                name: NodeName(unchecked: "master"), role: .controller, id: "c", address: controller, state: .running),
            nodes: [], homeServer: NodeName(unchecked: "master"), networks: [], accounting: .enforced,
            access: .podman(PodmanEnvironment(variables: [:])))
    }

    private static func program(_ name: String, _ path: String = "/x", at time: Int64 = 1) -> RememberedPlugin {
        RememberedPlugin(
            name: name,
            settings: .command(
                CommandPluginSettings(
                    path: path, timeout: 7,
                    settings: JSONObject([("deep", ["k": [1, true, nil, "1"] as JSONValue] as JSONValue)]))),
            ranAt: Timestamp(time))
    }

    private static let users: [CreateUsersSettings] = {
        var full = CreateUsersSettings(
            users: [UserName(unchecked: "linus"), UserName(unchecked: "tux")], downloadKeys: true,
            downloadKeysDirectory: "/k", keyType: .rsa3072, publicKeys: "/p",
            encryptFor: .keys([UserName(unchecked: "tux"): "ssh-ed25519 AAAA"]), expires: .after(.seconds(3600)),
            scratch: ScratchSettings(folder: "/s", links: nil), adoptHomes: true,
            uids: UIDRange(first: UserID(rawValue: 2000) ?? least, last: UserID(rawValue: 2999) ?? least),
            shell: "/bin/zsh", accounts: [AccountName(unchecked: "a"), AccountName(unchecked: "b")])
        let first = full
        full.encryptFor = .passphrase
        full.expires = .on(Timestamp(1_800_000_000))
        full.scratch = .documented
        let second = full
        (full.encryptFor, full.expires, full.scratch, full.shell, full.publicKeys) = (nil, nil, nil, nil, nil)
        return [first, second, full]
    }()
    private static let least = UserID(rawValue: 1000)!  // a constant in the permitted range

    private func withMemory(
        _ provider: ClusterMachines.Provider, _ body: (PluginMemory, ClusterStore) async throws -> Void
    ) async throws {
        try await withScratchFolder { root in
            let store = ClusterStore(root: "\(root)/state")
            let cluster = PluginMemoryTests.cluster(provider)
            if provider == .podman {
                try Disk.makePath(store.root)
                try store.folder(of: cluster.name).make()
            }
            try await body(PluginMemory(of: cluster, in: store), store)
        }
    }

    @Test(arguments: users) func settingsComeBackAsTheyWere(_ settings: CreateUsersSettings) async throws {
        try await withMemory(.podman) { memory, _ in
            let plugin = RememberedPlugin(name: "u", settings: .createUsers(settings), ranAt: Timestamp(5))
            try await memory.remember(plugin)
            #expect(try memory.plugins() == [plugin])
        }
    }

    @Test(arguments: [ClusterMachines.Provider.podman, .inventory])
    func pluginsAreKeptInTheOrderInWhichTheyFirstRan(_ provider: ClusterMachines.Provider) async throws {
        try await withMemory(provider) { memory, store in
            #expect(try memory.plugins().isEmpty)
            for name in ["b", "a", "c"] { try await memory.remember(PluginMemoryTests.program(name)) }
            try await memory.remember(PluginMemoryTests.program("a", "/y", at: 2))
            let expected = [
                PluginMemoryTests.program("b"), PluginMemoryTests.program("a", "/y", at: 2),
                PluginMemoryTests.program("c"),
            ]
            #expect(try memory.plugins() == expected)
            #expect(try await memory.forget("b"))
            #expect(try await !memory.forget("b"))
            #expect(try memory.plugins().map(\.name) == ["a", "c"])
            #expect(permissions(of: memory.path) == 0o600)
            #expect(!exists("\(memory.path).new"))
            // What is remembered of machines that exist already is no local cluster.
            if provider == .inventory {
                #expect(store.all().isEmpty)
                #expect(permissions(of: "\(store.root)/.inventory") == 0o700)
            }
        }
    }

    @Test func manyAtOnceAreAllKept() async throws {
        try await withMemory(.inventory) { memory, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { try await memory.remember(PluginMemoryTests.program("p\(number)")) }
                }
                try await group.waitForAll()
            }
            #expect(try memory.plugins().count == 20)
        }
    }

    @Test func anotherClusterOfTheNameHasNothingOfIt() async throws {
        try await withScratchFolder { root in
            let store = ClusterStore(root: root)
            let first = PluginMemory(of: PluginMemoryTests.cluster(.inventory), in: store)
            let second = PluginMemory(
                of: PluginMemoryTests.cluster(.inventory, controller: "10.9.0.1"), in: store)
            try await first.remember(PluginMemoryTests.program("a"))
            let error = #expect(throws: SallyError.self) { try second.plugins() }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("master 10.0.0.10 22") == true)
            try await second.remember(PluginMemoryTests.program("b"))
            #expect(try second.plugins().map(\.name) == ["b"])
        }
    }

    @Test func aClusterThatIsGoneIsNotMadeAgain() async throws {
        try await withScratchFolder { root in
            let memory = PluginMemory(of: PluginMemoryTests.cluster(.podman), in: ClusterStore(root: root))
            await #expect(throws: SallyError.self) { try await memory.remember(PluginMemoryTests.program("a")) }
            #expect(Disk.names(in: root).isEmpty)
        }
    }

    private static let broken: [String] = [
        "", "{", "[]", #"{"version": 2, "cluster": "lab", "controller": "", "plugins": []}"#,
        #"{"version": 1, "cluster": "other", "controller": "", "plugins": []}"#,
        #"{"version": 1, "cluster": "lab", "controller": "", "plugins": [{}]}"#,
    ]

    @Test(arguments: broken) func aFileOfAnotherFormIsNamed(_ text: String) async throws {
        try await withMemory(.podman) { memory, _ in
            try writeFile(memory.path, text)
            let error = #expect(throws: SallyError.self) { try memory.plugins() }
            #expect(error?.code == .misconfigured)
            #expect(error?.message.hasPrefix("\(memory.path): ") == true)
            await #expect(throws: SallyError.self) { try await memory.remember(PluginMemoryTests.program("a")) }
        }
    }

    private static let entries: [(String, JSONValue?)] = [
        ("name", nil), ("type", "python"), ("command", "relative"), ("timeout", 0), ("timeout", 86_401),
        ("timeout", "7"), ("settings", []), ("ran_at", "now"),
    ]

    @Test(arguments: entries) func whatIsNoProgramIsRefused(_ key: String, _ value: JSONValue?) throws {
        guard case .object(var object) = PluginMemoryTests.program("a").json else { return }
        _ = try RememberedPlugin(.object(object))
        object[key] = value
        #expect(throws: RememberedPlugin.Unreadable.self) { try RememberedPlugin(.object(object)) }
    }

    private static let changes: [(String, JSONValue)] = [
        ("users", ["root;"]), ("users", nil), ("download_keys", "yes"), ("key_type", "dsa"), ("uids", [5, 6]),
        ("uids", [3000, 2000]), ("scratch", ["/a", "/b", "/c"]), ("expires", ["after": 1]), ("expires", [:]),
        ("encrypt_for", "me"), ("encrypt_for", ["a b": "x"]), ("accounts", ["a b"]),
    ]

    @Test(arguments: changes) func whatAreNoUsersIsRefused(_ key: String, _ value: JSONValue) throws {
        guard case .object(var object) = PluginMemoryTests.users[0].json else { return }
        _ = try CreateUsersSettings(.object(object))
        object[key] = value
        #expect(throws: (any Error).self) { try CreateUsersSettings(.object(object)) }
    }

    /// It names programs that are run.
    @Test func aFileThatOthersCanWriteToIsNotBelieved() async throws {
        try await withMemory(.podman) { memory, _ in
            try await memory.remember(PluginMemoryTests.program("a"))
            chmod(memory.path, 0o620)
            let error = #expect(throws: SallyError.self) { try memory.plugins() }
            #expect(error?.message.hasSuffix("it is not a file of yours that nobody else can write to") == true)
            chmod(memory.path, 0o600)
            #expect(rename(memory.path, "\(memory.path).there") == 0)
            #expect(symlink("\(memory.path).there", memory.path) == 0)
            #expect(throws: SallyError.self) { try memory.plugins() }
        }
    }

    @Test func theSummaryHasNoSettings() throws {
        let text = PluginMemoryTests.program("a").summary.text()
        #expect(text == #"{"name":"a","type":"command","ran_at":"1970-01-01T00:00:01Z","command":"/x"}"#)
        let users = RememberedPlugin(
            name: "u", settings: .createUsers(PluginMemoryTests.users[0]), ranAt: Timestamp(1))
        #expect(users.summary["users"]?.integer() == 2)
    }
}
