// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

/// From when on finished jobs are meant, in notations of sacct(1), --starttime. What names no zone is by this machine's clock.
enum SinceTime {
    static let notation =
        "now-COUNT with seconds, minutes, hours, days or weeks; today; HH:MM; 2026-11-01; 2026-11-01T08:00, with Z in UTC"

    /// The gateway asks accounting for no more.
    private static let reach = Duration.seconds(31 * 86400)

    /// - Throws: `SallyError(.invalidRequest)`, for what has not come yet or is more than 31 days ago, too.
    static func moment(_ text: String, _ here: Surroundings) throws -> Timestamp {
        let now = here.clock.now
        guard let moment = relative(text, now) ?? absolute(text, now, here) else {
            throw SallyError(.invalidRequest, "since \(quoted(text)) is not valid", hint: notation)
        }
        guard moment <= now else {
            throw SallyError(
                .invalidRequest, "since \(quoted(text)) has not come yet",
                hint: "say the day as well, such as 2026-11-01T08:00")
        }
        guard now - moment <= reach else {
            throw SallyError(
                .invalidRequest, "since \(quoted(text)) is more than 31 days ago",
                hint: "now-31days is the most; sacct(1) on the cluster looks further back")
        }
        return moment
    }

    private static func relative(_ text: String, _ now: Timestamp) -> Timestamp? {
        if text == "now" { return now }
        guard text.hasPrefix("now-"),
            case .after(let time)? = try? BeginTime("now+\(text.dropFirst(4))")  // nil is told by whoever asks
        else { return nil }
        return now - time
    }

    private static func absolute(_ text: String, _ now: Timestamp, _ here: Surroundings) -> Timestamp? {
        if text.hasSuffix("Z") { return utc(text) }
        let today = (now + .seconds(here.zone(now))).description.prefix(10)
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        let meant: (day: Substring, time: Substring)
        switch parts.count {
        case 1 where text == "today" || text == "midnight": meant = (today, "00:00")
        case 1 where text.contains(":"): meant = (today, parts[0])
        case 1: meant = (parts[0], "00:00")
        case 2: meant = (parts[0], parts[1])
        default: return nil
        }
        // 8:30 is 08:30.
        let hour = [4, 7].contains(meant.time.utf8.count) ? "0" : ""
        guard let clock = utc("\(meant.day)T\(hour)\(meant.time)Z") else { return nil }
        // The zone as it is at that moment, not as it is now: daylight saving time.
        let near = clock - .seconds(here.zone(clock))
        return clock - .seconds(here.zone(near))
    }

    private static func utc(_ text: String) -> Timestamp? {
        guard case .at(let moment)? = try? BeginTime(text) else { return nil }  // told by whoever asks
        return moment
    }
}
