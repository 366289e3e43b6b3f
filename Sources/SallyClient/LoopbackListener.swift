// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import SallyModel
import SallyNetwork

/// Waits on 127.0.0.1 for the one request by which the browser brings the gateway's code (RFC 8252 section 7.3).
package struct LoopbackListener: Sendable {
    /// What the gateway's redirect says.
    package enum Answer: Sendable, Equatable {
        case code(String)
        case refused(String)
    }

    private let channel: any Channel
    private let answers: AsyncStream<Answer>

    /// Listens on a free port.
    /// - Parameters:
    ///   - state: a request without it is answered with 400 and otherwise ignored.
    ///   - patience: how long a connection may take to bring its request.
    package init(state: String, patience: Duration = .seconds(10)) async throws {
        let (answers, continuation) = AsyncStream.makeStream(of: Answer.self, bufferingPolicy: .bufferingOldest(1))
        self.answers = answers
        do {
            channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 8)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            RedirectHandler(state: state, patience: TimeAmount(patience), found: continuation))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
        } catch {
            throw SallyError(
                .unavailable, "cannot listen on 127.0.0.1 for the browser's answer",
                hint: "use `sally login --no-browser`", cause: "\(error)")
        }
    }

    /// The address for the gateway's redirect.
    package var redirect: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/callback" }

    /// - Throws: `SallyError(.timeout)` after `limit`; `SallyError(.denied)` when the sign-in was refused.
    package func code(within limit: Duration) async throws -> String {
        let answer = try await withDeadline(limit, "signing in with the browser") { [answers] in
            for await answer in answers { return answer }
            throw CancellationError()
        }
        switch answer {
        case .code(let code): return code
        case .refused(let why):
            throw SallyError(
                .denied, "the sign-in was refused: \(printable(why))", hint: "try again, or ask your administrator")
        }
    }

    package func close() async {
        try? await channel.close().get()  // closed already is as good
    }
}

/// Reads one HTTP request of at most 8 KiB, answers it with a plain page and closes.
private final class RedirectHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let state: String
    private let patience: TimeAmount
    private let found: AsyncStream<LoopbackListener.Answer>.Continuation
    private var received: [UInt8] = []
    private var answered = false

    init(state: String, patience: TimeAmount, found: AsyncStream<LoopbackListener.Answer>.Continuation) {
        self.state = state
        self.patience = patience
        self.found = found
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !answered else { return }
        received += Array(unwrapInboundIn(data).readableBytesView)
        let text = String(decoding: received, as: UTF8.self)
        let end = text.contains("\r\n\r\n")
        guard end || received.count > 8192 else { return }
        answered = true
        let result = end ? RedirectRequest.read(text, state: state) : nil
        answer(context, result)
        if let result { found.yield(result) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ context: ChannelHandlerContext, _ result: LoopbackListener.Answer?) {
        let (status, text) =
            switch result {
            case .code: ("200 OK", "You are signed in. You may close this page and go back to the terminal.")
            case .refused: ("200 OK", "You are not signed in. The terminal says why.")
            case nil: ("400 Bad Request", "This is not the answer that sally waits for.")
            }
        let page = """
            HTTP/1.1 \(status)\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Length: \(text.utf8.count + 1)\r
            Cache-Control: no-store\r
            Referrer-Policy: no-referrer\r
            X-Content-Type-Options: nosniff\r
            Connection: close\r
            \r
            \(text)

            """
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: page))).whenComplete { _ in channel.close(promise: nil)
        }
    }
}

/// The request of the browser.
enum RedirectRequest {
    /// - Returns: nil for anything but `GET /callback` with the right state and a code or an error.
    static func read(_ text: String, state: String) -> LoopbackListener.Answer? {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count == 3, words[0] == "GET", words[2].hasPrefix("HTTP/1.") else { return nil }
        // A page elsewhere whose name was made to point here sends its own name (DNS rebinding).
        let host = lines.dropFirst().first { $0.lowercased().hasPrefix("host:") }
        guard let host = host?.dropFirst(5).trimmingSpaces(), host == "127.0.0.1" || host.hasPrefix("127.0.0.1:") else {
            return nil
        }
        let parts = words[1].split(separator: "?", maxSplits: 1)
        guard parts.count == 2, parts[0] == "/callback" else { return nil }
        var values: [String: String] = [:]
        for pair in parts[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, let value = percentDecoded(sides[1]) else { return nil }
            guard values.updateValue(value, forKey: String(sides[0])) == nil else { return nil }
        }
        guard let got = values["state"], constantTimeEqual(Array(got.utf8), Array(state.utf8)) else { return nil }
        if let error = values["error"] { return .refused(values["error_description"] ?? error) }
        guard let code = values["code"], (1...512).contains(code.utf8.count) else { return nil }
        return .code(code)
    }
}

extension Substring {
    func trimmingSpaces() -> Substring { drop { $0 == " " } }
}
