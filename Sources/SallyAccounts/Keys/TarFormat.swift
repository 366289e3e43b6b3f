// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The interchange format `ustar` (POSIX.1-2017, pax), as far as an archive of keys needs it: folders and regular files with
/// short names, owned by root.
///
/// Made here and not by tar(1), so that no private key lies on the disk on its way into the archive, and nothing but what is
/// meant to be in it can be.
enum TarFormat {
    struct Member: Sendable, Equatable {
        enum Kind: UInt8, Sendable {
            case file = 0x30
            case folder = 0x35
        }

        var name: String
        var kind: Kind
        var mode: UInt32
        /// uid, gid.
        var owner: [UInt64] = [0, 0]
        var modified: Timestamp
        var content: [UInt8] = []
    }

    /// What is not an archive of this form. Names the member where there is one.
    struct Damage: Error, Equatable {
        let reason: String
    }

    private static let block = 512

    /// - Precondition: names are ASCII, at most 100 bytes.
    static func write(_ members: [Member]) -> [UInt8] {
        var result: [UInt8] = []
        for member in members {
            result += header(of: member)
            result += member.content
            result += [UInt8](repeating: 0, count: (block - member.content.count % block) % block)
        }
        // Two empty blocks, filled up to a record of 20, as tar writes it.
        result += [UInt8](repeating: 0, count: 2 * block)
        result += [UInt8](repeating: 0, count: (20 * block - result.count % (20 * block)) % (20 * block))
        return result
    }

    private static func header(of member: Member) -> [UInt8] {
        var fields: [(size: Int, bytes: [UInt8])] = [(100, Array(member.name.utf8))]
        fields += [(8, octal(UInt64(member.mode), 7)), (8, octal(member.owner[0], 7)), (8, octal(member.owner[1], 7))]
        fields += [
            (12, octal(UInt64(member.content.count), 11)), (12, octal(UInt64(max(0, member.modified.rawValue)), 11)),
        ]
        fields += [(8, [UInt8](repeating: 0x20, count: 8)), (1, [member.kind.rawValue]), (100, [])]
        fields += [
            (6, Array("ustar\0".utf8)), (2, Array("00".utf8)), (32, Array("root".utf8)), (32, Array("root".utf8)),
        ]
        fields += [(8, octal(0, 7)), (8, octal(0, 7)), (155, []), (12, [])]
        var header: [UInt8] = []
        for field in fields {
            header += field.bytes.prefix(field.size)
            header += [UInt8](repeating: 0, count: max(0, field.size - field.bytes.count))
        }
        let sum = header.reduce(UInt64(0)) { $0 + UInt64($1) }
        header.replaceSubrange(148..<156, with: octal(sum, 6) + [0, 0x20])
        return header
    }

    private static func octal(_ value: UInt64, _ digits: Int) -> [UInt8] {
        let text = String(value, radix: 8)
        return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
    }

    /// Reads what `write` or GNU tar makes of folders and regular files with short names; anything else is refused.
    ///
    /// - Parameter limit: the most bytes of one file.
    static func read(_ bytes: [UInt8], limit: Int) throws(Damage) -> [Member] {
        guard bytes.count.isMultiple(of: block) else { throw Damage(reason: "it is cut off") }
        var members: [Member] = []
        var place = 0
        while place < bytes.count, bytes[place..<(place + block)].contains(where: { $0 != 0 }) {
            var member = try header(Array(bytes[place..<(place + block)]))
            let size = member.content.count
            place += block
            guard size <= limit else { throw Damage(reason: "\(quoted(member.name)) has more than \(limit) bytes") }
            let end = place + (size + block - 1) / block * block
            guard end <= bytes.count else { throw Damage(reason: "it is cut off in \(quoted(member.name))") }
            member.content = Array(bytes[place..<(place + size)])
            place = end
            members.append(member)
        }
        guard bytes.count - place >= 2 * block, bytes[place...].allSatisfy({ $0 == 0 }) else {
            throw Damage(reason: "it is cut off, or something follows its end")
        }
        return members
    }

    /// The member of a header; its content is as long as announced and empty.
    private static func header(_ header: [UInt8]) throws(Damage) -> Member {
        let sum = header.enumerated().reduce(UInt64(0)) {
            $0 + UInt64((148..<156).contains($1.offset) ? 0x20 : $1.element)
        }
        guard number(header[148..<156]) == sum else { throw Damage(reason: "a checksum in it does not match") }
        let magic = Array(header[257..<265])
        guard magic == Array("ustar\u{0}00".utf8) || magic == Array("ustar  \u{0}".utf8) else {
            throw Damage(reason: "it is not of a form that we know")
        }
        guard let name = String(validating: header[..<100].prefix { $0 != 0 }, as: UTF8.self), !name.isEmpty else {
            throw Damage(reason: "a name in it is not UTF-8")
        }
        guard let kind = Member.Kind(rawValue: header[156] == 0 ? 0x30 : header[156]) else {
            throw Damage(reason: "\(quoted(name)) is neither a file nor a folder")
        }
        guard header[345] == 0, header[157] == 0 else {
            throw Damage(reason: "the name of \(quoted(name)) is too long")
        }
        guard let mode = number(header[100..<108]), let uid = number(header[108..<116]),
            let gid = number(header[116..<124]),
            let size = number(header[124..<136]), let modified = number(header[136..<148]), mode <= 0o7777,
            size <= 1 << 32,
            kind == .file || size == 0
        else { throw Damage(reason: "a number of \(quoted(name)) is not valid") }
        guard size <= 1 << 20 else { throw Damage(reason: "\(quoted(name)) has \(size) bytes") }
        return Member(
            name: name, kind: kind, mode: UInt32(mode), owner: [uid, gid], modified: Timestamp(Int64(modified)),
            content: [UInt8](repeating: 0, count: Int(size)))
    }

    /// Octal digits, ended by blanks or zero bytes.
    private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        guard (1...12).contains(digits.count), digits.allSatisfy({ (0x30...0x37).contains($0) }),
            field[digits.endIndex...].allSatisfy({ $0 == 0x20 || $0 == 0 })
        else { return nil }
        return digits.reduce(0) { $0 << 3 | UInt64($1 - 0x30) }
    }
}
