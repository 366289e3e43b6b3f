// SPDX-License-Identifier: Apache-2.0

/// Words for a shell that we cannot do without: ssh(1) joins its arguments with blanks, and the login shell on the other
/// side takes that apart again.
enum ShellQuote {
    /// One string that sh and bash take apart into exactly `words`.
    ///
    /// Every word is in single quotes, in which nothing has a meaning but the quote itself. Words without a single
    /// quote, newline, backslash and exclamation mark are read alike by csh and fish.
    static func line(_ words: [String]) -> String {
        words.map(quote).joined(separator: " ")
    }

    static func quote(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
