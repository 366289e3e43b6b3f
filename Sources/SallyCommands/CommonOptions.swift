// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The sign-in to use; else SALLY_CONTEXT, else the current one.", valueName: "name"))
    var context: String?

    @Option(
        name: [.customShort("M"), .long],
        help: ArgumentHelp("The cluster; else SALLY_CLUSTER, the context's, the gateway's default.", valueName: "name"))
    var cluster: String?

    @Flag(help: "Print JSON with a versioned schema.")
    var json = false
}

/// A context, chosen, with the way to its gateway.
struct Connection: Sendable {
    let context: GatewayContext
    let gateway: GatewayClient
    let store: ContextStore
    let exchange: any HTTPExchange
    let asked: String?

    /// `-M`, SALLY_CLUSTER, the context's cluster, or the gateway's default.
    func cluster() async throws -> ClusterName {
        if let asked { return try ClusterName(asked) }
        if let known = context.cluster { return known }
        let me: Me = try await gateway.get(Path.me)
        let usual = me.clusters.first(where: \.isDefault) ?? (me.clusters.count == 1 ? me.clusters.first : nil)
        if let usual { return usual.name }
        let names = me.clusters.map { "\($0.name)" }.joined(separator: ", ")
        throw SallyError(
            .invalidRequest, "which cluster is not said",
            hint: names.isEmpty ? "the gateway has no cluster for you" : "say `-M NAME`; there are \(names)")
    }
}

extension CommonOptions {
    func chosen(_ here: Surroundings) throws -> GatewayContext {
        let list = try here.store.load()
        if let name = context ?? here.set("SALLY_CONTEXT") { return try list.require(ContextName(name)) }
        if let current = list.current { return try list.require(current) }
        throw SallyError(.unauthenticated, "you are not signed in anywhere", hint: "run `sally login https://GATEWAY`")
    }

    /// Opens the way to the gateway for `body` and closes it afterwards.
    func connected<Result>(_ here: Surroundings, _ body: (Connection) async throws -> Result) async throws -> Result {
        let context = try chosen(here)
        let exchange = try here.exchange(context.gateway, context.caFile)
        let store = try here.store
        let keeper = SessionKeeper(context: context, store: store, clock: here.clock)
        let connection = Connection(
            context: context, gateway: GatewayClient(exchange: exchange, session: keeper), store: store,
            exchange: exchange, asked: cluster ?? here.set("SALLY_CLUSTER"))
        do {
            let result = try await body(connection)
            await exchange.close()
            return result
        } catch {
            await exchange.close()
            throw error
        }
    }
}

/// A command of sally: gets its surroundings handed in.
protocol SallySubcommand: AsyncParsableCommand {
    func perform(_ here: Surroundings) async throws
}

extension SallySubcommand {
    mutating func run() async throws {
        guard let here = Surroundings.current else {
            throw SallyError(.internal, "a command was started without its surroundings")
        }
        try await perform(here)
    }
}
