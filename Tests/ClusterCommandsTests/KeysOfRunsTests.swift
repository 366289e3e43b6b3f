// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyClusters
import SallyModel
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

@testable import ClusterCommands

/// Keys that `runplugin` hands out, on a real machine and real files. Signals are the whole process's: one test at a time.
extension InterruptionTestsSerial {
    @Suite(.enabled(if: TestContainers.nodeImage != nil, "needs podman and a node image: `make images`"))
    struct KeysOfRunsTests {
        /// A machine behind a podman that can be made to hold whatever is to give users their keys.
        private struct Bench {
            let world: PluginWorld
            let machines: ClusterMachines
            let podman: PodmanEnvironment
            let container: String

            var keys: String { "\(world.root)/keys" }
            var archive: String { "\(keys)/lab-r.tar.gz" }

            static func with(_ body: (Bench) async throws -> Void) async throws {
                guard let image = TestContainers.nodeImage else { return }
                let podman = try PodmanEnvironment.detect(environment: TestContainers.environment)
                try await PluginWorld.with { world in
                    try world.program(
                        "podman",
                        """
                        [ -e '\(world.root)/hold' ] && [ "$1" = exec ] || exec podman "$@"
                        while IFS= read -r line || [ -n "$line" ]; do
                            case $line in
                            'authorize_users() {') touch '\(world.root)/held'; exec sleep 600 ;;
                            esac
                            printf '%s\\n' "$line"
                        done | podman "$@"
                        """)
                    try await SSHNode.makeKey("\(world.root)/id", passphrase: "")
                    try await TestContainers.with(podman, ["--entrypoint", "/bin/bash", image, "-c", "sleep infinity"])
                    {
                        container in
                        var machines = world.cluster()
                        machines.controller.id = container
                        machines.nodes = []
                        machines.access = .podman(
                            PodmanEnvironment(program: "\(world.root)/podman", variables: podman.variables))
                        try await body(
                            Bench(world: world, machines: machines, podman: podman, container: container))
                    }
                }
            }

            /// - Returns: what was said on standard output and standard error.
            func run(
                _ plugin: String, _ settings: String, renewKeys: Bool = false,
                output: PluginRun.Output = .text
            ) async throws -> (output: String, errors: [String]) {
                let file = "\(world.root)/clusters.yaml"
                try writeFile(
                    file,
                    "plugins:\n  \(plugin): {type: createusers, download_keys_dir: \(keys), scratch: [], \(settings)}\n"
                )
                let before = (world.output.count, world.errors.count)
                let surroundings = world.surroundings()
                let announcer = Announcer(surroundings, isSilent: output == .json)
                let read = try ReadPlugin(plugin, surroundings.settings(file), announcer)
                try await PluginRun(
                    plugin: read, machines: machines, renewKeys: renewKeys, dryRun: false, output: output
                ).run(surroundings, announcer)
                return (String(world.output.dropFirst(before.0)), Array(world.errors.dropFirst(before.1)))
            }

            /// Ended as by a signal: keys lie here, and no machine has heard of them.
            func interrupt(_ settings: String) async throws {
                try writeFile("\(world.root)/hold", "")
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await #expect(throws: CancellationError.self) {
                            _ = try await run("users", settings, renewKeys: true)
                        }
                    }
                    try? await eventually("the machine is to be told") {  // what follows says more
                        exists("\(world.root)/held")
                    }
                    group.cancelAll()
                }
                #expect(exists("\(world.root)/held"))
                for name in ["hold", "held"] { try FileManager.default.removeItem(atPath: "\(world.root)/\(name)") }
            }

            func script(_ script: String) async throws -> String {
                try await podman.call(
                    ["exec", "--interactive", container, "/bin/bash", "-s"], standardInput: Array(script.utf8),
                    deadline: .seconds(240)
                ).run().output
            }

            /// The key that the machine lets a user in with.
            func known(_ user: String) async throws -> String {
                try await script("sed -n 's/ sally:lab:key$//p' /home/\(user)/.ssh/authorized_keys")
            }

            /// The public half of the key in an encrypted file.
            func encrypted(_ user: String) async throws -> String {
                try await tool(
                    "age -d -i \(world.root)/id \(keys)/\(user).ed25519.age >\(world.root)/plain && chmod 600 \(world.root)/plain"
                        + " && ssh-keygen -y -f \(world.root)/plain | cut -d' ' -f1,2")
            }

            func archived(_ user: String) async throws -> String {
                try await tool(
                    "tar -xzOf \(archive) ./\(user).ed25519 >\(world.root)/plain && chmod 600 \(world.root)/plain"
                        + " && ssh-keygen -y -f \(world.root)/plain | cut -d' ' -f1,2")
            }

            func members() async throws -> [String] {
                try await tool("tar -tzf \(archive)").split(separator: "\n").dropFirst().map(String.init)
            }

            private func tool(_ line: String) async throws -> String {
                let done = try await runProgram(
                    "/bin/sh", ["-c", "umask 077; \(line)"], environment: ["PATH": "/usr/bin:/bin", "HOME": world.root])
                #expect(done.status == 0, "\(done)")
                return done.output
            }
        }

        /// Old keys are in nobody's hands any more, and new ones on no machine: that is said, and `--renew-keys` ends it.
        @Test(.enabled(if: exists("/usr/bin/age"), "needs age")) func aRenewalOfEncryptedKeysThatWasInterrupted()
            async throws
        {
            try await Bench.with { bench in
                let key = try String(contentsOfFile: "\(bench.world.root)/id.pub", encoding: .utf8)
                    .split(separator: " ").prefix(2).joined(separator: " ")
                let settings = "usernames: [ann, ben], encrypt_for: {ann: \"\(key)\", ben: \"\(key)\"}"
                let users = ["ann", "ben"]
                func known() async throws -> [String] {
                    var lines: [String] = []
                    for user in users { lines.append(try await bench.known(user)) }
                    return lines
                }
                func held() async throws -> [String] {
                    var lines: [String] = []
                    for user in users { lines.append(try await bench.encrypted(user)) }
                    return lines
                }
                _ = try await bench.run("users", settings)
                let first = try await known()
                #expect(try await held() == first && Set(first).count == 2 && first.allSatisfy { !$0.isEmpty })

                try await bench.interrupt(settings)
                #expect(try await known() == first)
                let lying = try await held()
                #expect(Set(lying).isDisjoint(with: first))

                let named = try await bench.run("users", settings)
                let warnings = named.errors.filter { $0.hasPrefix("*** WARNING - ") }
                #expect(warnings.count == 1, "\(named)")
                #expect(
                    warnings.first?.hasPrefix("*** WARNING - keys that lie here open nothing, of ann, ben: ") == true)
                let json = try JSONValue(parsing: try await bench.run("users", settings, output: .json).output)
                #expect(json["keys"]?["stale"]?.array?.map(\.string) == users, "\(json)")
                #expect(try await known() == first)
                #expect(try await held() == lying)

                let renewed = try await bench.run("users", settings, renewKeys: true)
                #expect(!renewed.errors.contains { $0.contains("open nothing") }, "\(renewed)")
                let last = try await known()
                #expect(try await held() == last)
                #expect(Set(last).isDisjoint(with: first + lying) && Set(last).count == 2)
                let again = try JSONValue(parsing: try await bench.run("users", settings, output: .json).output)
                #expect(again["keys"]?["stale"]?.array?.isEmpty == true && again["done"]?.array?.isEmpty == true)
            }
        }

        /// Two lists of users on one cluster have one archive, and neither takes the other's keys away.
        @Test func twoListsShareTheirFiles() async throws {
            try await Bench.with { bench in
                let users = "usernames: [ann, ben], download_keys: true"
                let course = "usernames: [cid], download_keys: true"
                _ = try await bench.run("users", users)
                let ann = try await bench.archived("ann")
                let second = try await bench.run("course", course)
                #expect(!second.errors.contains { $0.contains("Dropping") }, "\(second)")
                #expect(
                    Set(try await bench.members()) == ["./ann.ed25519", "./ben.ed25519", "./cid.ed25519"])
                #expect(try await bench.archived("ann") == ann)

                // The first list's new keys wait while the second one's are renewed.
                try await bench.interrupt(users)
                let waiting = "\(bench.keys)/.lab-r.tar.gz.waiting"
                #expect(exists(waiting))
                _ = try await bench.run("course", course, renewKeys: true)
                #expect(exists(waiting))
                #expect(try await bench.archived("cid") == bench.known("cid"))
                _ = try await bench.run("users", users, renewKeys: true)
                #expect(!exists(waiting))
                for user in ["ann", "ben", "cid"] {
                    #expect(try await bench.archived(user) == bench.known(user), "\(user)")
                }
                #expect(try await bench.known("ann") != ann)

                // Whoever is on the cluster keeps the key, whatever the list says; who was removed does not, by name.
                let shorter = "usernames: [ann], download_keys: true"
                let kept = try await bench.run("users", shorter, renewKeys: true)
                #expect(!kept.errors.contains { $0.contains("Dropping") }, "\(kept)")
                #expect(Set(try await bench.members()).count == 3)
                _ = try await bench.script(
                    "cd /var/lib/sallyport; line=$(grep '\"ben\"' accounts.jsonl | tail -n 1)\n"
                        + "echo \"${line/active/removed}\" >>accounts.jsonl; userdel -r ben")
                let dropped = try await bench.run("users", shorter, renewKeys: true)
                #expect(
                    dropped.errors.contains("Dropping keys that nobody needs any more, of: ben"), "\(dropped)")
                #expect(Set(try await bench.members()) == ["./ann.ed25519", "./cid.ed25519"])

                // What was handed out and taken away is said as that.
                try FileManager.default.removeItem(atPath: bench.archive)
                let gone = try JSONValue(parsing: try await bench.run("users", shorter, output: .json).output)
                #expect(gone["keys"]?["unheld"]?.array?.map(\.string) == ["ann"], "\(gone)")
                let said = try await bench.run("users", shorter)
                #expect(said.errors.contains { $0.hasPrefix("*** WARNING - no key lies here of ann, and") }, "\(said)")
            }
        }

        /// Where nobody can say which other lists there are, nobody's key goes.
        @Test func withoutTheMemoryOfListsNoKeyGoes() async throws {
            try await Bench.with { bench in
                _ = try await bench.run("users", "usernames: [ann, ben], download_keys: true")
                _ = try await bench.script(
                    "cd /var/lib/sallyport; line=$(grep '\"ben\"' accounts.jsonl | tail -n 1)\n"
                        + "echo \"${line/active/removed}\" >>accounts.jsonl; userdel -r ben")
                try writeFile(PluginMemory(of: bench.machines, in: bench.world.store).path, "nonsense")
                await #expect(throws: SallyError.self) {
                    try await bench.run("users", "usernames: [ann], download_keys: true", renewKeys: true)
                }
                #expect(
                    bench.world.errors.contains { $0.hasPrefix("*** WARNING - no key is dropped, whoever it is of: ") })
                #expect(Set(try await bench.members()) == ["./ann.ed25519", "./ben.ed25519"])
                #expect(try await bench.archived("ann") == bench.known("ann"))
            }
        }
    }
}
