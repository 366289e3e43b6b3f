// SPDX-License-Identifier: Apache-2.0

/// Cuts what a program writes into lines. Empty ones are left out, and of a long one the beginning is kept.
struct LineCutter {
    /// The most bytes of a line that are kept.
    static let longest = 4096

    private var line: [UInt8] = []
    private var isCut = false

    /// - Returns: the lines that ended in `bytes`. A carriage return ends one as well: bars are drawn with it.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
        var ended: [String] = []
        for byte in bytes {
            if byte == 0x0a || byte == 0x0d {
                if let text = finish() { ended.append(text) }
            } else if line.count < LineCutter.longest {
                line.append(byte)
            } else {
                isCut = true
            }
        }
        return ended
    }

    /// What was written after the last end of a line, nil where that is nothing.
    mutating func finish() -> String? {
        defer {
            line = []
            isCut = false
        }
        guard !line.isEmpty else { return nil }
        return String(decoding: line, as: UTF8.self) + (isCut ? " ..." : "")
    }
}
