// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SallyWire
import SlurmModel

/// What somebody wants to see of the own jobs.
struct JobQuery: Sendable, Equatable {
    enum Scope: Sendable, Equatable {
        case queued
        /// With those that ended since.
        case all(since: Timestamp?)
    }

    var scope = Scope.queued
    var filter = JobFilter()
    var order = JobOrder.byJob
    var after: JobCursor?
    var limit = JobQuery.defaultLimit
    /// Nil wants all.
    var fields: Set<JobView.CodingKeys>?

    static let defaultLimit = 1000
    static let largestLimit = 10_000
    /// Values of one filter.
    private static let mostValues = 100
    /// Bytes of one.
    private static let longestValue = 1024

    /// What nearly everybody asks for, again and again.
    static let own = JobQuery()

    init() {}

    /// - Throws: `.invalidRequest`, for the first parameter that is not valid.
    init(_ request: Request) throws {
        guard let words = request.uri.query, !words.isEmpty else { return }
        scope = try JobQuery.scope(request)
        filter.states = try JobQuery.states(request)
        filter.partitions = try JobQuery.values("partition", request)
        filter.accounts = Set(try JobQuery.values("account", request).map { $0.lowercased() })
        filter.names = try JobQuery.values("name", request)
        filter.array = try request.query("array").map { try JobID($0) }
        if let text = request.query("sort") { order = try JobOrder(text) }
        if let text = request.query("cursor") { after = try JobCursor(text, order) }
        limit = try request.number("limit", 1...JobQuery.largestLimit) ?? JobQuery.defaultLimit
        fields = try JobQuery.fields(request)
    }

    private static func scope(_ request: Request) throws -> Scope {
        let since = try request.number("since", 0...Int64(1) << 40).map { Timestamp($0) }
        switch request.query("all") {
        case nil, "false":
            guard since == nil else {
                throw SallyError(.invalidRequest, "since is for finished jobs", hint: "add all=true")
            }
            return .queued
        case "true": return .all(since: since)
        case .some(let text):
            throw SallyError(.invalidRequest, "all \(quoted(text)) is not valid", hint: "all is true or false")
        }
    }

    private static func states(_ request: Request) throws -> Set<String> {
        Set(
            try values("state", request).map { word in
                let state = JobState(short: word) ?? JobState(word)
                if case .other = state {
                    throw SallyError(
                        .invalidRequest, "no state of a job is called \(quoted(word))",
                        hint: "in full or short, as in squeue(1): RUNNING or R, with commas between them")
                }
                return state.description
            })
    }

    private static func fields(_ request: Request) throws -> Set<JobView.CodingKeys>? {
        guard request.query("fields") != nil else { return nil }
        return Set(
            try values("fields", request).map { word in
                guard let key = JobView.CodingKeys(rawValue: word) else {
                    throw SallyError(
                        .invalidRequest, "field \(quoted(word)) is not valid",
                        hint: "of \(JobView.CodingKeys.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return key
            })
    }

    /// `a,b,c`
    private static func values(_ name: String, _ request: Request) throws -> Set<String> {
        guard let text = request.query(name) else { return [] }
        let values = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard values.count <= mostValues, values.allSatisfy({ !$0.isEmpty && $0.utf8.count <= longestValue }) else {
            throw SallyError(
                .invalidRequest, "\(name) is not valid",
                hint: "1 to \(mostValues) values of at most \(longestValue) bytes, with commas between them")
        }
        return Set(values)
    }
}
