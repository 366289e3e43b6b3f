// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCertificateReloading
import NIOSSL
import SallyConfig
import SallyModel
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Reads certificate and key again every minute and on SIGHUP. Connections that are there stay as they are; new ones get
/// the new certificate.
///
/// A pair that cannot be used, or a key that others can read, changes nothing: the old pair stays, and the log says why,
/// once for each reason.
struct CertificateReload: Service {
    private static let interval = Duration.seconds(60)
    private let reloader: TimedCertificateReloader

    /// - Throws: `SallyError(.misconfigured)` for files that cannot be used.
    init(_ files: GatewayConfig.TLSFiles, log: Logger) throws {
        let told = Told()
        // The key is read as at the start, permissions and all.
        let configuration = TimedCertificateReloader.Configuration(
            refreshInterval: CertificateReload.interval,
            certificateSource: .init(location: .file(path: files.certificate), format: .pem),
            privateKeySource: .init(
                location: .memory {
                    Array(try readSecret(.file(path: files.key), environment: { _ in nil }).reveal().utf8)
                }, format: .pem)
        ) { settings in
            settings.onCertificateLoaded = { change in
                told.clear()
                guard let previous = change.previousCertificateChain, previous != change.currentCertificateChain
                else { return }
                log.info("certificate reloaded", metadata: ["certificate": "\(files.certificate)"])
            }
            settings.onCertificateLoadFailed = { failure in
                guard told.isNew("\(failure.error)") else { return }
                log.error(
                    "certificate not reloaded, the old one stays",
                    metadata: [
                        "certificate": "\(files.certificate)", "key": "\(files.key)", "problem": "\(failure.error)",
                    ])
            }
        }
        do {
            reloader = try TimedCertificateReloader.makeReloaderValidatingSources(configuration: configuration)
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

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reloader.run() }
            group.addTask {
                let signals = await UnixSignalsSequence(trapping: .sighup)
                for await _ in signals.cancelOnGracefulShutdown() {
                    try? reloader.reload()  // a failure was told to the log already
                }
            }
            try await group.waitForAll()
        }
    }

    /// The reason of the last failure, so that a minute later the same is not told again.
    private final class Told: Sendable {
        /// Nil before the first pair was read: what is wrong with that one is thrown, not logged.
        private let reason = Mutex<String?>(nil)

        func clear() { reason.withLock { $0 = "" } }

        func isNew(_ text: String) -> Bool {
            reason.withLock { last in
                guard let old = last else { return false }
                last = text
                return old != text
            }
        }
    }
}
