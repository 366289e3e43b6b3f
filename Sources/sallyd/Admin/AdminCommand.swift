// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SallyClient
import SallyConfig
import SallyModel
import StrictJSON

/// `sallyd admin`: the way in that needs neither provider nor session.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Administer the gateway from its own host, without a provider or a session.",
        discussion: """
            Speaks to `sallyd serve` over its root-only unix socket. Everything is in the audit chain, as local:UID. It makes the \
            first administrator (`grant`), and is the way in when the identity provider is gone. `lock` and `unlock` speak to the \
            steward and the signer instead, and are in their logs.
            """,
        subcommands: [
            AdminIdentities.self, AdminSessions.self, AdminRevoke.self, AdminGrant.self, AdminWithdraw.self,
            AdminOffboard.self, AdminLock.self, AdminUnlock.self, AdminAudit.self,
        ])
}

/// Options that every `sallyd admin` command has.
struct AdminOptions: ParsableArguments {
    @Option(help: "The gateway's file, which names the socket.") var config: String?
    @Option(help: "The socket itself.") var socket: String?
    @Flag(help: "Print JSON.") var json = false

    /// Runs `body` with a connection to the socket, which is closed afterwards.
    func connected<Result>(_ body: (AdminConnection) async throws -> Result) async throws -> Result {
        let path = try socketPath()
        let exchange = try AsyncHTTPExchange(gateway: GatewayAddress("unix:\(path)"), caFile: nil)
        do {
            let result = try await body(AdminConnection(exchange: exchange))
            await exchange.close()
            return result
        } catch {
            await exchange.close()
            throw error
        }
    }

    private func socketPath() throws -> String {
        switch (socket, config) {
        case (let socket?, _): return socket
        case (nil, let config?):
            return try loaded { () throws(ConfigError) in try GatewayConfig.load(config) }.adminSocket
        case (nil, nil): return "/run/sallyport/serve/admin.sock"
        }
    }

    /// Prints `value` as JSON under its schema, or as `text` says.
    func show(_ value: some Encodable, schema: String, text: () -> String) throws {
        try printed(value, json: json, schema: schema, text: text)
    }
}

/// Prints `value` as JSON under its schema when `json` is set, otherwise as `text` says.
func printed(_ value: some Encodable, json: Bool, schema: String, text: () -> String) throws {
    guard json else { return print(text()) }
    var document = JSONObject([("schema", JSONValue.string("sallyport/\(schema)"))])
    if case .object(let members) = try StrictEncoder.json(value) {
        for (key, value) in members { document[key] = value }
    }
    print(JSONValue.object(document).text())
}

/// Requests over the administration socket.
struct AdminConnection {
    let exchange: AsyncHTTPExchange

    func get<Answer: Decodable>(_ path: String) async throws -> Answer {
        try decodedAnswer(checked(try await exchange.perform(WireRequest(.get, path))))
    }

    func post<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        let request = WireRequest(.post, path, body: try Codec.encode(body), deadline: .seconds(180))
        return try decodedAnswer(checked(try await exchange.perform(request)))
    }

    func post<Answer: Decodable>(_ path: String) async throws -> Answer {
        try decodedAnswer(checked(try await exchange.perform(WireRequest(.post, path))))
    }
}

/// Columns as wide as their widest cell.
func table(_ rows: [[String]]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
        let cells = row.enumerated().map { index, cell in
            index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
        }
        return cells.joined(separator: "  ")
    }.joined(separator: "\n")
}
