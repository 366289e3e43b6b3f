// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SlurmModel

/// Paths of API v1, for CLI and server alike. Names are checked types, so nothing needs escaping.
package enum Path {
    /// The page that a browser opens to sign in: query `request`, of `SignInOpened`.
    package static let signInPage = "/sign-in"
    package static let signIn = "/v1/auth/sign-in"
    /// Where the provider sends the browser back.
    package static let signInCallback = "/sign-in/callback"
    package static let token = "/v1/auth/token"
    package static let refresh = "/v1/auth/refresh"
    package static let logout = "/v1/auth/logout"
    package static let me = "/v1/me"
    package static let openAPI = "/v1/openapi.json"
    package static let identities = "/v1/admin/identities"
    package static let sessions = "/v1/admin/sessions"
    package static let audit = "/v1/admin/audit"
    package static let auditVerify = "/v1/admin/audit/verify"

    package static func jobs(_ cluster: ClusterName) -> String { "/v1/clusters/\(cluster)/jobs" }
    package static func jobEvents(_ cluster: ClusterName) -> String { "/v1/clusters/\(cluster)/job-events" }
    /// A job, or a part of it; tasks that wait in one record have a name that needs escapes.
    package static func job(_ cluster: ClusterName, _ job: JobTarget) -> String { "\(jobs(cluster))/\(job)" }
    package static func output(_ cluster: ClusterName, _ job: JobTarget) -> String {
        "\(Path.job(cluster, job))/output"
    }
    package static func canI(_ cluster: ClusterName) -> String { "/v1/clusters/\(cluster)/can-i" }
    package static func partitions(_ cluster: ClusterName) -> String { "/v1/clusters/\(cluster)/partitions" }
    package static func nodes(_ cluster: ClusterName) -> String { "/v1/clusters/\(cluster)/nodes" }
    package static func offboard(_ user: UserName) -> String { "\(identities)/\(user)/offboard" }
    package static func revoke(_ user: UserName) -> String { "\(identities)/\(user)/revoke" }
    package static func role(_ user: UserName) -> String { "\(identities)/\(user)/role" }
}
