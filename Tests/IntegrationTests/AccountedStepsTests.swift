// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmModel
import Testing

@testable import SallyPolicy
@testable import SlurmClient

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Jobs of accounting without their steps are the same jobs, as far as anybody here looks: each run of one that began again,
/// by its number and in the list.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct AccountedStepsTests {
    private static let person = "bob"

    @Test(arguments: Stack.clusters) func skippingStepsChangesNothingElse(_ cluster: String) async throws {
        let stack = try Stack.required()
        let since = Timestamp(Int64(time(nil)) - 60)
        let text = try await stack.submit(
            Self.person, cluster, ["--time=1"], script: "#!/bin/sh\ntrue\n")
        try await stack.waitForState(cluster, text, "COMPLETED")
        // A second record of the same number.
        let again = try await stack.onNode(cluster, "master", ["scontrol", "requeue", text])
        #expect(again.status == 0, "\(again)")
        let job = try JobID(text)
        let person = try UserName(Self.person)
        let version = APIVersion(rawValue: cluster == "it12" ? 38 : 42)
        try await stack.withSlurm(cluster) { client, key, _ in
            func read(
                _ listing: SlurmListing, _ steps: SlurmListing.Steps
            ) async throws -> [SlurmRecord] {
                let found = try await client.once(
                    listing, steps, 4, 1 << 28, version, key.token(Self.person)
                ) { record throws(SlurmReply.Malformed) in record.number("job_id") == Int64(job.rawValue) ? record : nil
                }
                #expect(found.passedOver == 0)
                return found.elements
            }
            for listing in [SlurmListing.job(job, of: person), .jobs(of: person, since: since)] {
                try await eventually("both runs of job \(job) of \(cluster) have ended and have steps") {
                    let records = try await read(listing, .listed)
                    return records.count == 2
                        && records.allSatisfy { $0["steps"] != .unset && $0.number("time.end") ?? 0 > 0 }
                        && records.contains { $0.words("state.current").first == "COMPLETED" }
                }
                let (whole, less) = (try await read(listing, .listed), try await read(listing, .skipped))
                #expect(less.count == 2 && less.allSatisfy { $0["steps"] == .unset }, "\(less)")
                #expect(less.map(Self.alike) == whole.map(Self.alike))
            }
        }
    }

    /// Without the steps and what slurmdbd adds up from them: what a job used.
    private static func alike(_ record: SlurmRecord) -> SlurmRecord {
        var record = record
        record["steps"] = .unset
        for kind in ["total", "user", "system"] {
            for unit in ["seconds", "microseconds"] { record["time.\(kind).\(unit)"] = .unset }
        }
        return record
    }
}
