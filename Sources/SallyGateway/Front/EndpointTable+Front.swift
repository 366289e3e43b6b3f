// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyModel

extension EndpointTable {
    /// The slurmrestd-compatible front.
    static let front = EndpointTable(
        FrontPlace.allCases.flatMap { place in
            FrontLine.all.map { Endpoint($0, at: place) } + documents(place)
        })

    /// Everything that is routed.
    static let all = EndpointTable(v1.all + front.all)

    private static func documents(_ place: FrontPlace) -> [Endpoint] {
        FrontDocument.paths.map { path in
            Endpoint(
                method: .get, path: place.prefix + path, summary: "What the front offers", access: .session,
                body: .query,
                answers: [.text("application/json", "OpenAPI 3.1")])
        }
    }
}

extension Endpoint {
    fileprivate init(_ line: FrontLine, at place: FrontPlace) {
        self.init(
            method: line.method, path: line.template(place), summary: line.summary, access: .session,
            query: line.query, body: line.body, answers: [.json("SlurmReply", line.summary)], refusals: [.notFound])
        refusedQuery = line.refusedQuery
        if case .refused = line.answer { takesAnyQuery = true }
    }
}
