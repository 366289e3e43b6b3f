// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SallyModel
import SlurmClient
import Testing

@testable import SallyGateway

/// The table of statuses and numbers in docs/api.md is what the code answers.
@Suite struct FrontStatusTests {
    /// What stands in the second column: numbers and `FIRST to LAST`.
    private static func numbers(_ status: Int) throws -> Set<Int> {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/api.md")
            .standardized
        let lines = String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("| \(status) | ") })
        var found: Set<Int> = []
        for text in line.split(separator: "|")[1].split(separator: ",") {
            let words = text.split(separator: " ")
            let (first, last) = (try #require(Int(words[0])), try #require(Int(words[words.count - 1])))
            found.formUnion(first...last)
        }
        return found
    }

    /// - Parameter own: numbers that are not Slurm's answer there, but the gateway's.
    @Test(
        arguments: [
            (404, .notFound, [9006, 2000, 2018, 2053, 2066]), (409, .conflict, [-1]), (501, .unsupported, []),
            (503, .unavailable, []),
        ] as [(Int, SallyError.Code, Set<Int>)])
    func whatSlurmSaysHasItsStatus(status: Int, code: SallyError.Code, own: Set<Int>) throws {
        let named = try Self.numbers(status)
        #expect(code.httpStatus == status && named.isSuperset(of: own))
        let said = (-1...9999).filter { number in
            let refusal = SlurmError.refused(SlurmRefusal(number: number, text: "x"))
            return refusal.error(cluster: World.name).code == code
        }
        #expect(named.subtracting(own) == Set(said))
        #expect(named.contains(SallyError(code, "x").inSlurmsWords.number))
    }
}
