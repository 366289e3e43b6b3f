// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import SallyModel
import SallyNetwork
import SallyTestSupport
import Testing

@Suite struct TrustedAuthoritiesTests {
    @Test func theSystemsAreTrustedUnlessAFileIsNamed() throws {
        let tls = try TLSConfiguration.client(trusting: nil)
        #expect(tls.minimumTLSVersion == .tlsv12 && tls.certificateVerification == .fullVerification)
        #expect(tls.trustRoots == nil || tls.trustRoots == .default)
    }

    @Test(arguments: ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func aFileWithoutCertificatesIsNamed(text: String) async throws {
        try await withScratchFolder { folder in
            let file = "\(folder)/ca.pem"
            try writeFile(file, text)
            for path in [file, "\(folder)/nobody.pem"] {
                let error = #expect(throws: SallyError.self) { try TLSConfiguration.client(trusting: path) }
                #expect(error?.code == .misconfigured && error?.message.contains(quoted(path)) == true, "\(path)")
            }
        }
    }

    @Test func theFilesAloneAreTrusted() async throws {
        try await withScratchFolder { folder in
            let made = try await runProgram(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=authority", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/ca.pem",
                ])
            try #require(made.status == 0, "\(made)")
            let tls = try TLSConfiguration.client(trusting: "\(folder)/ca.pem")
            #expect(tls.trustRoots == .certificates(try NIOSSLCertificate.fromPEMFile("\(folder)/ca.pem")))
            #expect(tls.minimumTLSVersion == .tlsv12 && tls.certificateVerification == .fullVerification)
        }
    }
}
