// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The list of an answer, written element by element when it is sent: whole, a list of thousands of jobs is a hundred
/// megabytes.
struct FrontList: Sendable {
    /// Where it stands in the answer.
    let key: String
    let count: Int
    /// Whether it is written whole, before anything is sent.
    let isShort: Bool
    /// Appends the element at a place; nothing leaves it out.
    private let write: @Sendable (Int, inout [UInt8]) -> Void

    /// So many bytes are written at a time, and one element more.
    private static let piece = 128 << 10
    /// A list of no more elements is written whole.
    private static let short = 16

    /// - Parameter weight: how much there is to write, in jobs; nil where each element is one.
    init(
        _ key: String, count: Int, weight: Int? = nil, _ write: @Sendable @escaping (Int, inout [UInt8]) -> Void
    ) {
        self.key = key
        self.count = count
        isShort = (weight ?? count) <= FrontList.short
        self.write = write
    }

    /// `"key":[`
    var start: [UInt8] { Array("\"\(key)\":[".utf8) }

    /// What comes of the list from `place` on, until it is enough for one piece.
    struct Piece: Sendable {
        var bytes: [UInt8]
        /// Where the next one begins.
        var next: Int
        /// Whether any element was written, in this piece or before.
        var isBegun: Bool
    }

    func piece(from place: Int, isBegun: Bool) -> Piece {
        var piece = Piece(bytes: [], next: place, isBegun: isBegun)
        while piece.next < count, piece.bytes.count < FrontList.piece {
            let before = piece.bytes.count
            if piece.isBegun { piece.bytes.append(UInt8(ascii: ",")) }
            let start = piece.bytes.count
            write(piece.next, &piece.bytes)
            if piece.bytes.count > start {
                piece.isBegun = true
            } else {
                piece.bytes.removeSubrange(before...)
            }
            piece.next += 1
        }
        return piece
    }
}
