// SPDX-License-Identifier: Apache-2.0

/// What a script of ours wrote, in lines of fields.
///
/// By bytes: for Swift a carriage return with a newline is one character, and some letters cling to what follows, so that
/// what a user wrote into a file could join two lines or two fields.
enum ReportLines {
    static func lines(_ text: String) -> [String] { pieces(text, at: 0x0a).filter { !$0.isEmpty } }

    /// The lines, each cut at its tabs.
    static func fields(_ text: String) -> [[String]] { lines(text).map { pieces($0, at: 0x09) } }

    static func pieces(_ text: String, at separator: UInt8) -> [String] {
        text.utf8.split(separator: separator, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
