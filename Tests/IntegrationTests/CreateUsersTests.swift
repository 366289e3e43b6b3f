// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import StrictJSON
import Testing

/// StarCluster's Create Users plugin as its users know it: an INI file, `runplugin`, keys in an archive, `sshmaster` and
/// `sshnode`. Alone, like everything that makes many accounts.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized) struct CreateUsersTests {
    /// Runs `sally-cluster`, or `starcluster`, with a home of the test's own.
    private func cluster(
        _ folder: String, _ arguments: [String], as name: String = "sally-cluster", input: String = ""
    ) async throws -> ProgramResult {
        let stack = try Stack.required()
        var program = "\(stack.state)/bin/sally-cluster"
        if name == "starcluster" {
            _ = try await runProgram("/bin/ln", ["-sf", program, "\(folder)/starcluster"])
            program = "\(folder)/starcluster"
        }
        return try await runProgram(
            program, arguments, environment: stack.administrator.merging(["HOME": folder]) { $1 }, input: input)
    }

    private func withSettings(
        _ settings: String, _ body: (StewardBench, String, [UserName]) async throws -> Void
    ) async throws {
        try await StewardBench.with { bench in
            try await withScratchFolder { folder in
                let users = try (0..<3).map { _ in try bench.person().0 }
                let names = users.map(\.rawValue).joined(separator: ", ")
                try writeFile("\(folder)/config", settings.replacing("NAMES", with: names))
                try await body(bench, folder, users)
            }
        }
    }

    private static let starCluster = """
        [global]
        default_template = smallcluster

        [aws info]
        aws_access_key_id = none
        aws_secret_access_key = none
        aws_region_name = us-west-2

        [cluster smallcluster]
        keyname = mykey
        cluster_size = 3
        node_image_id = ami-999d49f0
        node_instance_type = m1.small
        plugins = createusers

        [plugin createusers]
        setup_class = starcluster.plugins.users.CreateUsers
        usernames = NAMES
        num_users = 3
        download_keys = True
        download_keys_dir = ~/keys
        """

    @Test func theDocumentsTranscriptWorks() async throws {
        try await withSettings(Self.starCluster) { bench, folder, users in
            let ran = try await cluster(
                folder, ["-c", "\(folder)/config", "runplugin", "createusers", bench.name.rawValue], as: "starcluster")
            #expect(ran.status == 0, "\(ran)")
            for line in [
                "Running plugin createusers", "Creating 3 cluster users",
                "Configuring passwordless ssh for 3 cluster users", "Tarring all SSH keys for cluster users...",
                "Configuring scratch space for user(s): ", "Copying cluster users SSH keys to: ",
            ] {
                #expect(ran.errors.contains(line), "\(line): \(ran)")
            }
            let archive = "\(folder)/keys/\(bench.name)-us-east-1.tar.gz"
            let listed = try await runProgram(
                "/bin/tar", ["-tvzf", archive], environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"])
            let members = listed.output.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(members.map { String($0.last ?? "") } == ["./"] + users.map { "./\($0).rsa" }, "\(listed)")
            #expect(members.dropFirst().allSatisfy { $0[0] == "-r--------" && $0[1] == "root/root" })
            #expect(permissions(of: archive) == 0o600 && permissions(of: "\(folder)/keys") == 0o700)

            let user = users[1].rawValue
            let name = bench.name.rawValue
            let hop = "ssh -o BatchMode=yes \(bench.nodes[2]) 'id -un; uname -n'"
            let there = try await cluster(folder, ["sshmaster", "-u", user, name, hop])
            #expect(there.status == 0 && there.output == "\(user)\n\(bench.nodes[2])\n", "\(there)")
            let node = try await cluster(
                folder, ["sshnode", "-u", user, name, bench.nodes[1].rawValue, "id -un; exit 7"])
            #expect(node.status == 7 && node.output == "\(user)\n", "\(node)")

            let again = try await cluster(
                folder, ["runplugin", "--json", "-c", "\(folder)/config", "createusers", name])
            #expect(again.status == 0)
            let report = try JSONValue(parsing: Array(again.output.utf8))
            #expect(report["done"]?.array?.isEmpty == true && report["complete"] == true, "\(again)")
            #expect(report["users"]?.array?.count == 3 && report["key_files"]?.array?.isEmpty == true)
        }
    }

    /// Whom somebody else made stops that user only, and the exit status says so.
    @Test func whoIsThereAlreadyIsLeftAlone() async throws {
        try await withSettings(Self.starCluster) { bench, folder, users in
            let foreign = users[0]
            _ = try await bench.run("useradd --uid 59871 --no-create-home \(foreign)", on: bench.nodes[1])
            let ran = try await cluster(folder, ["rp", "-c", "\(folder)/config", "createusers", bench.name.rawValue])
            #expect(ran.status == SallyError.Code.conflict.exitStatus, "\(ran)")
            #expect(ran.errors.contains("*** WARNING - \(foreign) was left alone: on \(bench.nodes[1]) "), "\(ran)")
            #expect(try await bench.run("id -u \(foreign)", on: bench.nodes[1]) == "59871\n")
            #expect(try await bench.run("getent passwd \(foreign) || echo none") == "none\n")
            for user in users.dropFirst() { #expect(try await bench.run("id -un \(user)") == "\(user)\n") }
        }
    }

    @Test func usersAreListedLockedAndRemoved() async throws {
        try await withSettings(Self.starCluster) { bench, folder, users in
            let name = bench.name.rawValue
            _ = try await cluster(folder, ["runplugin", "-c", "\(folder)/config", "createusers", name])
            func state(_ user: UserName) async throws -> String? {
                let said = try await cluster(folder, ["users", "list", "--json", "--all-nodes", name])
                let list = try JSONValue(parsing: Array(said.output.utf8))
                let entry = list["users"]?.array?.first { $0["user"]?.string == user.rawValue }
                #expect(entry?["missing"]?.array?.isEmpty == true, "\(said)")
                return entry?["state"]?.string
            }
            #expect(try await state(users[0]) == "active")
            let locked = try await cluster(folder, ["users", "lock", name, users[0].rawValue])
            #expect(locked.status == 0 && locked.output == "locked: \(users[0])\n", "\(locked)")
            #expect(try await state(users[0]) == "locked")
            let refused = try await cluster(folder, ["users", "remove", name, users[0].rawValue], input: "another\n")
            #expect(refused.status == SallyError.Code.conflict.exitStatus, "\(refused)")
            let removed = try await cluster(folder, ["users", "remove", "--yes", name, users[0].rawValue])
            #expect(removed.status == 0 && removed.output == "removed: \(users[0])\n", "\(removed)")
            #expect(try await state(users[0]) == "removed")
            #expect(try await state(users[1]) == "active")
            #expect(
                try await bench.run("getent passwd \(users[0]) || ls -d /home/\(users[0])") == "/home/\(users[0])\n")
        }
    }

    /// (words after `runplugin`, what is said, exit status)
    @Test(arguments: [
        (["createusers"], "Please provide a plugin_name and <cluster_tag>", SallyError.Code.invalidRequest),
        (["nothere", "CLUSTER"], "Plugin \"nothere\" not found in config", .notFound),
        (["createusers", "nocluster"], "cluster 'nocluster' does not exist", .notFound),
    ]) func whatIsWrongIsSaidOnce(_ words: [String], _ message: String, _ code: SallyError.Code) async throws {
        try await withSettings(Self.starCluster) { bench, folder, _ in
            let words = words.map { $0 == "CLUSTER" ? bench.name.rawValue : $0 }
            let ran = try await cluster(
                folder, ["-c", "\(folder)/config", "runplugin"] + words, as: "starcluster")
            #expect(ran.status == code.exitStatus && ran.errors.hasPrefix("!!! ERROR - \(message)\n"), "\(ran)")
        }
    }

    /// (setting, what is said)
    @Test(arguments: [
        ("num_users = many", "num_users must be an integer"), ("num_users = 0", "num_users is 0"),
        ("num_users = -3", "num_users is -3"), ("num_users = 10001", "10000"),
        ("num_users = 2\nusernames = linus", "only 1 usernames provided - 2 required"),
        ("download_keys = true", "you must provide num_users or usernames or both"),
        ("usernames = root", "\"root\" is an account of the system"), ("usernames = a,,b", "name 2 is empty"),
        ("usernames = tux, tux", "tux"), ("usernames = x'; rm -rf /", "x'; rm -rf /"),
    ]) func badSettingsChangeNothing(_ setting: String, _ message: String) async throws {
        let settings = "[plugin createusers]\nsetup_class = starcluster.plugins.users.CreateUsers\n\(setting)\n"
        try await withSettings(settings) { bench, folder, _ in
            let look =
                "cat /var/lib/sallyport/accounts.jsonl /etc/passwd 2>/dev/null | grep -cE '\\b(linus|tux|user001|a)\\b[:\"]'"
            let ran = try await cluster(
                folder, ["runplugin", "-c", "\(folder)/config", "createusers", bench.name.rawValue])
            #expect(ran.status == SallyError.Code.misconfigured.exitStatus, "\(ran)")
            #expect(ran.errors.contains(message) && ran.errors.contains("[plugin createusers]"), "\(ran)")
            #expect(try await bench.run(look) == "0\n")
        }
    }
}
