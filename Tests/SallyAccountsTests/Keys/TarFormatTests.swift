// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyAccounts

@Suite struct TarFormatTests {
    private static let member = TarFormat.Member(
        name: "./a", kind: .file, mode: 0o400, modified: Timestamp(1_800_000_000), content: Array("hello".utf8))

    @Test func readsBackWhatItWrites() throws {
        let members = [
            TarFormat.Member(name: "./", kind: .folder, mode: 0o700, modified: Timestamp(1)), Self.member,
            TarFormat.Member(
                name: String(repeating: "n", count: 100), kind: .file, mode: 0, modified: Timestamp(0),
                content: [UInt8](repeating: 7, count: 1024)),
        ]
        let bytes = TarFormat.write(members)
        #expect(bytes.count.isMultiple(of: 10240))
        #expect(try TarFormat.read(bytes, limit: 1024) == members)
        #expect(throws: TarFormat.Damage.self) { try TarFormat.read(bytes, limit: 1023) }
    }

    private static func changed(at place: Int, to byte: UInt8, fixing: Bool = true) -> [UInt8] {
        var bytes = TarFormat.write([member])
        bytes[place] = byte
        guard fixing else { return bytes }
        bytes.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        let sum = String(bytes[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
        bytes.replaceSubrange(148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8))
        return bytes
    }

    static let damages: [(String, [UInt8])] = [
        ("a checksum", changed(at: 3, to: 0x62, fixing: false)), ("a link", changed(at: 156, to: 0x32)),
        ("a hard link", changed(at: 156, to: 0x31)), ("a device", changed(at: 156, to: 0x34)),
        ("GNU's long name", changed(at: 156, to: 0x4c)), ("pax headers", changed(at: 156, to: 0x78)),
        ("a name in two halves", changed(at: 345, to: 0x61)), ("a target", changed(at: 157, to: 0x61)),
        ("another magic", changed(at: 257, to: 0x61)), ("no number", changed(at: 130, to: 0x39)),
        ("a number in base 256", changed(at: 124, to: 0x80)), ("a huge size", changed(at: 124, to: 0x37)),
        ("a folder with content", changed(at: 156, to: 0x35)), ("no end", Array(TarFormat.write([member])[..<1024])),
        ("half an end", Array(TarFormat.write([member])[..<1536])),
        ("half a block", Array(TarFormat.write([member])[..<700])),
        ("something after the end", changed(at: 5000, to: 1)), ("no name", changed(at: 0, to: 0)),
    ]

    @Test(arguments: damages) func refuses(_ what: String, _ bytes: [UInt8]) {
        #expect(throws: TarFormat.Damage.self, "\(what)") { try TarFormat.read(bytes, limit: 4096) }
    }

    @Test func nothingCutOffIsRead() throws {
        let bytes = TarFormat.write([Self.member])
        for count in stride(from: 512, to: 2048, by: 512) {
            #expect(throws: TarFormat.Damage.self) { try TarFormat.read(Array(bytes[..<count]), limit: 4096) }
        }
        #expect(throws: TarFormat.Damage.self) { try TarFormat.read([], limit: 4096) }
    }
}
