// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The names that a plugin makes users of. Pure.
enum UserNameList {
    /// More problems than these are counted, not listed.
    static let listed = 50

    /// `user001` and so on; the number has three digits or as many as it needs.
    static func numbered(_ count: Int) -> [UserName] {
        (0..<max(0, count)).map { index in
            let digits = String(index + 1)
            return UserName(unchecked: "user" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits)
        }
    }

    /// Every name that may not be one, with the reason; the names where there is none.
    static func check(_ texts: [String]) -> (names: [UserName], problems: [String]) {
        var names: [UserName] = []
        var problems: [String] = []
        var seen: Set<String> = []
        for (index, text) in texts.enumerated() {
            if let problem = problem(with: text, index) {
                problems.append(problem)
            } else if !seen.insert(text).inserted {
                problems.append("\(quoted(text)) is given twice")
            } else if let name = UserName(rawValue: text) {
                names.append(name)
            }
        }
        let rest = problems.count - listed
        return (names, rest > 0 ? problems.prefix(listed) + ["and \(rest) more"] : problems)
    }

    private static func problem(with text: String, _ index: Int) -> String? {
        let scalars = text.unicodeScalars
        if text.isEmpty { return "name \(index + 1) is empty: nothing stands between two commas, or after the last" }
        let name = quoted(text)
        if SystemAccounts.contains(text) { return "\(name) is an account of the system" }
        if scalars.contains("\n") || scalars.contains("\r") { return "\(name) has a line break: commas end lines" }
        if scalars.contains(where: { $0.properties.isWhitespace }) { return "\(name) has a space: commas part names" }
        if text.utf8.count > 32 { return "\(name) has \(text.utf8.count) characters, at most 32 are permitted" }
        if text.hasPrefix("-") { return "\(name) begins with -" }
        if scalars.contains(where: { ("A"..."Z").contains($0) }) {
            return "\(name) has upper case; write \(quoted(text.lowercased()))"
        }
        return UserName.accepts(text) ? nil : "\(name) is no \(UserName.noun): \(UserName.rule)"
    }
}
