// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel
import SlurmModel
import StrictJSON

/// One request of the front, decoded as far as its path goes.
struct FrontCall: Sendable {
    let version: APIVersion
    let principal: Principal
    let request: OpaqueID
    /// Where it comes from, for `meta`.
    let source: String
    let query: FrontQuery

    var user: UserName { principal.account.name }
}

/// What the front answers: the members of slurmrestd's answer, and what the envelope says beside them.
struct FrontReply: Sendable {
    var members: [(String, JSONValue)]
    var warnings: [SlurmWarningEntry] = []
    var headers = HTTPFields()

    init(_ members: (String, JSONValue)...) { self.members = members }
}

extension JSONValue {
    /// A number in the form of v0.0.40 and later.
    static func quantity(_ number: Int64?) -> JSONValue {
        ["set": .bool(number != nil), "infinite": false, "number": .integer(number ?? 0)]
    }
}
