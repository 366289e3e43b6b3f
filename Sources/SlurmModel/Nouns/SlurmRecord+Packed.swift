// SPDX-License-Identifier: Apache-2.0

/// The packed form: one byte each for the form's own version, the noun and the API version of origin; then, for each field
/// that does not say what slurmrestd usually writes, how many slots further it stands and its value; then a zero. Made to be
/// held in memory by the hundred thousand: it is read by the same build that wrote it, and never stored.
extension SlurmRecord {
    private static let form: UInt8 = 1

    package var packed: [UInt8] {
        var packer = Packer(version: version.rawValue)
        packer.bytes.reserveCapacity(640)
        packer.bytes += [SlurmRecord.form, noun.rawValue, UInt8(clamping: version.rawValue)]
        packer.append(values, noun.table)
        return packer.bytes
    }

    /// - Returns: nil for bytes that no record was packed into.
    package init?(packed: [UInt8]) {
        guard packed.count > 3, packed[0] == SlurmRecord.form, let noun = SlurmNoun(rawValue: packed[1]) else {
            return nil
        }
        let version = APIVersion(rawValue: Int(packed[2]))
        let values = packed.withUnsafeBufferPointer { bytes -> [FieldValue]? in
            var unpacker = Unpacker(bytes: bytes, version: version.rawValue, index: 3)
            let values = unpacker.values(noun.table)
            return unpacker.index == bytes.count ? values : nil
        }
        guard let values else { return nil }
        self.init(noun: noun, version: version, values: values)
    }
}

private enum Tag {
    static let unsaid: UInt8 = 0
    static let unset: UInt8 = 1
    static let infinite: UInt8 = 2
    static let no: UInt8 = 3
    static let yes: UInt8 = 4
    static let integer: UInt8 = 5
    static let real: UInt8 = 6
    static let text: UInt8 = 7
    static let words: UInt8 = 8
    static let records: UInt8 = 9
}

private struct Packer {
    let version: Int
    var bytes: [UInt8] = []

    mutating func append(_ values: [FieldValue], _ table: NounTable) {
        let usual = table.usual(version: version)
        var last = -1
        for (slot, value) in values.enumerated() where value != usual[slot] {
            append(UInt64(slot - last))
            last = slot
            append(value, table.fields[slot].inner)
        }
        bytes.append(0)
    }

    private mutating func append(_ value: FieldValue, _ inner: NounTable?) {
        switch value {
        case .unsaid: bytes.append(Tag.unsaid)
        case .unset: bytes.append(Tag.unset)
        case .infinite: bytes.append(Tag.infinite)
        case .flag(let flag): bytes.append(flag ? Tag.yes : Tag.no)
        case .integer(let number):
            bytes.append(Tag.integer)
            append(UInt64(bitPattern: number << 1 ^ number >> 63))
        case .real(let number):
            bytes.append(Tag.real)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> shift))
            }
        case .text(let text):
            bytes.append(Tag.text)
            append(text)
        case .words(let words):
            bytes.append(Tag.words)
            append(UInt64(words.count))
            for word in words { append(word) }
        case .records(let records):
            guard let inner else {
                bytes.append(Tag.unset)
                return
            }
            bytes.append(Tag.records)
            append(UInt64(records.count))
            for record in records { append(record, inner) }
        }
    }

    private mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    /// LEB128.
    private mutating func append(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

private struct Unpacker {
    let bytes: UnsafeBufferPointer<UInt8>
    let version: Int
    var index: Int

    mutating func values(_ table: NounTable) -> [FieldValue]? {
        var values = table.usual(version: version)
        var slot = -1
        while let step = number() {
            if step == 0 { return values }
            guard step <= UInt64(values.count - 1 - slot) else { return nil }
            slot += Int(step)
            guard let value = value(table.fields[slot].inner) else { return nil }
            values[slot] = value
        }
        return nil
    }

    private mutating func value(_ inner: NounTable?) -> FieldValue? {
        guard let tag = byte() else { return nil }
        switch tag {
        case Tag.unsaid: return .unsaid
        case Tag.unset: return .unset
        case Tag.infinite: return .infinite
        case Tag.no: return .flag(false)
        case Tag.yes: return .flag(true)
        case Tag.integer:
            return number().map { .integer(Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1)) }
        case Tag.real:
            var pattern: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                guard let byte = byte() else { return nil }
                pattern |= UInt64(byte) << shift
            }
            return .real(Double(bitPattern: pattern))
        case Tag.text: return text().map(FieldValue.text)
        case Tag.words:
            guard let count = count() else { return nil }
            var words: [String] = []
            for _ in 0..<count {
                guard let word = text() else { return nil }
                words.append(word)
            }
            return .words(words)
        case Tag.records:
            guard let inner, let count = count() else { return nil }
            var records: [[FieldValue]] = []
            for _ in 0..<count {
                guard let record = values(inner) else { return nil }
                records.append(record)
            }
            return .records(records)
        default: return nil
        }
    }

    /// How many follow: each is a byte at least.
    private mutating func count() -> Int? {
        guard let count = number(), count > 0, count <= UInt64(bytes.count - index) else { return nil }
        return Int(count)
    }

    private mutating func text() -> String? {
        guard let count = number(), count <= UInt64(bytes.count - index) else { return nil }
        let part = UnsafeBufferPointer(rebasing: bytes[index..<index + Int(count)])
        index += Int(count)
        return String(validating: part, as: UTF8.self)
    }

    private mutating func byte() -> UInt8? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return bytes[index]
    }

    private mutating func number() -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = byte() else { return nil }
            guard shift < 63 || byte <= 1 else { return nil }
            number |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return number }
        }
        return nil
    }
}
