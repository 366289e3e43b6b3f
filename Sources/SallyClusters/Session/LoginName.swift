// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The name of an account on a machine, whoever made it: also root and the names of a site's directory.
package struct LoginName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "user"
    package static let rule = "1-64 characters of A-Z a-z 0-9 - _ . @, a letter or _ first"

    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) || first == 0x5f, text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "-_.@".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    package static let root = LoginName(unchecked: "root")
}
