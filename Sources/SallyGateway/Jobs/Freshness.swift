// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SallyModel

/// How old what is shown of Slurm is, and why it is not newer.
struct Freshness: Sendable {
    /// Seconds since Slurm was asked.
    let age: Int
    /// Why Slurm does not answer: what is shown is what it said last. Nil when it does.
    let failure: SallyError?

    init(readAt: ContinuousClock.Instant?, failure: SallyError?) {
        age = Freshness.age(since: readAt)
        self.failure = failure
    }

    /// In seconds; 0 for what was never read.
    static func age(since moment: ContinuousClock.Instant?) -> Int {
        moment.map { Int(max(0, $0.duration(to: .now) / .seconds(1))) } ?? 0
    }

    /// `Age`, and `Sallyport-Stale` while Slurm does not answer.
    func mark(_ headers: inout HTTPFields) {
        headers[.age] = "\(age)"
        if failure != nil { headers[.stale] = "true" }
    }
}

extension QueueKeeper {
    func freshness(of snapshot: QueueSnapshot) -> Freshness { Freshness(readAt: snapshot.readAt, failure: failure) }

    /// Partitions and nodes, by their own age: they are read less often than the queue.
    ///
    /// - Throws: while they were never read, or were read longer ago than `limit`.
    func shape(within limit: Duration) throws -> Shown<ShapeKeeper.Shape> {
        guard let shape = shapes.shape else { throw failure ?? unread }
        let freshness = Freshness(readAt: shape.readAt, failure: shapes.failure ?? failure)
        guard shape.readAt.duration(to: .now) <= limit else {
            let why = freshness.failure.map { " (\($0.message))" } ?? ""
            throw SallyError(
                .unavailable,
                "partitions and nodes of cluster \(cluster) were last read \(freshness.age) seconds ago: that is too old to show\(why)",
                hint: "jobs run on; try again in a minute", cause: freshness.failure?.cause)
        }
        return Shown(value: shape, freshness: freshness)
    }
}

/// What is shown of Slurm.
struct Shown<Value: Sendable>: Sendable {
    let value: Value
    /// Nil for what was not taken from the shared view.
    let freshness: Freshness?
}

extension Response {
    /// A JSON document that says how old it is.
    static func json(_ shown: Shown<some Encodable & Sendable>) throws -> Response {
        var response = try Response.json(shown.value)
        shown.freshness?.mark(&response.headers)
        return response
    }
}
