// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import SallyModel

/// Talks to a provider over HTTP(S) with a client of its own: no redirects, certificates always verified.
package struct HTTPProviderTransport: ProviderTransport {
    private let client: HTTPClient

    /// - Throws: `SallyError(.misconfigured)` when the file of authorities cannot be read.
    package init(authorities: String?) throws {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authorities {
            do {
                let certificates = try NIOSSLCertificate.fromPEMFile(authorities)
                guard !certificates.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
                tls.trustRoots = .certificates(certificates)
            } catch {
                throw SallyError(
                    .misconfigured, "the file of certificate authorities \(quoted(authorities)) cannot be used",
                    hint: "it holds one or more certificates in PEM", cause: "\(error)")
            }
        }
        tls.minimumTLSVersion = .tlsv12
        configuration.tlsConfiguration = tls
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(10))
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
        let limit = TimeAmount.nanoseconds(
            request.deadline.components.seconds * 1_000_000_000
                + request.deadline.components.attoseconds / 1_000_000_000)
        // The client's own deadline ends with the head of the answer: the body needs one as well.
        return try await withThrowingTaskGroup(of: ProviderAnswer.self) { [message] group in
            group.addTask {
                let answer = try await client.execute(message, timeout: limit)
                let body = try await answer.body.collect(upTo: request.maximumBody)
                return ProviderAnswer(status: Int(answer.status.code), body: Array(body.readableBytesView))
            }
            group.addTask {
                try await Task.sleep(for: request.deadline)
                throw HTTPClientError.deadlineExceeded
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw HTTPClientError.deadlineExceeded }
            return first
        }
    }

    /// Closes the connections. Once, after the last request.
    package func shutdown() async throws { try await client.shutdown() }
}
