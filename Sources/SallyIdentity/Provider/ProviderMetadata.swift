// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// What a provider says about itself (OpenID Connect Discovery section 3). Lists of features are incomplete in the wild
/// and are not read.
struct ProviderMetadata: Sendable, Equatable {
    var authorizationEndpoint: String
    var tokenEndpoint: String
    var keySetEndpoint: String
    var userInfoEndpoint: String?
    /// RFC 9207 section 3: `iss` in the authorization response may be insisted on.
    var sendsIssuer: Bool

    /// - Throws: `ProviderProblem` when the issuer is another one, or an address is missing or not permitted.
    init(_ json: JSONValue, settings: ProviderSettings) throws(ProviderProblem) {
        guard let issuer = json["issuer"]?.string, issuer == settings.issuer else { throw .otherIssuer }
        func address(_ key: String) throws(ProviderProblem) -> String {
            guard let url = json[key]?.string, settings.permits(url: url) else { throw .discovery(key) }
            return url
        }
        authorizationEndpoint = try address("authorization_endpoint")
        tokenEndpoint = try address("token_endpoint")
        keySetEndpoint = try address("jwks_uri")
        userInfoEndpoint = json["userinfo_endpoint"] == nil ? nil : try address("userinfo_endpoint")
        sendsIssuer = json["authorization_response_iss_parameter_supported"]?.bool ?? false
    }
}
