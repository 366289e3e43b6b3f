// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import Testing

@testable import SallyClusters

@Suite struct CreateUsersTests {
    private typealias Samples = SettingsSamples

    @Test(arguments: [
        ("num_users = many", "num_users must be an integer"), ("num_users = 3.0", "num_users must be an integer"),
        ("num_users = 0x10", "num_users must be an integer"), ("num_users =", "num_users must be an integer"),
        ("num_users = 1\n  2", "num_users must be an integer"), ("num_users = +", "num_users must be an integer"),
        ("download_keys = on", "you must provide num_users or usernames or both"),
        ("usernames =", "you must provide num_users or usernames or both"),
        ("num_users = 3\nusernames = a, b", "only 2 usernames provided - 3 required"),
        ("num_users = 0", "num_users is 0; at least 1 is wanted"),
        ("num_users = -3", "num_users is -3; at least 1 is wanted"),
        ("num_users = 10001", "num_users is 10001; at most 10000 are made"),
        ("num_users = 99999999999999999999", "num_users is 99999999999999999999; at most 10000 are made"),
        ("num_users = -99999999999999999999", "num_users is -9999999999999999999; at least 1 is wanted"),
        ("num_users = 0\nusernames = a", "num_users is 0; at least 1 is wanted"),
    ])
    func numbersOfUsersAreChecked(_ lines: String, _ expected: String) {
        let found = Samples.complaint(ofINI: lines)
        #expect(found.hasSuffix(": [plugin p]: \(expected)") && !found.contains("\n"), "\(found)")
    }

    @Test func moreNamesThanUsersAreRefusedWithWhatToDo() {
        let found = Samples.complaint(ofINI: "num_users = 1\nusernames = a, b")
        #expect(
            found == "/c/config:4: [plugin p]: only 2 usernames provided - 1 required: give as many as num_users says,"
                + " or leave num_users away")
    }

    @Test(arguments: [
        ("a,,b", "name 2 is empty"), ("a, b,", "name 3 is empty"), (",a", "name 1 is empty"),
        ("a, b, a", "\"a\" is given twice"), ("root", "\"root\" is an account of the system"),
        ("daemon", "\"daemon\" is an account of the system"), ("systemd-x", "is an account of the system"),
        ("nginx", "is an account of the system"), ("slurm", "is an account of the system"),
        ("abcdefghijklmnopqrstuvwxyz0123456", "has 33 characters, at most 32"),
        ("o'brian", "\"o'brian\" is no user name"),
        ("a\"b", "is no user name"), ("a b", "\"a b\" has a space"), ("a:b", "\"a:b\" is no user name"),
        ("a\n  b", "has a line break: commas end lines"), ("-a", "\"-a\" begins with -"),
        ("Bob", "\"Bob\" has upper case; write \"bob\""), ("1a", "is no user name"), ("é", "is no user name"),
        ("a$(id)", "is no user name"), ("a/b", "is no user name"), ("..", "is no user name"),
        ("a\u{0}b", "is no user name"),
    ])
    func namesAreChecked(_ names: String, _ expected: String) {
        let found = Samples.complaint(ofINI: "usernames = \(names)")
        #expect(found.hasPrefix("/c/config:3: [plugin p]: usernames: ") && found.contains(expected), "\(found)")
        #expect(!found.contains("\n"))
    }

    @Test func allProblemsOfAPluginComeAtOnce() throws {
        let found = Samples.complaint(
            ofINI:
                "num_users = x\nusernames = root, Bob, a b, a, a\ndownload_keys = maybe\nkey_type = dsa\nexpires = soon"
        ).split(separator: "\n")
        #expect(found.count == 8, "\(found)")
        #expect(found.contains { $0.hasSuffix("num_users must be an integer") })
        #expect(
            found.contains { $0.hasSuffix("Expected True/False value for setting download_keys in section [plugin p]") }
        )
    }

    @Test func manyProblemsAreCounted() {
        let names = (0..<200).map { "A\($0)" }.joined(separator: ",")
        let found = Samples.complaint(ofINI: "usernames = \(names)").split(separator: "\n")
        #expect(found.count == 51 && found.last?.hasSuffix("and 150 more") == true)
    }

    @Test func tooManyNamesAreRefused() {
        let names = (0...CreateUsersSettings.maximumUsers).map { "a\($0)" }.joined(separator: ",")
        #expect(
            Samples.complaint(ofINI: "uids = 100000-200000\nusernames = \(names)")
                .contains("10001 usernames are more than 10000"))
    }

    @Test func usersAreNumbered() throws {
        let names = UserNameList.numbered(1000).map(\.rawValue)
        #expect(names[0] == "user001" && names[98] == "user099" && names[998] == "user999" && names[999] == "user1000")
        #expect(UserNameList.numbered(0).isEmpty)
        let text = "[plugin p]\nsetup_class = starcluster.plugins.users.CreateUsers\nnum_users = 2\nusernames = b, a"
        let users = try #require(try Samples.users(Samples.ini(text).plugin("p").value))
        #expect(users.users.map(\.rawValue) == ["b", "a"])
    }

    @Test func uidsMustSuffice() throws {
        #expect(Samples.complaint(ofINI: "num_users = 5000") == "")
        #expect(
            Samples.complaint(ofINI: "num_users = 5001\nuids = 30000-34999").contains(
                "uids 30000-34999 are 5000, too few for 5001"))
        #expect(Samples.complaint(ofINI: "num_users = 10000\nuids = 100000-199999") == "")
        for wrong in ["1-2", "0-5000", "60000", "2-1", "60000-70000", "a-b", "60000-61000-62000", "-5"] {
            #expect(
                Samples.complaint(ofINI: "num_users = 1\nuids = \(wrong)").contains("is no range of uids"), "\(wrong)")
        }
    }

    @Test(arguments: [
        ("1", true), ("yes", true), ("TRUE", true), ("On", true), ("0", false), ("no", false), ("False", false),
        ("off", false),
    ])
    func booleansAreConfigParsers(_ text: String, _ expected: Bool) throws {
        let text =
            "[plugin p]\nsetup_class = starcluster.plugins.users.CreateUsers\nnum_users = 1\ndownload_keys = \(text)"
        #expect(try Samples.users(Samples.ini(text).plugin("p").value)?.downloadKeys == expected)
    }

    @Test func whatIsNotKnownIsWarnedOfWithTheNearest() throws {
        let text =
            "[plugin p]\nsetup_class = starcluster.plugins.users.CreateUsers\nusernames = a\nnum_user = 3\nzzzzzzzz = 1"
        #expect(
            try Samples.ini(text).plugin("p").warnings == [
                "/c/config:4: [plugin p]: setting num_user is not known; did you mean num_users?",
                "/c/config:5: [plugin p]: setting zzzzzzzz is not known",
            ])
        let native = try Samples.yaml("plugins: {p: {type: createusers, usernames: [a], num_user: 3}}").plugin("p")
        #expect(native.warnings.joined().contains("did you mean num_users?"))
        // Alone it is why something is missing.
        let alone = try Samples.yaml("plugins: {p: {type: createusers, num_user: 3}}")
        let error = #expect(throws: SallyError.self) { try alone.plugin("p") }
        #expect(error?.message.contains("you must provide") == true && error?.hint?.contains("num_users?") == true)
    }

    @Test func everySettingOfTheNativeFormIsRead() throws {
        let text = """
            plugins:
              p:
                type: createusers
                num_users: 2
                usernames: [linus, tux]
                download_keys: true
                download_keys_dir: keys
                key_type: rsa
                public_keys: users.keys
                encrypt_for: {tux: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 tux@example"}
                expires: 2027-01-31
                scratch: [/data]
                adopt_homes: true
                uids: 70000-70009
                shell: /bin/zsh
                accounts: [Research, gpu]
            """
        let users = try #require(try Samples.users(Samples.yaml(text).plugin("p").value))
        #expect(users.downloadKeysDirectory == "/c/keys" && users.publicKeys == "/c/users.keys")
        #expect(users.keyType == .rsa3072 && users.adoptHomes && users.downloadKeys)
        #expect(users.encryptFor == .keys([try UserName("tux"): "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 tux@example"]))
        #expect(users.expires == .on(Timestamp(1_801_353_600)))
        #expect(users.scratch == ScratchSettings(folder: "/data", links: nil))
        #expect(users.uids.first.rawValue == 70000 && users.uids.last.rawValue == 70009)
        #expect(users.shell == "/bin/zsh" && users.accounts.map(\.rawValue) == ["research", "gpu"])
    }

    @Test func theNativeFormHasEd25519AndTakesNoHomes() throws {
        let users = try #require(
            try Samples.users(
                Samples.yaml("plugins: {p: {type: createusers, num_users: 1, scratch: []}}").plugin("p").value))
        #expect(users.keyType == .ed25519 && !users.adoptHomes && users.scratch == nil && !users.downloadKeys)
    }

    @Test(arguments: [
        ("num_users: x", "num_users must be an integer"), ("num_users: [1]", "num_users must be an integer"),
        ("num_users: ~", "num_users must be an integer"), ("usernames: []", "you must provide num_users"),
        ("usernames: a", "a list is wanted"), ("usernames: [a, [b]]", "a name is wanted"),
        ("usernames: [a, ~]", "name 2 is empty"), ("num_users: 1\ndownload_keys: yes", "true or false is wanted"),
        ("num_users: 1\nkey_type: rsa2048", "is not one of ed25519, rsa"),
        ("num_users: 1\nencrypt_for: me", "passphrase, or a section"),
        ("num_users: 1\nencrypt_for: {}", "at least one USER"),
        ("num_users: 1\nencrypt_for: {bob: ssh-rsa AAAA}", "\"bob\" is not one of the users"),
        ("num_users: 1\nencrypt_for: {user001: hush}", "an SSH public key is wanted"),
        ("num_users: 1\nencrypt_for: {user001: ecdsa-sha2-nistp256 AAAA}", "an SSH public key is wanted"),
        ("num_users: 1\nexpires: 3", "is neither a time"), ("num_users: 1\nexpires: 59s", "is neither a time"),
        ("num_users: 1\nexpires: 2027-02-30", "is neither a time"),
        ("num_users: 1\nexpires: 4000d", "is neither a time"),
        ("num_users: 1\nscratch: [/etc]", "a folder of the system"), ("num_users: 1\nscratch: [mnt]", "absolute path"),
        ("num_users: 1\nscratch: [/a, /a]", "and another for links"),
        ("num_users: 1\nscratch: [/a, /b, /c]", "links to it"),
        ("num_users: 1\nscratch: [\"/a b\"]", "is not of A-Z"), ("num_users: 1\nshell: bash", "absolute path"),
        ("num_users: 1\nshell: \"/bin/sh:x\"", "is not of A-Z"), ("num_users: 1\naccounts: [a, A]", "more than once"),
        ("num_users: 1\naccounts: [-x]", "account \"-x\" is not valid"),
        ("num_users: 1\ndownload_keys_dir: $NO/x", "$NO is not set"),
        ("num_users: 1\npublic_keys: \"~bob/x\"", "~ followed by a name"),
        ("num_users: 1\nadopt_homes: 1", "true or false"),
    ])
    func theNativeFormIsChecked(_ lines: String, _ expected: String) {
        let found = Samples.complaint(ofYAML: lines)
        #expect(found.contains(expected) && !found.contains("\n") && !found.contains("hush"), "\(found)")
    }

    @Test func theOtherSettingsWorkInAStarClusterFileToo() throws {
        let text = """
            [plugin p]
            setup_class = starcluster.plugins.users.CreateUsers
            num_users = 1
            key_type = ed25519
            adopt_homes = no
            encrypt_for = passphrase
            expires = 3d
            scratch =
            uids = 70000-70001
            shell = /bin/zsh
            accounts = research, gpu
            public_keys = keys
            """
        let users = try #require(try Samples.users(Samples.ini(text).plugin("p").value))
        #expect(users.keyType == .ed25519 && !users.adoptHomes && users.encryptFor == .passphrase)
        #expect(users.expires == .after(.seconds(3 * 86400)) && users.scratch == nil && users.publicKeys == "/c/keys")
        #expect(users.shell == "/bin/zsh" && users.accounts.count == 2 && users.uids.last.rawValue == 70001)
        #expect(try Samples.ini(text).plugin("p").warnings.isEmpty)
    }

    @Test(
        arguments: [
            ("1970-01-01", 0), ("2000-02-29", 951_782_400), ("2027-01-31", 1_801_353_600),
            ("2024-12-31", 1_735_603_200),
        ] as [(String, Int64)])
    func daysBeginAtMidnight(_ text: String, _ seconds: Int64) {
        #expect(AccountExpiry.parse(text) == .on(Timestamp(seconds)))
    }

    @Test(arguments: [
        "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "26-01-01", "2026-04-31", "2026-01-00", "", "3",
    ])
    func noDaysAreNone(_ text: String) { #expect(AccountExpiry.parse(text) == nil) }

    @Test func expiryIsAMomentToCome() throws {
        let now = Timestamp(1_000_000)
        #expect(try AccountExpiry.after(.seconds(60)).moment(from: now) == Timestamp(1_000_060))
        #expect(try AccountExpiry.on(Timestamp(1_000_001)).moment(from: now) == Timestamp(1_000_001))
        #expect(throws: SallyError.self) { try AccountExpiry.on(now).moment(from: now) }
    }
}
