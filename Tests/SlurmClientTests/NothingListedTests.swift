// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import Testing

@testable import SlurmClient

/// What Slurm says where there is nothing to list: some versions call it an error (9003 of 22.05.8, recorded).
@Suite struct NothingListedTests: ClientBench {
    private static let alice = UserName(unchecked: "alice")
    private static let ofAlice = SlurmListing.jobs(of: alice, since: Timestamp(5))
    private static let single = SlurmListing.job(JobID(rawValue: 7)!, of: alice)  // a small number

    @Test(
        arguments: [
            (.reservations, 9003, true), (.users, 9003, true), (.associations, 9003, true), (.accounts, 9003, true),
            (.qos, 9003, true), (ofAlice, 9003, true), (ofAlice, 2017, true), (single, 9003, true),
            (single, 2017, true),
            // A cluster without any is none, and everything else is an error.
            (.partitions, 9003, false), (.nodes, 9003, false), (.users, 2017, false), (.users, 1804, false),
            (ofAlice, 1804, false), (single, 2002, false),
        ] as [(SlurmListing, Int, Bool)])
    func anErrorThatMeansNothingIsAnEmptyList(listing: SlurmListing, number: Int, isNothing: Bool) async throws {
        let body = #"{"errors":[{"error_number":\#(number),"error":"no"}]}"#
        for status in [200, 500] {
            try await FakeSlurmrestd.with({ _, _ in .reply(status, body) }) { server in
                let found = try await withClient(server.path) { client -> Result<ListedRecords<String>, SlurmError> in
                    do throws(SlurmError) {
                        return .success(try await client.records(listing, read, token: token) { _ in "a record" })
                    } catch {
                        return .failure(error)
                    }
                }
                switch found {
                case .success(let list): #expect(isNothing && list.elements.isEmpty && list.passedOver == 0)
                case .failure(let error):
                    #expect(!isNothing && error == .refused(SlurmRefusal(number: number, text: "no")))
                }
            }
        }
    }
}
