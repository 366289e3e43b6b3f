// SPDX-License-Identifier: Apache-2.0

import Logging
import SallyConfig
import SallyIdentity
import SallyModel
import SallyWire

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The identity providers of a configuration, each with a transport of its own.
struct ProviderConnections {
    let all: [OpenIDProvider]
    private let transports: [HTTPProviderTransport]

    /// - Throws: `SallyError(.misconfigured)` for an unreadable secret or settings that a provider cannot have.
    init(_ file: GatewayConfig, clock: SystemWallClock, logger: Logger) throws {
        var providers: [OpenIDProvider] = []
        var transports: [HTTPProviderTransport] = []
        for config in file.providers {
            let settings = try ProviderSettings(config, publicURL: file.publicURL)
            guard settings.problems.isEmpty else {
                throw SallyError(
                    .misconfigured, "provider \(config.name): \(settings.problems.joined(separator: "; "))",
                    hint: "see docs/config.md, providers")
            }
            let transport = try HTTPProviderTransport(authorities: settings.authorities)
            transports.append(transport)
            providers.append(OpenIDProvider(settings: settings, transport: transport, clock: clock, log: logger))
        }
        all = providers
        self.transports = transports
    }

    func close() async throws {
        for transport in transports { try await transport.shutdown() }
    }
}

extension ProviderSettings {
    init(_ config: ProviderConfig, publicURL: String) throws {
        guard let reference = config.clientSecret else {
            throw SallyError(
                .misconfigured, "provider \(config.name) has no client_secret",
                hint: "the gateway is a confidential client: register it with a secret")
        }
        let environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
        self.init(
            name: try ClusterName(config.name), issuer: config.issuer, clientID: config.clientID,
            clientSecret: try readSecret(reference, environment: environment), authentication: .basic,
            redirectURI: publicURL + Path.signInCallback,
            plaintext: config.allowHTTPLoopback ? .loopbackOnly : .refused)
        scopes = config.scopes
        subjectClaim = config.subjectClaim
        nameClaim = config.nameClaim
        groupsClaim = config.groupsClaim
        authorities = config.caFile
    }
}
