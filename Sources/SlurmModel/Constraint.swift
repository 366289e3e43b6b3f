// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Features of nodes (sbatch(1) --constraint): names with `&` or `|` between them, in `()` or `[]`.
///
/// Counts (`rack1*2`) are refused: they say how many nodes the job gets, and that is --nodes' to say.
package struct Constraint: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        guard text.utf8.count <= 1024, Constraint.isExpression(text) else {
            throw SallyError(
                .invalidRequest, "constraint \(quoted(text)) is not valid",
                hint: text.contains("*")
                    ? "counts are not offered: say --nodes" : "features with & or |, such as intel&gpu or [rack1|rack2]"
            )
        }
        description = text
    }

    /// Names and operators in turn, brackets in pairs.
    private static func isExpression(_ text: String) -> Bool {
        var open: [Character] = []
        var expectsName = true
        var inName = false
        for character in text {
            switch character {
            case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "-", ":", "=":
                guard expectsName || inName else { return false }
                guard inName || (character != "-" && character != "=" && character != ":") else { return false }
                inName = true
                expectsName = false
            case "&", "|", ",":
                guard !expectsName else { return false }
                (inName, expectsName) = (false, true)
            case "(", "[":
                guard expectsName, open.count < 4 else { return false }
                open.append(character == "(" ? ")" : "]")
            case ")", "]":
                guard !expectsName, open.popLast() == character else { return false }
                inName = false
            default: return false
            }
        }
        return !expectsName && open.isEmpty
    }
}
