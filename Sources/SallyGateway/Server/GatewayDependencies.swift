// SPDX-License-Identifier: Apache-2.0

package import Logging
package import SallyConfig
package import SallyIdentity
package import SallyModel
package import SallyPolicy

/// What the composition root hands to the HTTP API.
package struct GatewayDependencies: Sendable {
    var clusters: ClusterTable
    var gate: Gate
    var reader: any SessionReader
    var sessions: SessionService
    var sessionStore: any SessionStore
    var identities: any IdentityStore
    var signIn: (any SignInFlow)?
    var audit: any AuditBook
    var signer: any TokenMinter
    var steward: any AccountKeeper
    var administrators: Set<GroupName>
    var proxies: TrustedProxies
    var rates: GatewayConfig.RateLimits
    var publicURL: String
    var singleUser: Bool
    var metrics: Metrics
    var log: Logger

    /// - Parameter signIn: nil where no identity provider is configured; who is signed in goes on.
    package init(
        clusters: [ClusterGateway], gate: Gate, reader: some SessionReader, sessions: SessionService,
        sessionStore: some SessionStore, identities: some IdentityStore, signIn: (any SignInFlow)?,
        audit: some AuditBook, signer: some TokenMinter, steward: some AccountKeeper, administrators: Set<GroupName>,
        proxies: TrustedProxies, rates: GatewayConfig.RateLimits, publicURL: String, singleUser: Bool,
        metrics: Metrics, log: Logger
    ) {
        self.clusters = ClusterTable(clusters)
        self.gate = gate
        self.reader = reader
        self.sessions = sessions
        self.sessionStore = sessionStore
        self.identities = identities
        self.signIn = signIn
        self.audit = audit
        self.signer = signer
        self.steward = steward
        self.administrators = administrators
        self.proxies = proxies
        self.rates = rates
        self.publicURL = publicURL
        self.singleUser = singleUser
        self.metrics = metrics
        self.log = log
    }
}
