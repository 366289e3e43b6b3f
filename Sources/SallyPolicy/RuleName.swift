// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The name of a policy rule: what refusals and audit events say.
package struct RuleName: Name {
    package let rawValue: String
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    package static let noun = "rule name"
    package static let rule = "1-64 characters of a-z 0-9 - _, a letter first"
    package static func accepts(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7a).contains(first), text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x5f
        }
    }
}
