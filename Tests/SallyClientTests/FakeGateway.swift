// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyClient
import SallyModel
import StrictJSON
import Synchronization

/// A gateway of two routes over real sockets: it rotates refresh tokens as the real one does, and answers `/v1/me` to
/// the newest access token alone.
final class FakeGateway: Sendable {
    struct State {
        var generation = 1
        var refreshes = 0
        var replays = 0
        var ended = false
        /// Whether the last refresh token still gets the same successor.
        var grace = true
    }

    let state = Mutex(State())
    private let channel = Mutex<(any Channel)?>(nil)

    static func with<Result>(_ body: (FakeGateway, GatewayAddress) async throws -> Result) async throws -> Result {
        let gateway = FakeGateway()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 128)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(OneRequest(gateway))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try GatewayAddress("http://127.0.0.1:\(channel.localAddress?.port ?? 0)")
        do {
            let result = try await body(gateway, address)
            try await channel.close().get()
            return result
        } catch {
            try await channel.close().get()
            throw error
        }
    }

    /// A session of the generation, whose access token ends at `expires`.
    static func session(_ generation: Int, _ address: GatewayAddress, expires: Timestamp) throws -> StoredSession {
        StoredSession(
            gateway: address, user: try UserName("alice"), accessToken: Secret("access-\(generation)"),
            expires: expires,
            refreshToken: Secret("refresh-\(generation)"), sessionExpires: Timestamp(4_000_000_000))
    }

    func answer(_ head: String, _ body: [UInt8]) -> (status: String, body: String, location: String?) {
        let words = head.split(separator: " ")
        guard words.count > 1 else { return ("400 Bad Request", "{}", nil) }
        switch words[1] {
        case "/v1/auth/refresh": return refresh(body)
        case "/v1/me":
            let newest = state.withLock { ($0.generation, $0.ended) }
            guard !newest.1, head.contains("Bearer access-\(newest.0)\r\n") else {
                return ("401 Unauthorized", "{}", nil)
            }
            return ("200 OK", #"{"user":"alice"}"#, nil)
        case "/v1/elsewhere": return ("302 Found", "", "http://127.0.0.1:1/stolen")
        case "/v1/refused":
            let error = SallyError(.denied, "no rule allows partition gpu", hint: "ask for access")
            return ("403 Forbidden", (try? Codec.json(Refusal(error)).text()) ?? "", nil)  // empty is noticed
        case "/v1/text": return ("502 Bad Gateway", "<html>proxy</html>", nil)
        default: return ("404 Not Found", "{}", nil)
        }
    }

    private func refresh(_ body: [UInt8]) -> (status: String, body: String, location: String?) {
        let token = (try? JSONValue(parsing: body))?["refresh_token"]?.string  // junk is an unknown token
        return state.withLock { state in
            if state.ended { return ("401 Unauthorized", "{}", nil) }
            if token == "refresh-\(state.generation)" {
                state.generation += 1
                state.refreshes += 1
            } else if token == "refresh-\(state.generation - 1)", state.grace {
                state.replays += 1
            } else {
                state.ended = true
                return ("401 Unauthorized", "{}", nil)
            }
            return (
                "200 OK",
                """
                {"access_token":"access-\(state.generation)","expires":3999999999,
                "refresh_token":"refresh-\(state.generation)","session_expires":4000000000,"user":"alice"}
                """, nil
            )
        }
    }
}

private struct Refusal: Encodable {
    var type = "urn:sallyport:problem:denied"
    var title = "not allowed"
    var status = 403
    var detail: String
    var hint: String?
    var code = "denied"
    var request = "req-1"
    var future = "a newer gateway says more"

    init(_ error: SallyError) {
        detail = error.message
        hint = error.hint
    }
}

private final class OneRequest: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let gateway: FakeGateway
    private var received: [UInt8] = []

    init(_ gateway: FakeGateway) { self.gateway = gateway }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(unwrapInboundIn(data).readableBytesView)
        let text = String(decoding: received, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return }
        let head = String(text[..<end.upperBound])
        let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
        let body = Array(text[end.upperBound...].utf8)
        guard body.count >= length ?? 0 else { return }
        received = []
        let answer = gateway.answer(head, body)
        let location = answer.location.map { "Location: \($0)\r\n" } ?? ""
        let reply =
            "HTTP/1.1 \(answer.status)\r\nContent-Type: application/json\r\n\(location)"
            + "Content-Length: \(answer.body.utf8.count)\r\nConnection: close\r\n\r\n\(answer.body)"
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}

extension String {
    /// The first place of `other`, without Foundation.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        let own = Array(utf8)
        let wanted = Array(other.utf8)
        guard own.count >= wanted.count else { return nil }
        for start in 0...(own.count - wanted.count) where Array(own[start..<start + wanted.count]) == wanted {
            return utf8.index(
                utf8.startIndex, offsetBy: start)..<utf8.index(utf8.startIndex, offsetBy: start + wanted.count)
        }
        return nil
    }
}

struct FixedClock: WallClock {
    var now: Timestamp
}
