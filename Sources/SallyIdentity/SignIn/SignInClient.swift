// SPDX-License-Identifier: Apache-2.0

/// Who asks for a sign-in: where the request came from, which the gateway saw, and what the program calls itself, which
/// it may have made up.
///
/// Everywhere the address comes first and the label is short and plain, so that no label can push the address out of
/// sight or be taken for it (RFC 8628 section 5.4).
package struct SignInClient: Sendable, Equatable {
    package let address: String
    /// Printable ASCII, at most 60 bytes.
    package let label: String

    /// In bytes.
    private static let longestLabel = 60

    package init(address: String, label: String) {
        self.address = String(address.unicodeScalars.prefix(64).filter(SignInClient.isPrintable).map(Character.init))
        let kept = label.unicodeScalars.lazy.filter { $0 == " " || SignInClient.isPrintable($0) }.map(Character.init)
        let text = String(kept.prefix(SignInClient.longestLabel)).drop { $0 == " " }
        self.label = text.isEmpty ? "a program without a name" : String(text)
    }

    /// From `text`.
    init(text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        self.init(address: parts.first.map(String.init) ?? "unknown", label: parts.count > 1 ? String(parts[1]) : "")
    }

    /// For lists and the audit log: the address, a blank, the label.
    package var text: String { "\(address) \(label)" }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool { scalar.value > 0x20 && scalar.value < 0x7f }
}
