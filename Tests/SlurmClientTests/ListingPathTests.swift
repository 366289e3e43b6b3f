// SPDX-License-Identifier: Apache-2.0

import SlurmModel
import Testing

@testable import SlurmClient

/// What slurmrestd is asked for, where versions differ.
@Suite struct ListingPathTests {
    /// Without the parameter v0.0.40 and later tell neither associations nor default accounts; v0.0.38 has no such parameter.
    @Test(arguments: APIVersion.spoken) func usersAreAskedForWithTheirAssociations(version: APIVersion) {
        let query = version.rawValue == 38 ? "" : "?with_assocs=true"
        #expect(SlurmListing.users.path(version, .listed) == "/slurmdb/\(version)/users\(query)")
    }
}
