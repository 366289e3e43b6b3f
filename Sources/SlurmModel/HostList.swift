// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Slurm's short form of many node names: `node[001-003,007],gpu1` (scontrol(1) show hostnames).
package enum HostList {
    /// - Throws: `SallyError(.invalidRequest)` for a text that is no host list, or one of more than `limit` names.
    package static func expand(_ text: String, limit: Int = 100_000) throws -> [String] {
        var names: [String] = []
        for part in try split(text) {
            // Each opens all that follow it anew.
            guard part.utf8.count(where: { $0 == 0x5b }) <= dimensions else { throw refused(text) }
            try expand(prefix: "", Substring(part), into: &names, limit: limit, whole: text)
        }
        return names
    }

    /// The most brackets in one name: Slurm knows no systems of more dimensions (slurm.h, HIGHEST_DIMENSIONS).
    private static let dimensions = 5

    /// Bytes of a name: no host's is longer (RFC 1035 section 2.3.4). Every number copies what stands before it.
    private static let longest = 255

    /// At commas outside brackets.
    private static func split(_ text: String) throws -> [String] {
        guard !text.isEmpty else { return [] }
        var parts = [""]
        var inside = false
        for character in text {
            switch character {
            case "[":
                guard !inside else { throw refused(text) }
                inside = true
            case "]":
                guard inside else { throw refused(text) }
                inside = false
            case "," where !inside:
                parts.append("")
                continue
            default: break
            }
            parts[parts.count - 1].append(character)
        }
        guard !inside, !parts.contains("") else { throw refused(text) }
        return parts
    }

    private static func expand(
        prefix: String, _ rest: Substring, into names: inout [String], limit: Int, whole: String
    ) throws {
        guard let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]") else {
            guard prefix.utf8.count + rest.utf8.count <= longest, names.count < limit else { throw refused(whole) }
            names.append(prefix + rest)
            return
        }
        guard prefix.utf8.count + rest[..<open].utf8.count <= longest else { throw refused(whole) }
        let start = prefix + rest[..<open]
        let tail = rest[rest.index(after: close)...]
        for range in rest[rest.index(after: open)..<close].split(separator: ",", omittingEmptySubsequences: false) {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), let first = decimal(ends[0]), let last = decimal(ends[ends.count - 1]),
                first <= last, last - first < limit, ends[0].utf8.count <= longest
            else { throw refused(whole) }
            for number in first...last {
                let digits = "\(number)"
                let padding = String(repeating: "0", count: max(0, ends[0].utf8.count - digits.utf8.count))
                try expand(prefix: start + padding + digits, tail, into: &names, limit: limit, whole: whole)
            }
        }
    }

    private static func refused(_ text: String) -> SallyError {
        SallyError(.invalidRequest, "host list \(quoted(text)) is not valid", hint: "such as node[001-003,007]")
    }
}
