// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// What can be wrong with a provider or with what it says.
enum ProviderProblem: Error, Equatable {
    /// No whole answer in time, or not HTTP.
    case noAnswer(String)
    /// An answer with this status where it may not be.
    case status(Int, error: String?)
    case notJSON(String)
    case otherIssuer
    /// Discovery lacks this address, or it is not permitted.
    case discovery(String)
    case noKeys
    case missingIDToken
    case malformedToken
    case tokenType
    case algorithm
    case unknownKey
    case badSignature
    case issuer
    case audience
    case authorizedParty
    case nonce
    case expired
    case notYetValid
    case issuedAt
    /// A claim that must be there, is not, or has the wrong type.
    case claim(String)
    case otherSubject
    /// Too many groups to be in a token: the claim is elsewhere.
    case groupsElsewhere
    case groupsMissing

    /// - Parameter provider: its name in the configuration.
    func error(provider: ClusterName) -> SallyError {
        let subject = "the identity provider \(provider)"
        switch self {
        case .noAnswer(let cause):
            return SallyError(
                .unavailable, "\(subject) does not answer",
                hint: "people who are signed in are not affected; try to sign in again in a minute", cause: cause)
        case .status(let status, let error) where (400..<500).contains(status):
            return SallyError(
                .unauthenticated, "\(subject) refused this sign-in", hint: "start again with `sally login`",
                cause: "status \(status) \(error ?? "")")
        case .status(let status, let error):
            return SallyError(
                .unavailable, "\(subject) answered with status \(status)", hint: "try again in a minute",
                cause: error)
        case .notJSON(let cause):
            return SallyError(.unavailable, "\(subject) answered something that is not JSON", cause: cause)
        case .otherIssuer:
            return SallyError(
                .misconfigured, "\(subject) says that it is another issuer than the configured one",
                hint: "issuer in the configuration must equal the provider's, byte by byte")
        case .discovery(let key):
            return SallyError(.misconfigured, "the discovery document of \(provider) has no usable \(key)")
        case .noKeys:
            return SallyError(.unavailable, "\(subject) publishes no key that can be used")
        case .groupsElsewhere:
            return SallyError(
                .denied, "\(subject) left the groups out because there are too many",
                hint: "an administrator of the provider limits the claim to groups assigned to this application")
        case .groupsMissing:
            return SallyError(
                .denied, "\(subject) did not say which groups you are in",
                hint: "an administrator of the provider releases the groups claim to this application")
        case .missingIDToken, .malformedToken, .tokenType, .algorithm, .unknownKey, .badSignature, .issuer, .audience,
            .authorizedParty, .nonce, .expired, .notYetValid, .issuedAt, .claim, .otherSubject:
            return SallyError(
                .unauthenticated, "\(subject) sent an id_token that is not accepted: \(reason)",
                hint: "start again with `sally login`; if it happens again, tell the administrator")
        }
    }

    private var reason: String {
        switch self {
        case .missingIDToken: "there is none"
        case .malformedToken: "it is not a signed JWT"
        case .tokenType: "it is a token of another type"
        case .algorithm: "its signature algorithm is not allowed"
        case .unknownKey: "it is signed with a key that the provider does not publish"
        case .badSignature: "its signature is wrong"
        case .issuer: "it has another issuer"
        case .audience: "it is not meant for this gateway"
        case .authorizedParty: "it was issued to another party"
        case .nonce: "it does not belong to this sign-in"
        case .expired: "it has expired"
        case .notYetValid: "it is not valid yet"
        case .issuedAt: "its time of issue is not plausible"
        case .claim(let name): "the claim \(name) is missing or of the wrong type"
        case .otherSubject: "userinfo is about another person"
        case .noAnswer, .status, .notJSON, .otherIssuer, .discovery, .noKeys, .groupsElsewhere, .groupsMissing: ""
        }
    }
}
