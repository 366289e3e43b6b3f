// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// How long a job may run, in whole minutes, as Slurm counts (sbatch(1) --time). Nil minutes is UNLIMITED.
package struct TimeLimit: Sendable, Equatable, Hashable {
    package var minutes: Int?

    package static let unlimited = TimeLimit(minutes: nil)

    package init(minutes: Int?) { self.minutes = minutes }

    /// Reads `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes`,
    /// `days-hours:minutes:seconds`, `UNLIMITED` or `INFINITE`. Seconds are rounded up to a minute, as slurmctld does.
    /// - Throws: `SallyError(.invalidRequest)`.
    package init(_ text: String) throws {
        guard let minutes = TimeLimit.parse(text) else {
            throw SallyError(
                .invalidRequest, "time \(quoted(text)) is not valid",
                hint: "MINUTES, HOURS:MINUTES:SECONDS, DAYS-HOURS:MINUTES:SECONDS or UNLIMITED")
        }
        self.minutes = minutes
    }

    package var duration: Duration? { minutes.map { .seconds(Int64($0) * 60) } }

    /// As squeue(1) prints it: `1-00:00:00`, `30:00`, `UNLIMITED`.
    package var description: String {
        guard let minutes else { return "UNLIMITED" }
        let (days, hours, rest) = (minutes / 1440, minutes % 1440 / 60, minutes % 60)
        if days > 0 { return "\(days)-\(twoDigits(hours)):\(twoDigits(rest)):00" }
        if hours > 0 { return "\(hours):\(twoDigits(rest)):00" }
        return "\(rest):00"
    }

    /// The outer nil is a mistake, the inner one no limit. Zero is no limit (sbatch(1) --time).
    private static func parse(_ text: String) -> Int?? {
        switch text.lowercased() {
        case "unlimited", "infinite", "-1": return .some(nil)
        default: break
        }
        guard let seconds = seconds(text) else { return nil }
        let minutes = (seconds + 59) / 60
        // slurm/slurm.h: INFINITE is 0xffffffff; a year of ten thousand days is more than any cluster permits.
        guard minutes < 14_400_000 else { return nil }
        return minutes == 0 ? .some(nil) : minutes
    }

    /// The notation of time_str2secs() in src/common/parse_time.c, without its words for no limit.
    static func seconds(_ text: String) -> Int? {
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[halves.count - 1].split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.compactMap(decimal)
        guard numbers.count == parts.count, (1...3).contains(parts.count) else { return nil }
        if halves.count == 2 {
            guard let days = decimal(halves[0]) else { return nil }
            let padded = numbers + [0, 0]
            return days * 86400 + padded[0] * 3600 + padded[1] * 60 + padded[2]
        }
        switch numbers.count {
        case 1: return numbers[0] * 60
        case 2: return numbers[0] * 60 + numbers[1]
        default: return numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
        }
    }
}

extension TimeLimit: CustomStringConvertible {}

/// Decimal digits alone, at most nine of them, so that sums cannot overflow.
func decimal(_ text: some StringProtocol) -> Int? {
    guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int(text)
}

func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
