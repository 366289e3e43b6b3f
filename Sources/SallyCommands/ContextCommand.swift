// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import StrictJSON

struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context", abstract: "The gateways and sign-ins known here.",
        subcommands: [
            ContextListCommand.self, ContextUseCommand.self, ContextShowCommand.self, ContextRemoveCommand.self,
        ],
        defaultSubcommand: ContextListCommand.self)
}

struct ContextListCommand: SallySubcommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the contexts.")
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let store = try here.store
        let list = try store.load()
        if common.json { return try here.putJSON("contexts", list.views(store)) }
        if list.contexts.isEmpty { return try here.say("no contexts; run `sally login https://GATEWAY`") }
        let rows = try list.contexts.map { context in
            [
                context.name == list.current ? "*" : "", context.name.rawValue, "\(context.gateway)",
                context.cluster?.rawValue ?? "", try store.session(context.name)?.user.rawValue ?? "",
            ]
        }
        try here.putTable(["CURRENT", "NAME", "GATEWAY", "CLUSTER", "USER"], rows)
    }
}

struct ContextUseCommand: SallySubcommand {
    static let configuration = CommandConfiguration(commandName: "use", abstract: "Make a context the current one.")
    @Argument(help: "The context's name.") var name: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let name = try ContextName(name)
        try await here.store.update { list in
            _ = try list.require(name)
            list.current = name
        }
        if common.json { return try here.putJSON("context", [("current", .string(name.rawValue))]) }
        try here.say("using context \(name)")
    }
}

struct ContextShowCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a context, else the current one.")
    @Argument(help: "The context's name.") var name: String?
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let store = try here.store
        let context = try name.map { try store.load().require(ContextName($0)) } ?? common.chosen(here)
        let session = try store.session(context.name)
        if common.json { return try here.putJSON("context", ContextView(context, session, current: nil)) }
        for line in Table.pairs([
            ("name", "\(context.name)"), ("gateway", "\(context.gateway)"), ("cluster", context.cluster?.rawValue),
            ("ca file", context.caFile), ("user", session?.user.rawValue ?? "not signed in"),
            ("session ends", session.map { "\($0.sessionExpires)" }),
        ]) { try here.put(line) }
    }
}

struct ContextRemoveCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget a context and its session. Run `sally logout` first to end the session.")
    @Argument(help: "The context's name.") var name: String
    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let name = try ContextName(name)
        let store = try here.store
        try await store.update { list in
            _ = try list.require(name)
            list.contexts.removeAll { $0.name == name }
            if list.current == name { list.current = nil }
        }
        try store.removeSession(name)
        if common.json { return try here.putJSON("context", [("removed", .string(name.rawValue))]) }
        try here.say("removed context \(name)")
    }
}

/// A context as JSON: never with a token.
private struct ContextView: Encodable {
    let name: ContextName
    let gateway: GatewayAddress
    let cluster: ClusterName?
    let caFile: String?
    let user: UserName?
    let sessionExpires: Timestamp?
    let current: Bool?

    init(_ context: GatewayContext, _ session: StoredSession?, current: Bool?) {
        name = context.name
        gateway = context.gateway
        cluster = context.cluster
        caFile = context.caFile
        user = session?.user
        sessionExpires = session?.sessionExpires
        self.current = current
    }

    enum CodingKeys: String, CodingKey {
        case name, gateway, cluster
        case caFile = "ca_file"
        case user
        case sessionExpires = "session_expires"
        case current
    }
}

private struct ContextViews: Encodable {
    let contexts: [ContextView]
}

extension ContextList {
    fileprivate func views(_ store: ContextStore) throws -> ContextViews {
        ContextViews(
            contexts: try contexts.map { ContextView($0, try store.session($0.name), current: $0.name == current) })
    }
}
