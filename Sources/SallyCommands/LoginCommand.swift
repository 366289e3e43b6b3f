// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyModel
import SallyWire
import StrictJSON

struct LoginCommand: SallySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Sign in at a gateway with your company identity.",
        discussion: """
            Opens a browser at the gateway, which sends you to your identity provider.
            The last page says who asks: check the address and confirm. Without a
            browser on this machine, --no-browser shows the address of a page to open
            anywhere, and asks for the code that the page shows.
            SALLY_BROWSER, else BROWSER, names the program that opens pages.
            Without GATEWAY, signs in again at the gateway of the context.
            """)

    @Argument(help: ArgumentHelp("Address of the gateway, such as https://sally.example.org.", valueName: "gateway"))
    var gateway: String?

    @Flag(name: .customLong("no-browser"), help: "Show the page's address and ask for its code.")
    var noBrowser = false

    @Option(
        name: .customLong("ca-file"), help: ArgumentHelp("PEM certificates that alone are trusted.", valueName: "file"),
        completion: .file())
    var caFile: String?

    @OptionGroup var common: CommonOptions

    func perform(_ here: Surroundings) async throws {
        let store = try here.store
        var context = try self.context(try store.load(), here)
        let exchange = try here.exchange(context.gateway, context.caFile)
        do {
            let (grant, me) = try await signIn(context, exchange, here)
            let session = StoredSession(grant, gateway: context.gateway)
            if context.cluster == nil {
                context.cluster =
                    (me.clusters.first(where: \.isDefault) ?? (me.clusters.count == 1 ? me.clusters.first : nil))?.name
            }
            let lock = try await store.lockSession(context.name)
            try store.save(session, context.name)
            _ = consume lock
            try await store.update { [context] list in
                list.put(context)
                list.current = context.name
            }
            try tell(context, me, here)
            await exchange.close()
        } catch {
            await exchange.close()
            throw error
        }
    }

    private func tell(_ context: GatewayContext, _ me: Me, _ here: Surroundings) throws {
        if common.json {
            try here.putJSON("login", [("context", .string(context.name.rawValue)), ("me", try Codec.json(me))])
        } else {
            try here.say(
                "signed in as \(me.user) (\(printable(me.displayName))), context \(context.name)"
                    + (context.cluster.map { ", cluster \($0)" } ?? ""))
        }
    }

    /// The context to sign in to: named, or the one of this gateway, or a new one named after the gateway's host.
    private func context(_ list: ContextList, _ here: Surroundings) throws -> GatewayContext {
        let named = try (common.context ?? here.set("SALLY_CONTEXT")).map { try ContextName($0) }
        guard let gateway else {
            guard let name = named ?? list.current, var known = list[name] else {
                throw SallyError(
                    .invalidRequest, "which gateway is not said", hint: "run `sally login https://GATEWAY`")
            }
            try change(&known)
            return known
        }
        let address = try GatewayAddress(gateway)
        let matching = list.contexts.filter { $0.gateway == address }
        let name = try named ?? (matching.count == 1 ? matching.first?.name : nil) ?? freeName(address, list)
        var context = GatewayContext(name: name, gateway: address, cluster: nil, caFile: nil)
        if let known = list[name], known.gateway == address { context = known }
        try change(&context)
        return context
    }

    private func change(_ context: inout GatewayContext) throws {
        if let cluster = common.cluster { context.cluster = try ClusterName(cluster) }
        guard let caFile else { return }
        guard caFile.hasPrefix("/") else {
            throw SallyError(
                .invalidRequest, "the CA file \(quoted(caFile)) is not an absolute path",
                hint: "contexts are used from every folder: give its whole path")
        }
        context.caFile = caFile
    }

    private func freeName(_ address: GatewayAddress, _ list: ContextList) throws -> ContextName {
        let base = String(
            address.host.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }.prefix(36))
        for number in 1...99 {
            let name = try ContextName(number == 1 ? base : "\(base)-\(number)")
            if list[name] == nil { return name }
        }
        throw SallyError(.conflict, "there is no free context name for \(address)", hint: "say `--context NAME`")
    }

    private func signIn(
        _ context: GatewayContext, _ exchange: any HTTPExchange, _ here: Surroundings
    ) async throws -> (TokenGrant, Me) {
        guard context.gateway.hasPages else {
            throw SallyError(
                .unsupported, "a browser cannot open pages over a unix socket",
                hint: "sign in at the gateway's https address")
        }
        var generator = SystemRandomNumberGenerator()
        let signIn = SignIn(using: &generator)
        let client = "sally on \(String(here.host.filter(\.isASCII).prefix(40)))"
        let code: String
        if noBrowser {
            let page = try await signIn.begin(at: context.gateway, client: client, redirect: nil, exchange)
            code = try typedCode(page, here)
        } else {
            let listener = try await LoopbackListener(state: signIn.state)
            do {
                let page = try await signIn.begin(
                    at: context.gateway, client: client, redirect: listener.redirect, exchange)
                code = try await BrowserSignIn(page: page, listener: listener, here: here).code()
            } catch {
                await listener.close()
                throw error
            }
            await listener.close()
        }
        let grant = try await signIn.redeem(code, exchange)
        var request = WireRequest(.get, Path.me)
        request.headers.append((name: "Authorization", value: "Bearer \(grant.accessToken)"))
        let me: Me = try decodedAnswer(try checked(try await exchange.perform(request)))
        return (grant, me)
    }

    private func typedCode(_ page: String, _ here: Surroundings) throws -> String {
        try here.say("open this page in any browser, sign in, and type the code that it shows:\n\n  \(page)\n")
        try here.talk.write(Array("code: ".utf8))
        let code = (here.readLine() ?? "").filter { !$0.isWhitespace }
        guard (1...512).contains(code.utf8.count) else {
            throw SallyError(.invalidRequest, "no code was typed", hint: "run `sally login` again")
        }
        return code
    }
}
