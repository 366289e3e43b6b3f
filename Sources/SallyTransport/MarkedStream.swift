// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One output of a conversation, cut where the shell says that something ended.
struct MarkedStream {
    /// What the shell said, and everything that was written before it.
    struct End: Equatable {
        enum Word: String { case ready, end, exit }
        var word: Word
        var status: Int32
        var before: [UInt8]
    }

    /// No end takes more bytes than this.
    static let longestEnd = 128

    private let prefix: [UInt8]
    private(set) var bytes: [UInt8] = []
    /// Before this there is no beginning of a mark.
    private var searched = 0

    init(_ mark: ShellMark) { prefix = Array("\u{1e}sally-\(mark.text)-".utf8) }

    mutating func append(_ more: [UInt8]) { bytes += more }

    mutating func removeAll() {
        bytes = []
        searched = 0
    }

    /// Takes out what was written up to the next end, nil while there is none.
    mutating func next() -> End? {
        guard let start = position(of: prefix, from: searched) else {
            searched = max(0, bytes.count - prefix.count + 1)
            return nil
        }
        searched = start
        guard let newline = position(of: [0x0a], from: start) else { return nil }
        let words = String(decoding: bytes[(start + prefix.count)..<newline], as: UTF8.self).split(separator: " ")
        guard words.count == 2, let word = End.Word(rawValue: String(words[0])), let status = Int32(words[1]) else {
            searched = start + 1
            return next()
        }
        let end = End(word: word, status: status, before: Array(bytes[..<start]))
        bytes.removeSubrange(...newline)
        searched = 0
        return end
    }

    private func position(of part: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { whole in
            guard let base = whole.baseAddress else { return nil }
            var start = start
            while start + part.count <= whole.count {
                guard let first = memchr(base + start, Int32(part[0]), whole.count - start) else { return nil }
                start = base.distance(to: UnsafeRawPointer(first))
                guard start + part.count <= whole.count else { return nil }
                if memcmp(base + start, part, part.count) == 0 { return start }
                start += 1
            }
            return nil
        }
    }
}
