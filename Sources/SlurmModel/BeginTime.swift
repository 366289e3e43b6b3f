// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// The earliest start of a job (sbatch(1) --begin).
package enum BeginTime: Sendable, Hashable, CustomStringConvertible {
    /// So long after the submission.
    case after(Duration)
    case at(Timestamp)

    /// Reads `now`, `now+COUNT[seconds|minutes|hours|days|weeks]` or a moment in UTC such as `2026-11-21T06:00:00Z`. Clock
    /// times without a zone are refused: the gateway does not know where the caller's clock stands.
    package init(_ text: String) throws {
        guard let value = BeginTime.relative(text) ?? BeginTime.absolute(text) else {
            throw SallyError(
                .invalidRequest, "begin \(quoted(text)) is not valid",
                hint:
                    "now+COUNT with seconds, minutes, hours, days or weeks, or a time in UTC such as 2026-11-21T06:00:00Z"
            )
        }
        self = value
    }

    package func moment(now: Timestamp) -> Timestamp {
        switch self {
        case .after(let duration): now + duration
        case .at(let moment): moment
        }
    }

    package var description: String {
        switch self {
        case .after(let duration): "now+\(duration.components.seconds)"
        case .at(let moment): moment.description
        }
    }

    private static func relative(_ text: String) -> BeginTime? {
        if text == "now" { return .after(.zero) }
        guard text.hasPrefix("now+") else { return nil }
        let rest = text.dropFirst(4)
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard (1...10).contains(digits.utf8.count), let count = Int64(digits) else { return nil }
        let unit: Int64
        switch rest.dropFirst(digits.count) {
        case "", "second", "seconds": unit = 1
        case "minute", "minutes": unit = 60
        case "hour", "hours": unit = 3600
        case "day", "days": unit = 86400
        case "week", "weeks": unit = 604_800
        default: return nil
        }
        let seconds = count * unit
        return seconds <= BeginTime.farthest ? .after(.seconds(seconds)) : nil
    }

    /// Seconds from the first to the last moment that can be said: v0.0.38 says every moment so.
    private static let farthest: Int64 = 181 * 366 * 86400

    private static func absolute(_ text: String) -> BeginTime? {
        let bytes = Array(text.utf8)
        guard bytes.count == 20 || bytes.count == 17, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[10] == 0x54,
            bytes[13] == 0x3a, bytes[bytes.count - 1] == 0x5a
        else { return nil }
        func number(_ range: Range<Int>) -> Int? { decimal(String(decoding: bytes[range], as: UTF8.self)) }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = bytes.count == 20 ? number(17..<19) : 0,
            bytes.count == 17 || bytes[16] == 0x3a, (2020...2200).contains(year), (1...12).contains(month),
            (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        // Days from civil date, after Howard Hinnant's algorithm.
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        let moment = Timestamp(Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second))
        // The 31st of a shorter month would come out as another day.
        return moment.description.hasPrefix(text.prefix(10)) ? .at(moment) : nil
    }
}
