// SPDX-License-Identifier: Apache-2.0

/// What a record says in one field, in the same form whichever API version said it.
package enum FieldValue: Sendable, Equatable {
    /// The reply did not speak of it.
    case unsaid
    /// Nothing is set: NO_VAL, an empty text, an empty list.
    case unset
    /// INFINITE, no limit.
    case infinite
    /// Whole numbers, moments (seconds since 1970), exit codes (as of waitpid(2)).
    case integer(Int64)
    case real(Double)
    case flag(Bool)
    case text(String)
    /// Never empty.
    case words([String])
    /// Objects in a list, or one object alone: the values by the slots of their own table. Never empty.
    case records([[FieldValue]])

    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    package var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
    package var words: [String] { if case .words(let words) = self { words } else { [] } }

    /// Whether it can say which object this is.
    var names: Bool {
        switch self {
        case .text, .words: true
        case .integer(let number): number > 0
        case .unsaid, .unset, .infinite, .real, .flag, .records: false
        }
    }
}
