// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
package import SallyConfig
import SallyModel
import SallySocket
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One place where the gateway listens.
package struct GatewayListener: Service {
    private let listen: @Sendable () async throws -> Void

    fileprivate init(_ listen: @Sendable @escaping () async throws -> Void) { self.listen = listen }

    package func run() async throws { try await listen() }
}

extension GatewayServer {
    /// Where everybody comes in. Certificates are read again when their files change.
    ///
    /// - Parameter patience: how long a reader may take nothing of an answer.
    /// - Throws: `.misconfigured` for plain HTTP on an address that is not this machine's own, and for certificate files
    ///   that cannot be used.
    package func application(
        listen: GatewayConfig.Listen, patience: Duration = GatewayServer.patience
    ) throws -> GatewayListener {
        let log = dependencies.log
        let base = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [AnswerDelivery(patience: patience, log: log)],
                idleTimeout: .seconds(75),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 100)))
        switch listen {
        case .unixSocket(let path):
            return listener(router(), base, .unixDomainSocket(path: path), services: [], socketMode: 0o660)
        case .address(let host, let port, nil):
            guard host == "localhost" || AddressRange.isLoopback(host) else {
                throw SallyError(
                    .misconfigured, "plain HTTP on \(quoted(host)) is refused",
                    hint: "configure a certificate, or listen on 127.0.0.1, ::1 or a unix socket")
            }
            return listener(router(), base, .hostname(host, port: port), services: [], socketMode: nil)
        case .address(let host, let port, let files?):
            let reloader = try CertificateReload(files, log: dependencies.log)
            let builder = try HTTPServerBuilder.tls(base, tlsConfiguration: try reloader.configuration())
            return listener(router(), builder, .hostname(host, port: port), services: [reloader], socketMode: nil)
        }
    }

    /// The administration socket, mode 0600, for the OS users in `permitted` and nobody else.
    package func administration(socket path: String, permitted: Set<UInt32>) -> GatewayListener {
        let log = dependencies.log
        return listener(
            localRouter(LocalAdministration(permitted: permitted)),
            .http1(
                configuration: .init(
                    additionalChannelHandlers: [AnswerDelivery(patience: GatewayServer.patience, log: log)])),
            .unixDomainSocket(path: path), services: [], socketMode: 0o600)
    }

    private func listener(
        _ router: Router<GatewayContext>, _ server: HTTPServerBuilder, _ address: BindAddress,
        services: [any Service], socketMode: mode_t?
    ) -> GatewayListener {
        let log = dependencies.log
        let responder = router.buildResponder()
        return GatewayListener {
            let application = Application(
                responder: responder, server: server,
                configuration: ApplicationConfiguration(
                    address: address, backlog: 1024,
                    availableConnectionsDelegate: MaximumAvailableConnections(4096)),
                services: services,
                onServerRunning: { channel in
                    if let socketMode, let path = channel.localAddress?.pathname, chmod(path, socketMode) != 0 {
                        log.error(
                            "the socket's mode cannot be set", metadata: ["path": "\(path)", "errno": "\(errno)"])
                    }
                    log.info("listening", metadata: ["address": "\(channel.localAddress.map { "\($0)" } ?? "")"])
                }, logger: log)
            try await withTaskExecutorPreference(LoopExecutor.shared) { try await application.run() }
        }
    }
}
