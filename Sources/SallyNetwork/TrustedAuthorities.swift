// SPDX-License-Identifier: Apache-2.0

package import NIOSSL
import SallyModel

extension TLSConfiguration {
    /// How a client of ours speaks TLS: 1.2 or later, certificates always verified.
    ///
    /// - Parameter authorities: a file of certificates in PEM that alone are trusted; nil for the system's.
    /// - Throws: `SallyError(.misconfigured)` for a file that has none, or cannot be read.
    package static func client(trusting authorities: String?) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        guard let authorities else { return tls }
        do {
            // Throws for a file that has none.
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
        } catch {
            throw SallyError(
                .misconfigured, "the file of certificate authorities \(quoted(authorities)) cannot be used",
                hint: "it holds one or more certificates in PEM", cause: "\(error)")
        }
        return tls
    }
}
