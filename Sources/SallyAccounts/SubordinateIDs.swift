// SPDX-License-Identifier: Apache-2.0

/// A range of uids or gids that belongs to somebody's containers, subuid(5) and subgid(5), as far as it was asked about.
package struct SubordinateRange: Sendable, Equatable {
    package var ids: ClosedRange<UInt32>
    /// A user's name, or a uid, as it stands there.
    package var owner: String

    package init(ids: ClosedRange<UInt32>, owner: String) {
        self.ids = ids
        self.owner = owner
    }
}

/// Uids and gids that belong to somebody's containers: whoever had one of them as a uid could be that person's process, and
/// that person could read what is theirs.
struct SubordinateIDs: Sendable, Equatable {
    /// In order, none touching the next.
    private var ranges: [ClosedRange<UInt32>] = []

    init(_ ranges: some Sequence<ClosedRange<UInt32>>) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    func contains(_ id: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].contains(id) { return true }
            if ranges[middle].upperBound < id { low = middle + 1 } else { high = middle }
        }
        return false
    }

    /// - Precondition: after `probe_users` or `read_subjects`.
    static let probe = #"""
        # probe_subordinate LOW HIGH: what ranges have of LOW to HIGH, and whose they are. Asked where somebody has no uid yet.
        probe_subordinate() {
            local low=$1 high=$2
            [ "${#names[@]}" -gt "${#here[@]}" ] || return 0
            set --
            [ ! -s /etc/subuid ] || set -- /etc/subuid
            [ ! -s /etc/subgid ] || set -- "$@" /etc/subgid
            [ $# -gt 0 ] || return 0
            awk -F: -v low="$low" -v high="$high" '
                $2 !~ /^[0-9]+$/ || $3 !~ /^[0-9]+$/ || $3 + 0 == 0 { next }
                { first = $2 + 0; last = first + $3 - 1 }
                last < low || first > high { next }
                { if (first < low) first = low; if (last > high) last = high }
                { gsub(/[^A-Za-z0-9._@$-]/, "?", $1) }
                !((first, last, $1) in seen) { seen[first, last, $1]; printf "subordinate\t%.0f\t%.0f\t%s\n", first, last, $1 }' \
                "$@"
        }

        """#
}
