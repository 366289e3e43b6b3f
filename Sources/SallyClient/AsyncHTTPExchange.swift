// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import SallyModel
import SallyNetwork

/// `HTTPExchange` over AsyncHTTPClient.
package struct AsyncHTTPExchange: HTTPExchange {
    private let client: HTTPClient
    private let gateway: GatewayAddress

    /// - Parameter caFile: PEM certificates that alone are trusted; nil for the system's.
    /// - Throws: `SallyError(.misconfigured)` when `caFile` has no certificate or cannot be read.
    package init(gateway: GatewayAddress, caFile: String?) throws {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try .client(trusting: caFile), redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(10), read: .seconds(120)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.gateway = gateway
    }

    package func perform(_ request: WireRequest) async throws -> WireReply {
        let message = message(request)
        do {
            return try await exchange(message, within: request.deadline)
        } catch let error as SallyError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw unavailable(error)
        }
    }

    package func stream(
        _ request: WireRequest, _ receive: ([UInt8]) async throws -> StreamReading
    ) async throws -> WireReply {
        let message = message(request)
        var own: (any Error)?
        do {
            // The gateway ends it sooner; a silent one ends by the client's time-out for reading.
            let response = try await client.execute(message, timeout: .hours(24))
            var reply = WireReply(
                status: Int(response.status.code), contentType: response.headers.first(name: "Content-Type") ?? "",
                body: [])
            guard (200...299).contains(reply.status) else {
                reply.body = Array(try await response.body.collect(upTo: WireRequest.answerLimit).readableBytesView)
                return reply
            }
            for try await piece in response.body {
                do {
                    if case .enough = try await receive(Array(piece.readableBytesView)) { break }
                } catch {
                    own = error
                    throw error
                }
            }
            return reply
        } catch {
            // What the reader of it throws is no word about the gateway.
            if own != nil || error is CancellationError || error is SallyError { throw error }
            throw unavailable(error)
        }
    }

    private func message(_ request: WireRequest) -> HTTPClientRequest {
        var message = HTTPClientRequest(url: gateway.url(request.path))
        message.method = HTTPMethod(rawValue: request.method.rawValue)
        message.headers.add(name: "Accept", value: "application/json, application/problem+json")
        message.headers.add(name: "User-Agent", value: "sally/\(Version.current)")
        if let host = gateway.extraHost { message.headers.add(name: "Host", value: host) }
        for (name, value) in request.headers { message.headers.add(name: name, value: value) }
        if let body = request.body {
            message.headers.add(name: "Content-Type", value: "application/json")
            message.body = .bytes(body, length: .known(Int64(body.count)))
        }
        return message
    }

    private func exchange(_ message: HTTPClientRequest, within limit: Duration) async throws -> WireReply {
        try await withDeadline(limit, "the gateway's answer") { [client] in
            let response = try await client.execute(message, timeout: .seconds(limit.components.seconds + 1))
            do {
                let body = try await response.body.collect(upTo: WireRequest.answerLimit)
                return WireReply(
                    status: Int(response.status.code), contentType: response.headers.first(name: "Content-Type") ?? "",
                    body: Array(body.readableBytesView), stale: response.headers.stale)
            } catch is NIOTooManyBytesError {
                throw SallyError(.tooLarge, "the gateway's answer has more than \(WireRequest.answerLimit) bytes")
            }
        }
    }

    package func close() async {
        try? await client.shutdown()  // fails only when it was shut down before
    }

    private func unavailable(_ error: any Error) -> SallyError {
        if error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError {
            return SallyError(
                .unavailable, "the certificate of \(gateway) is not trusted",
                hint: "if your site has a CA of its own: `sally login \(gateway) --ca-file FILE`", cause: "\(error)")
        }
        return SallyError(
            .unavailable, "the gateway at \(gateway) does not answer",
            hint: "check the network, then ask your administrator; running and queued jobs go on without it",
            cause: "\(error)")
    }
}

extension HTTPHeaders {
    /// `Sallyport-Stale: true` with `Age`.
    fileprivate var stale: Int? {
        first(name: "Sallyport-Stale") == "true" ? first(name: "Age").flatMap { Int($0) } ?? 0 : nil
    }
}
