// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// What becomes of accounting's jobs on their way in.
@Suite struct FinishedListingTests {
    private static func job(_ id: Int, on cluster: String?) throws -> AccountedJob {
        var row: JSONValue = ["job_id": .integer(id), "user": "alice", "state": ["current": ["COMPLETED"]]]
        if let cluster, case .object(var object) = row {
            object["cluster"] = .string(cluster)
            row = .object(object)
        }
        let record = try #require(SlurmRecord(row, noun: .accountingJob, version: APIVersion(rawValue: 42)))
        return AccountedJob(
            try #require(Job(record)), record, on: ClusterName(unchecked: "shown"), slurmName: "slurms")
    }

    /// By the name that Slurm knows the cluster by, in any case; what does not say where it ran is nobody's to see.
    @Test func jobsAreOfTheirCluster() throws {
        let found = ListedRecords(
            try [
                Self.job(1, on: "slurms"), Self.job(2, on: "SLURMS"), Self.job(3, on: "shown"), Self.job(4, on: nil),
                Self.job(5, on: "slurms2"),
            ], passedOver: 3)
        let listing = FinishedListing(found, limit: 10)
        #expect(listing.jobs.map(\.id.rawValue) == [1, 2])
        #expect(listing.elsewhere.map(\.id.rawValue) == [3, 4, 5])
        #expect(listing.passedOver == 3 && listing.older == 0)
        #expect(listing.jobs.allSatisfy { $0.view.cluster.rawValue == "shown" })
    }

    /// Those of other clusters take nobody's place.
    @Test func theNewestAreKept() throws {
        let found = ListedRecords(
            try (1...6).map { try Self.job($0, on: $0.isMultiple(of: 2) ? "other" : "slurms") })
        let listing = FinishedListing(found, limit: 2)
        #expect(listing.jobs.map(\.id.rawValue) == [3, 5] && listing.older == 1)
        #expect(FinishedListing(found, limit: .max).jobs.count == 3)
    }
}
