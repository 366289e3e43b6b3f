// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyAccounts
import SallyClusters
import SallyModel
import StrictJSON

/// `users list|lock|unlock|remove CLUSTER`: the users that Sallyport made on a cluster.
struct UsersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users", abstract: "List, lock, unlock and remove the users of a cluster.",
        discussion: "Users are made by the plugin createusers: see `sally-cluster help runplugin`.",
        subcommands: [UsersListCommand.self, UsersLockCommand.self, UsersUnlockCommand.self, UsersRemoveCommand.self])
}

struct UsersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the users that Sallyport made on a cluster.")

    @Argument(help: "The cluster.")
    var cluster: String

    @Flag(name: .customLong("all-nodes"), help: "Look at every machine, and say where somebody is missing.")
    var allNodes = false

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run() async throws {
        let surroundings = try Surroundings.own()
        let machines = try await surroundings.finder(file.config).find(cluster)
        let list = try await Interruption.cancelling {
            try await ClusterUsers(layout: machines.layout, transport: machines.transport())
                .list(allNodes ? .everyMachine : .controller)
        }
        if json {
            surroundings.print(
                [
                    "schema": "sally.cluster.users.list/1", "cluster": .string(machines.name.rawValue),
                    "users": .array(list.users.map(\.json)),
                    "unreached": unreached(list.failed),
                ] as JSONValue)
        } else if list.users.isEmpty {
            surroundings.tell("no users were made on \(machines.name)")
        } else {
            let rows =
                [["USER", "UID", "STATE", "EXPIRES", "KEY", "ACCOUNTS", "MISSING ON"]]
                + list.users.map { user in
                    [
                        user.user.rawValue, "\(user.uid)", user.state.rawValue, user.expires ?? "-",
                        user.key.map { $0 ? "yes" : "no" } ?? "-",
                        user.accounts.isEmpty ? "-" : user.accounts.map(\.rawValue).joined(separator: ","),
                        user.missing.isEmpty ? "-" : user.missing.map(\.rawValue).joined(separator: ","),
                    ]
                }
            for line in columns(rows) { surroundings.print(line) }
        }
        guard list.failed.isEmpty else {
            for (node, reason) in list.failed.sorted(by: { $0.key < $1.key }) {
                surroundings.tell("*** WARNING - \(node): \(reason)")
            }
            throw SallyError(.unavailable, "\(list.failed.count) machines were not looked at")
        }
    }
}

extension ClusterUser {
    fileprivate var json: JSONValue {
        [
            "user": .string(user.rawValue), "uid": .integer(Int64(uid.rawValue)), "state": .string(state.rawValue),
            "profile": .string(profile.rawValue), "expires": expires.map { .string($0) } ?? .null,
            "key": key.map { .bool($0) } ?? .null, "accounts": .array(accounts.map { .string($0.rawValue) }),
            "missing": .array(missing.map { .string($0.rawValue) }),
        ]
    }
}

struct UsersLockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Lock users: no sign-in, no new jobs; what runs in jobs runs on, and files stay.")

    @OptionGroup var whom: WhomOptions

    func run() async throws { try await whom.run(.lock, .keep) }
}

struct UsersUnlockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Give locked users back what the lock took.")

    @OptionGroup var whom: WhomOptions

    func run() async throws { try await whom.run(.unlock, .keep) }
}

struct UsersRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove users from every machine of a cluster.",
        discussion: """
            Locks first. Who has jobs that have not ended stays locked until they have: the same command again does the \
            rest. Homes stay unless --delete-homes is given. Names and uids are never given to somebody else.
            """)

    @OptionGroup var whom: WhomOptions

    @Flag(name: .customLong("delete-homes"), help: "Delete /home/USER, /mnt/USER and /scratch/USER as well.")
    var deleteHomes = false

    @Flag(name: [.customLong("yes"), .customShort("y")], help: "Do not ask.")
    var yes = false

    func run() async throws {
        let leavings: Leavings =
            deleteHomes
            ? .delete(homes: "/home", scratch: try ClusterSetup.Scratch(folders: "/mnt", links: "/scratch")) : .keep
        try await whom.run(.remove, leavings) { surroundings, cluster in
            guard !yes, !whom.dryRun else { return }
            let what = whom.isAll ? "all users" : whom.users.joined(separator: ", ")
            surroundings.tell(
                "this removes \(what) from \(cluster)\(deleteHomes ? " with their homes, also those kept before" : ""); type the cluster's name to go on:"
            )
            guard readLine() == cluster.rawValue else {
                throw SallyError(.conflict, "nobody was removed", hint: "type the cluster's name, or give --yes")
            }
        }
    }
}

/// Whose accounts it is about, and what is said of it.
struct WhomOptions: ParsableArguments {
    @Argument(help: "The cluster.")
    var cluster: String

    @Argument(help: "The users.")
    var users: [String] = []

    @Flag(name: .customLong("all"), help: "Everybody whom Sallyport made there.")
    var isAll = false

    @Flag(name: .customLong("dry-run"), help: "Say what would be done, and change nothing.")
    var dryRun = false

    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @OptionGroup var file: ClusterFileOption

    func run(
        _ act: RemovalAct, _ leavings: Leavings,
        confirm: (Surroundings, ClusterName) throws -> Void = { _, _ in }
    ) async throws {
        guard isAll == users.isEmpty else {
            throw SallyError(
                .invalidRequest, isAll ? "users are named, and --all is given" : "nobody is named",
                hint: "name users, or give --all")
        }
        let names = isAll ? nil : try users.map { try UserName($0) }
        let surroundings = try Surroundings.own()
        let announcer = Announcer(surroundings, isSilent: json)
        let machines = try await surroundings.finder(file.config).find(cluster)
        try confirm(surroundings, machines.name)
        let removal = ClusterRemoval(
            layout: machines.layout, transport: machines.transport(), act: act, of: names, leavings: leavings,
            dryRun: dryRun, by: "\(surroundings.userName) (sally cluster)", told: { announcer.say($0) })
        let report = try await Interruption.cancelling { try await removal.run() }
        if json {
            surroundings.print(report.json(machines.name, dryRun: dryRun))
        } else if dryRun {
            for (node, text) in report.plan.summaries { surroundings.print("\(node): \(text)") }
        } else {
            report.show(surroundings)
        }
        if !json { for problem in report.problems { announcer.warn(problem) } }
        try report.requireComplete()
    }
}
