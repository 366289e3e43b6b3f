// SPDX-License-Identifier: Apache-2.0

/// A uid, and with it the gid of the same number, in the range that Sallyport may give out.
///
/// Never below 1000 (Debian policy 9.2.2) and never the kernel's overflow ids; sites narrow it further.
package struct UserID: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: UInt32

    package init?(rawValue: UInt32) {
        guard UserID.permitted.contains(rawValue), rawValue != 65534, rawValue != 65535 else { return nil }
        self.rawValue = rawValue
    }

    package init(_ value: UInt32) throws {
        guard let made = UserID(rawValue: value) else {
            throw SallyError(
                .invalidRequest, "uid \(value) is not permitted",
                hint: "uids are 1000 to 2147483647, not 65534 or 65535")
        }
        self = made
    }

    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(UInt32.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package static let permitted: ClosedRange<UInt32> = 1000...2_147_483_647
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "\(rawValue)" }
}

/// A Slurm job id. 1 to 0x03ffffff for one cluster (slurm.conf(5) MaxJobId), larger in a federation.
package struct JobID: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: UInt32

    package init?(rawValue: UInt32) {
        guard rawValue > 0, rawValue < 0xffff_fffd else { return nil }
        self.rawValue = rawValue
    }

    /// - Throws: `SallyError(.invalidRequest)` for anything but decimal digits of a permitted number.
    package init(_ text: some StringProtocol) throws {
        guard text.utf8.count <= 10, text.utf8.allSatisfy(isDigit), let value = UInt32(text),
            let made = JobID(rawValue: value)
        else {
            throw SallyError(
                .invalidRequest, "job id \(quoted(String(text))) is not valid",
                hint: "job ids are numbers, such as 1234")
        }
        self = made
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer().decode(UInt32.self)
        guard let made = JobID(rawValue: value) else {
            throw SallyError(.invalidRequest, "job id \(value) is not valid")
        }
        self = made
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "\(rawValue)" }
}

/// A moment, in whole seconds since 1970-01-01T00:00:00Z.
package struct Timestamp: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package var rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ seconds: Int64) { rawValue = seconds }

    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package static func + (left: Self, right: Duration) -> Self { Timestamp(left.rawValue + right.components.seconds) }
    package static func - (left: Self, right: Duration) -> Self { Timestamp(left.rawValue - right.components.seconds) }
    package static func - (left: Self, right: Self) -> Duration { .seconds(left.rawValue - right.rawValue) }

    /// RFC 3339 in UTC, such as `2026-11-21T04:05:06Z`. Civil date from days after Howard Hinnant's algorithm.
    package var description: String {
        let days = (rawValue >= 0 ? rawValue : rawValue - 86399) / 86400
        let second = rawValue - days * 86400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))"
            + "T\(pad(second / 3600, 2)):\(pad(second % 3600 / 60, 2)):\(pad(second % 60, 2))Z"
    }
}

private func pad(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
