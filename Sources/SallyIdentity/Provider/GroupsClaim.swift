// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// What a token or userinfo says about groups. Missing is not empty: a thin token, an overage and a claim that was never
/// released look alike, and none of them means that the person has no groups.
enum GroupsClaim: Equatable {
    case named([String])
    case missing

    /// - Throws: `.groupsElsewhere` for an overage (`_claim_names`, OpenID Connect Core section 5.6.2; Entra ID's
    ///   `hasgroups`), `.claim` for a value that is no list of strings.
    init(_ json: JSONValue, claim: String) throws(ProviderProblem) {
        if json["_claim_names"]?[claim] != nil { throw .groupsElsewhere }
        if let flag = json["hasgroups"], flag.bool != false { throw .groupsElsewhere }
        switch json[claim] {
        case nil, .null?: self = .missing
        case .array(let values)?:
            let names = values.compactMap(\.string)
            guard names.count == values.count else { throw .claim(claim) }
            self = .named(names)
        case .string?, .bool?, .number?, .object?: throw .claim(claim)
        }
    }
}

/// With the provider as their source. Names that no rule can contain are dropped and counted.
func qualified(_ names: [String], provider: ClusterName) -> (groups: Set<GroupName>, dropped: Int) {
    let groups = names.compactMap { GroupName(rawValue: "\(provider):\($0)") }
    return (Set(groups), names.count - groups.count)
}
