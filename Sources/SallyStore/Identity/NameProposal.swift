// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Which user names to try for a person, from what the provider calls them.
///
/// The wish itself where it is valid; else its local part in lower case, accents taken off, other characters replaced;
/// a reserved name with `-user`; then numbers from 2.
struct NameProposal {
    private let wish: String
    private let base: String

    init(wish: String) {
        self.wish = wish
        base = NameProposal.clean(wish)
    }

    /// The first candidate that is not taken.
    /// - Throws: what `isTaken` throws; `SallyError(.conflict)` when the first 9999 are taken.
    func firstFree(isTaken: (UserName) throws -> Bool) throws -> UserName {
        for number in 0...9999 {
            guard number != 1, let candidate = candidate(number) else { continue }
            if try !isTaken(candidate) { return candidate }
        }
        throw SallyError(
            .conflict, "no user name like \(quoted(base)) is free", hint: "ask an administrator for another user name")
    }

    /// 0: the wish, or what it became. From 2: with this number.
    func candidate(_ number: Int) -> UserName? {
        guard number > 0 else { return UserName(rawValue: wish) ?? UserName(rawValue: base) }
        let suffix = String(number)
        return UserName(rawValue: String(base.prefix(32 - suffix.utf8.count)) + suffix)
    }

    private static func clean(_ wish: String) -> String {
        let local = wish.prefix { $0 != "@" }
        var text = ""
        for scalar in String(local).lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9", "_", "-": text.unicodeScalars.append(scalar)
            case ".", " ", "+": text += "-"
            default: text += folded[scalar] ?? ""
            }
        }
        while text.last == "-" { text.removeLast() }
        while text.first == "-" { text.removeFirst() }
        guard let first = text.unicodeScalars.first else { return "user" }
        if ("0"..."9").contains(first) { text = "u" + text }
        text = String(text.prefix(32))
        return UserName.reserved.contains(text) ? String(text.prefix(27)) + "-user" : text
    }

    /// Letters of Latin scripts as plain ones; combining marks (decomposed accents) fall away by not being here.
    private static let folded: [Unicode.Scalar: String] = {
        let table: [(String, String)] = [
            ("àáâãåāăą", "a"), ("ä", "ae"), ("æ", "ae"), ("çćĉċč", "c"), ("ďđð", "d"), ("èéêëēĕėęě", "e"),
            ("ĝğġģ", "g"), ("ĥħ", "h"), ("ìíîïĩīĭįı", "i"), ("ĵ", "j"), ("ķ", "k"), ("ĺļľŀł", "l"), ("ñńņňŋ", "n"),
            ("òóôõōŏő", "o"), ("öøœ", "oe"), ("ŕŗř", "r"), ("śŝşšș", "s"), ("ß", "ss"), ("ţťŧț", "t"), ("þ", "th"),
            ("ùúûũūŭůűų", "u"), ("ü", "ue"), ("ŵ", "w"), ("ýÿŷ", "y"), ("źżž", "z"),
        ]
        var result: [Unicode.Scalar: String] = [:]
        for (letters, plain) in table {
            for letter in letters.unicodeScalars { result[letter] = plain }
        }
        return result
    }()
}
