// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import SallyPolicy
package import SlurmModel
import StrictJSON

extension SlurmClient {
    /// One record of a list has no more bytes. In the queue none comes near it; in accounting a job with thousands of steps is
    /// larger, and would take its owner's whole list with it.
    package static let largestRecord = 8 << 20

    /// A whole list, as far as `token` may see it: authenticated and free of errors, record by record as it comes and beside the
    /// event loops. What belongs to somebody else than is asked for is left out.
    ///
    /// A job of accounting that is larger than is read is asked for again without its steps, with all others of its list.
    ///
    /// - Parameter make: what is kept of a record.
    /// - Throws: for a record that is larger than is read, too, where it is no job of accounting.
    package func records<Element: Sendable>(
        _ listing: SlurmListing, _ read: Authorized<SystemAction>, token: SlurmToken,
        _ make: @Sendable @escaping (SlurmRecord) -> Element?
    ) async throws(SlurmError) -> ListedRecords<Element> {
        try await whole(listing, .listed, patience: 4, limit: Bound.large, token) {
            record throws(SlurmReply.Malformed) in make(record)
        }
    }

    /// Jobs of one person from accounting: those since a time, or one by its id. Nobody here asks for steps.
    ///
    /// - Parameter make: what is kept of a job.
    package func finished<Element: Sendable>(
        user: UserName, job: JobID?, since: Timestamp, _ read: Authorized<SystemAction>, token: SlurmToken,
        _ make: @Sendable @escaping (AccountingJob, SlurmRecord) -> Element
    ) async throws(SlurmError) -> ListedRecords<Element> {
        let listing = job.map { SlurmListing.job($0, of: user) } ?? .jobs(of: user, since: since)
        let steps = job == nil ? SlurmListing.Steps.skipped : .listed
        return try await whole(listing, steps, patience: 12, limit: Bound.streamed, token) {
            record throws(SlurmReply.Malformed) in make(try Job(believed: record), record)
        }
    }

    private func whole<Element: Sendable>(
        _ listing: SlurmListing, _ steps: SlurmListing.Steps, patience: Int, limit: Int, _ token: SlurmToken,
        _ make: @Sendable @escaping (SlurmRecord) throws(SlurmReply.Malformed) -> Element?
    ) async throws(SlurmError) -> ListedRecords<Element> {
        try await served(token) { version throws(SlurmError) -> ListedRecords<Element> in
            let maySkip = listing.noun == .accountingJob && version.skipsSteps
            let first = maySkip ? steps : .listed
            let found = try await once(listing, first, patience, limit, version, token, make)
            guard found.passedOver > 0, maySkip, first == .listed else { return found }
            var less = try await once(listing, .skipped, patience, limit, version, token, make)
            less.lacksSteps = true
            return less
        }
    }

    /// One read, whatever it lacks.
    func once<Element: Sendable>(
        _ listing: SlurmListing, _ steps: SlurmListing.Steps, _ patience: Int, _ limit: Int, _ version: APIVersion,
        _ token: SlurmToken, _ make: @Sendable @escaping (SlurmRecord) throws(SlurmReply.Malformed) -> Element?
    ) async throws(SlurmError) -> ListedRecords<Element> {
        guard let key = listing.noun.listKey(version) else {
            throw .badReply(status: nil, reason: "a \(listing.noun) is no list")
        }
        let read = try await streamed(
            listing.path(version, steps), version, token, key: key, patience: patience, limit: limit,
            oversize: listing.noun == .accountingJob ? .passedOver : .refused
        ) { part throws(SlurmReply.Malformed) -> [Element] in
            var made: [Element] = []
            for record in try part.records(listing.noun) where listing.wants(record) {
                if let element = try make(record) { made.append(element) }
            }
            return made
        }
        if let refusal = read.reply.refusal {
            if listing.meaningNothing.contains(refusal.number) { return ListedRecords([]) }
            throw .refused(refusal)
        }
        return ListedRecords(read.elements, passedOver: read.passedOver)
    }
}

/// What a list brought, and what it lacks.
package struct ListedRecords<Element: Sendable>: Sendable {
    package var elements: [Element]
    /// Records that were larger than `SlurmClient.largestRecord`, also without steps. Nobody knows what is in them, nor whose
    /// they are.
    package var passedOver: Int
    /// Whether the steps of all jobs were left out, because with them a job was larger than is read.
    package var lacksSteps: Bool

    package init(_ elements: [Element], passedOver: Int = 0, lacksSteps: Bool = false) {
        self.elements = elements
        self.passedOver = passedOver
        self.lacksSteps = lacksSteps
    }
}

extension SlurmListing {
    fileprivate func wants(_ record: SlurmRecord) -> Bool {
        owner.map { record.text("user") == $0.rawValue } ?? true
    }
}
