// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A client's connection, byte by byte, to be ended when a test says so.
struct RawConnection {
    private let channel: any Channel

    /// - Parameter url: `http://127.0.0.1:PORT`.
    init(to url: String) async throws {
        guard let port = Int(url.split(separator: ":").last ?? "") else { throw Failure("no port in \(url)") }
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func close() async throws { try await channel.close() }
}
