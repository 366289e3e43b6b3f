// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
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
    let limits: PersonLimits
    let notes: RequestNotes
    let metrics: Metrics
    let logger: Logger

    var user: UserName { principal.account.name }

    /// A refusal inside an answer leaves what a refused request leaves.
    func tell(_ error: SallyError) {
        logger.tell(error)
        metrics.refused(error.code)
    }
}

/// What the front answers: a list, the other members of slurmrestd's answer, and what the envelope says beside them.
struct FrontReply: Sendable {
    var list: FrontList?
    var members: [(String, JSONValue)]
    var warnings: [SlurmWarningEntry] = []
    var headers = HTTPFields()

    init(_ members: (String, JSONValue)...) { self.members = members }

    init(_ list: FrontList, _ members: (String, JSONValue)...) {
        self.list = list
        self.members = members
    }
}

extension JSONValue {
    /// A number in the form of v0.0.40 and later.
    static func quantity(_ number: Int64?) -> JSONValue {
        ["set": .bool(number != nil), "infinite": false, "number": .integer(number ?? 0)]
    }
}
