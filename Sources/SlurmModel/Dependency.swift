// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// When a job may start: `afterok:123:124,afterany:125`, `singleton` (sbatch(1) --dependency).
package struct Dependency: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    private static let kinds: Set<String> = ["after", "afterany", "afternotok", "afterok", "aftercorr"]

    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        let separator: Character = text.contains("?") ? "?" : ","
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.count <= 100, parts.allSatisfy(Dependency.accepts) else {
            throw SallyError(
                .invalidRequest, "dependency \(quoted(text)) is not valid",
                hint:
                    "TYPE:JOB[:JOB...] with after, afterany, afterok, afternotok or aftercorr, or singleton; , or ? between"
            )
        }
        description = text
    }

    private static func accepts(_ part: Substring) -> Bool {
        if part == "singleton" { return true }
        let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
        guard pieces.count >= 2, kinds.contains(String(pieces[0])) else { return false }
        return pieces.dropFirst().allSatisfy { acceptsJob($0, delay: pieces[0] == "after") }
    }

    /// `123`, `123_4`, `123_*`, and after `after` a delay in minutes: `123+10`.
    private static func acceptsJob(_ text: Substring, delay: Bool) -> Bool {
        let halves = text.split(separator: "+", omittingEmptySubsequences: false)
        guard halves.count == 1 || (delay && halves.count == 2 && decimal(halves[1]) != nil) else { return false }
        let ids = halves[0].split(separator: "_", omittingEmptySubsequences: false)
        guard ids.count <= 2, let job = decimal(ids[0]), job > 0 else { return false }
        return ids.count == 1 || ids[1] == "*" || decimal(ids[1]) != nil
    }
}
