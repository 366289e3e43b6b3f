// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SallyModel
import SallyNetwork

/// Talks to a provider over HTTP(S) with a client of its own: no redirects, certificates always verified.
package struct HTTPProviderTransport: ProviderTransport {
    private let client: HTTPClient

    /// - Parameters:
    ///   - connect: how long a connection may take to be made, its TLS included.
    ///   - read: the longest pause within an answer.
    /// - Throws: `SallyError(.misconfigured)` when the file of authorities cannot be read.
    package init(
        authorities: String?, connect: Duration = .seconds(5), read: Duration = .seconds(10)
    ) throws {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.tlsConfiguration = try .client(trusting: authorities)
        configuration.timeout = .init(connect: TimeAmount(connect), read: TimeAmount(read))
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func send(_ request: ProviderRequest) async throws -> ProviderAnswer {
        var message = HTTPClientRequest(url: request.url)
        switch request.method {
        case .get: message.method = .GET
        case .post:
            message.method = .POST
            message.body = .bytes(ByteBuffer(bytes: request.body))
        }
        for (name, value) in request.headers { message.headers.add(name: name, value: value) }
        message.headers.add(name: "Accept", value: "application/json")
        let limit = TimeAmount(request.deadline)
        // The client's own deadline ends with the head of the answer: the body needs one as well.
        do {
            return try await withDeadline(request.deadline) { [client, message] in
                let answer = try await client.execute(message, timeout: limit)
                let body = try await answer.body.collect(upTo: request.maximumBody)
                return ProviderAnswer(status: Int(answer.status.code), body: Array(body.readableBytesView))
            }
        } catch is DeadlineExceeded {
            throw HTTPClientError.deadlineExceeded
        }
    }

    /// Closes the connections. Once, after the last request.
    package func shutdown() async throws { try await client.shutdown() }
}
