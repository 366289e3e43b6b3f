// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyGateway

@Suite struct ClockSkewTests {
    /// Times are cut to seconds, and the answer takes its time: what the clocks may be apart at most, and are at least.
    @Test(
        arguments: [
            (100, 100, 100, 1, 1, 0), (100, 103, 101, 3, 2, 0), (100, 100, 99, 2, 0, -1), (100, 100, 90, 11, 0, -10),
            (100, 102, 90, 13, 0, -10), (100, 100, 101, 0, 2, 1), (100, 102, 110, 0, 11, 8), (100, 90, 95, 6, 6, 0),
        ] as [(Int64, Int64, Int64, Int64, Int64, Int64)])
    func boundsWhatTheClocksAreApart(
        asked: Int64, answered: Int64, slurm: Int64, behind: Int64, ahead: Int64, apart: Int64
    ) {
        let skew = ClockSkew(asked: Timestamp(asked), answered: Timestamp(answered), slurm: Timestamp(slurm))
        #expect(skew.behind == behind && skew.ahead == ahead && skew.apart == apart, "\(skew)")
    }

    @Test(arguments: [(-301 as Int64, "behind"), (301, "ahead of")])
    func whatCannotBeIsSaid(skew: Int64, word: String) throws {
        let demo = ClusterName(unchecked: "demo")
        func measured(_ seconds: Int64) -> ClockSkew {
            ClockSkew(asked: Timestamp(10_000), answered: Timestamp(10_000), slurm: Timestamp(10_000 + seconds))
        }
        #expect(measured(skew.signum() * 300).problem(demo) == nil)
        let problem = try #require(measured(skew).problem(demo))
        #expect(problem.code == .misconfigured)
        #expect(problem.message.contains("cluster demo is 301 s \(word) the gateway's"), "\(problem)")
    }
}
