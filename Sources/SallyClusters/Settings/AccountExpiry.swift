// SPDX-License-Identifier: Apache-2.0

import SallyConfig
package import SallyModel

/// When accounts lock themselves.
package enum AccountExpiry: Sendable, Equatable {
    /// So long after they were made.
    case after(Duration)
    /// When this day begins, in UTC.
    case on(Timestamp)

    /// Ten years: longer is a slip of the finger.
    static let longest: Int64 = 3650 * 86400

    /// - Throws: `SallyError(.invalidRequest)` for a day that has begun already.
    package func moment(from now: Timestamp) throws -> Timestamp {
        switch self {
        case .after(let duration): return now + duration
        case .on(let moment):
            guard moment > now else {
                throw SallyError(
                    .invalidRequest, "expires: \(moment.description.prefix(10)) is over, or is today",
                    hint: "give a day to come, or a time such as 3d")
            }
            return moment
        }
    }

    /// `3d`, `12h`, `90m` and so on, or a day such as `2027-01-31`; nil for anything else, and for more than ten years.
    static func parse(_ text: String) -> AccountExpiry? {
        if let day = day(text) { return .on(day) }
        guard let seconds = parseDuration(text), (60...longest).contains(seconds) else { return nil }
        return .after(.seconds(seconds))
    }

    /// The first second of `YYYY-MM-DD` (RFC 3339 full-date); days from civil after Howard Hinnant's algorithm.
    private static func day(_ text: String) -> Timestamp? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2]),
            (1970...9999).contains(year), (1...12).contains(month), day >= 1
        else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days =
            shifted / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let moment = Timestamp(days * 86400)
        // A day that the month does not have comes out as one of the next month.
        return moment.description.hasPrefix(text) ? moment : nil
    }
}
