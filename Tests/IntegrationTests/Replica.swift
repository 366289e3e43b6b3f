// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyTestSupport
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One more gateway on the stack's database, keys and keepers, as a second process of one installation, with a file of its
/// own: what a test does to it, nobody else notices.
struct Replica: Sendable {
    let stack: Stack
    let name: String
    /// What belongs to it, readable by the OS user of `serve`.
    let folder: String
    let url: String

    /// Contexts of the stack's people that lead here. They hold no refresh token: a copied one, used twice, would end the
    /// session of the original.
    var contexts: String { "\(folder)/contexts" }

    /// Runs `sally` against this gateway in the context of `user`.
    func sally(_ user: String, _ arguments: [String], input: String = "") async throws -> ProgramResult {
        try await stack.sally(user, arguments, input: input, with: ["SALLY_CONFIG_DIR": contexts])
    }

    func request(
        _ method: String, _ path: String, token: String? = nil, headers: [String] = [], body: String? = nil
    ) async throws -> Answer {
        try await stack.request(method, path, token: token, headers: headers, body: body, at: url)
    }

    /// Sends SIGHUP.
    func reload() async throws {
        let result = try await stack.script("stack", ["reload", stack.state, name])
        guard result.status == 0 else { throw Failure("no reload: \(result)") }
    }

    func log() async throws -> String { try await stack.log(name) }

    /// Waits until `/readyz` says so, or says the opposite.
    func wait(untilReady ready: Bool) async throws {
        try await eventually("\(name) ready: \(ready)") {
            (try await request("GET", "/readyz").status == 200) == ready
        }
    }

    /// Waits until `/readyz` says that it is not, and for this reason: one that was busy for a moment says another first.
    func wait(untilNotReady words: String) async throws {
        try await eventually("\(name) not ready: \(words)") {
            let ready = try await request("GET", "/readyz")
            return ready.status == 503 && ready.body.contains(words)
        }
    }
}

/// The text of a gateway's file, changed line by line.
struct GatewayText {
    private(set) var lines: [String]

    init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }

    var text: String { lines.joined(separator: "\n") }

    /// Sets a key at the top.
    mutating func set(_ key: String, _ value: String) {
        lines.removeAll { $0.hasPrefix("\(key):") }
        lines.insert("\(key): \(value)", at: 0)
    }

    /// Sets a key of one cluster.
    mutating func set(_ key: String, _ value: String, cluster: String) {
        guard let start = lines.firstIndex(of: "  - name: \(cluster)") else { return }
        let next = lines[(start + 1)...].firstIndex { $0.hasPrefix("  - ") } ?? lines.endIndex
        for index in (start + 1)..<next where lines[index].hasPrefix("    \(key):") { lines[index] = "" }
        lines.insert("    \(key): \(value)", at: start + 1)
    }
}

extension Stack {
    func log(_ name: String) async throws -> String {
        try await runProgram("/bin/cat", ["\(state)/log/\(name).log"]).output
    }

    /// Runs a second gateway for `body`, and ends it afterwards.
    ///
    /// - Parameters:
    ///   - name: of its log and socket; no two at one time have the same.
    ///   - url: its address where sign-ins come back to it; nil for any free port.
    ///   - ready: whether `/readyz` is waited for; else only `/healthz`.
    ///   - preload: a library that its process loads first.
    ///   - change: gets its file and the folder for what belongs to it.
    func withReplica<Result>(
        _ name: String, url: String? = nil, waitsForReady ready: Bool = true, preload: String? = nil,
        change: (inout GatewayText, String) async throws -> Void, _ body: (Replica) async throws -> Result
    ) async throws -> Result {
        try await withScratchFolder { folder in
            guard chmod(folder, 0o711) == 0 else { throw Failure("no folder for \(name)") }
            let address: String
            if let url { address = url } else { address = "http://127.0.0.1:\(try await freePort())" }
            var file = GatewayText(try await runProgram("/bin/cat", ["\(state)/etc/gateway.yaml"]).output)
            file.set("listen", String(address.split(separator: "/").last ?? ""))
            file.set("admin_socket", "\(state)/run/serve/\(name).sock")
            try await change(&file, folder)
            try writeFile("\(folder)/gateway.yaml", file.text, mode: 0o644)
            try await copyContexts(to: "\(folder)/contexts", leadingTo: address)
            let replica = Replica(stack: self, name: name, folder: folder, url: address)
            return try await running(
                name, "serve", "\(folder)/gateway.yaml", preload: preload,
                answers: {
                    guard !address.hasPrefix("https") else { return try await log(name).contains("listening") }
                    let path = ready ? "/readyz" : "/healthz"
                    let answer = try await runProgram(
                        "/usr/bin/curl", ["-fsS", "-m", "20", "-o", "/dev/null", "\(address)\(path)"])
                    return answer.status == 0
                }, { try await body(replica) })
        }
    }

    /// Starts a daemon beside the three, waits until it answers, and ends it after `body`.
    func running<Result>(
        _ name: String, _ role: String, _ config: String, preload: String? = nil, answers: () async throws -> Bool,
        _ body: () async throws -> Result
    ) async throws -> Result {
        let start = try await script(
            "stack", ["start", state, name, role, config], with: preload.map { ["SALLYPORT_PRELOAD": $0] } ?? [:])
        guard start.status == 0 else { throw Failure("\(name) does not start: \(start)") }
        do {
            do {
                let process = Int32(
                    try await runProgram("/bin/cat", ["\(state)/pid/\(name)"]).output.filter(\.isNumber))
                try await eventually("\(name) answers") {
                    guard let process, kill(process, 0) == 0 else { throw Failure("\(name) has ended") }
                    return try await answers()
                }
            } catch {
                throw Failure("\(error); its log: \(try await log(name))")
            }
            let result = try await body()
            _ = try await script("stack", ["stop", state, name])
            return result
        } catch {
            _ = try await script("stack", ["stop", state, name])
            throw error
        }
    }

    private func copyContexts(to folder: String, leadingTo url: String) async throws {
        let copied = try await runProgram("/bin/cp", ["-a", "\(state)/contexts", folder])
        guard copied.status == 0 else { throw Failure("\(copied)") }
        let files = try await runProgram("/usr/bin/find", [folder, "-name", "*.json"]).output.split(separator: "\n")
        for file in files {
            let text = try await runProgram("/bin/cat", [String(file)]).output.replacing(gateway, with: url)
            try writeFile(String(file), without(refreshToken: text))
        }
    }

    private func without(refreshToken text: String) -> String {
        guard let key = text.firstRange(of: "\"refresh_token\":\"") else { return text }
        return text[..<key.upperBound] + "none" + text[key.upperBound...].drop { $0 != "\"" }
    }

    /// A port of 127.0.0.1 that nobody listens on, never the same twice. It is below those that the system gives to outgoing
    /// connections (ip_local_port_range, from 32768 on), of which one could take it before its program has started.
    func freePort() async throws -> Int {
        for _ in 0..<200 {
            let port = nextPort.add(1, ordering: .relaxed).oldValue
            guard
                let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: port).get()
            else { continue }  // somebody's
            try await channel.close()
            return port
        }
        throw Failure("no free port")
    }

    /// Whom `serve` runs as: `install -o`'s argument.
    var serveUser: String { variable("SALLYPORT_TEST_SERVE_USER") ?? "\(getuid())" }

    /// Puts a file with this text where only the OS user of `serve` can read it.
    func writePrivate(_ path: String, _ text: String) async throws {
        try writeFile("\(path).new", text)
        let result = try await runProgram("/usr/bin/install", ["-m", "600", "-o", serveUser, "\(path).new", path])
        guard result.status == 0 else { throw Failure("\(result)") }
        removeTree("\(path).new")
    }
}

private let nextPort = Atomic<Int>(Int.random(in: 20000..<30000))
