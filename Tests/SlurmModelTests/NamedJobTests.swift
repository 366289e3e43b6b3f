// SPDX-License-Identifier: Apache-2.0

import SlurmModel
import Testing

@Suite struct NamedJobTests {
    private static func names(_ texts: [String], limit: Int = 1000) -> [String]? {
        NamedJob.all(texts, limit: limit)?.map { named in
            switch named {
            case .job(let target): "\(target)"
            case .text(let text): "no job: \(text)"
            }
        }
    }

    @Test(
        arguments: [
            ([], []), (["7", "5_1", "20+1", "7"], ["7", "5_1", "20+1"]),
            (["5_[3,1-2]", "5_2", "05_04", "5_4", "5"], ["5_1", "5_2", "5_3", "5_4", "5"]),
            (["x", "7", "5_[", "x", "0"], ["no job: x", "7", "no job: 5_[", "no job: 0"]),
        ] as [([String], [String])])
    func eachIsNamedOnceAndInOrder(texts: [String], named: [String]) {
        #expect(Self.names(texts) == named)
    }

    @Test(
        arguments: [
            (["1_[1-3]"], true), (["1_[1-4]"], false), (["1_[1-2]", "2_[1-2]"], false), (["1_[1-2]", "1_[2-3]"], true),
            (["1", "2", "3", "3"], true), (["1", "2", "3", "4"], false), (["1", "x", "y", "z"], false),
            (["1_[0-4000000]"], false), (Array(repeating: "1_[0-2]", count: 4), true),
            (Array(repeating: "1_[0-2]", count: 5), false),
        ] as [([String], Bool)])
    func theBoundIsOfAllTogether(texts: [String], fits: Bool) {
        #expect((Self.names(texts, limit: 3) != nil) == fits)
    }
}
