// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCertificateReloading
import NIOCore
import NIOSSL
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
    /// - Throws: `.misconfigured` for plain HTTP on an address that is not this machine's own, and for certificate files
    ///   that cannot be used.
    package func application(listen: GatewayConfig.Listen) throws -> GatewayListener {
        let base = HTTPServerBuilder.http1(
            configuration: .init(
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
        listener(
            localRouter(LocalAdministration(permitted: permitted)), .http1(), .unixDomainSocket(path: path),
            services: [],
            socketMode: 0o600)
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

/// Reads certificate and key again when they change.
private struct CertificateReload: Service {
    private let reloader: TimedCertificateReloader

    init(_ files: GatewayConfig.TLSFiles, log: Logger) throws {
        do {
            reloader = try TimedCertificateReloader.makeReloaderValidatingSources(
                refreshInterval: .seconds(60),
                certificateSource: .init(location: .file(path: files.certificate), format: .pem),
                privateKeySource: .init(location: .file(path: files.key), format: .pem), logger: log)
        } catch {
            throw SallyError(
                .misconfigured, "certificate \(quoted(files.certificate)) and key \(quoted(files.key)) cannot be used",
                hint: "both are PEM files, and the key belongs to the certificate", cause: "\(error)")
        }
    }

    func configuration() throws -> TLSConfiguration {
        var configuration = try TLSConfiguration.makeServerConfiguration(certificateReloader: reloader)
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    func run() async throws { try await reloader.run() }
}
