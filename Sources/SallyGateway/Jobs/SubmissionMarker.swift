// SPDX-License-Identifier: Apache-2.0

import Crypto
package import SallyModel

/// What finds a submission's job again after an answer was lost: `sallyport:HEX` at the end of the job's comment, a
/// keyed hash of who submitted it where under which idempotency key. Nobody without the key can make the marker of a
/// submission that is still to come.
///
/// It is the comment whatever the version: `extra` can choose nodes (docs/decisions/0003-marker-in-the-comment.md).
///
/// It says nothing about who may do what: a job is its owner's, whatever its comment says. Its owner can copy it or erase it
/// with scontrol, which takes away that job's recovery and nothing else.
package struct SubmissionMarker: Sendable, Hashable {
    /// 32 lower-case hexadecimal characters.
    let text: String

    private static let prefix = "sallyport:"
    private static let length = 32

    private init(text: String) { self.text = text }

    /// The comment as its owner wrote it, and the marker if there is one.
    package static func split(_ comment: String?) -> (comment: String?, marker: SubmissionMarker?) {
        guard let comment, let start = place(comment) else { return (comment, nil) }
        let marker = SubmissionMarker(text: String(comment[start...].dropFirst(prefix.count)))
        // Its last byte: a space that follows some letters is no character of its own.
        var own = comment.utf8[..<start]
        if own.last == 0x20 { own.removeLast() }
        return (own.isEmpty ? nil : String(decoding: own, as: UTF8.self), marker)
    }

    /// The comment with the marker after it.
    package func appended(to comment: String?) -> String {
        let suffix = SubmissionMarker.prefix + text
        return comment.map { $0.isEmpty ? suffix : "\($0) \(suffix)" } ?? suffix
    }

    private static func place(_ comment: String) -> String.Index? {
        let size = prefix.utf8.count + length
        guard comment.utf8.count >= size else { return nil }
        let start = comment.utf8.index(comment.utf8.endIndex, offsetBy: -size)
        let hex = comment.utf8[start...].dropFirst(prefix.utf8.count)
        guard comment.utf8[start...].starts(with: prefix.utf8),
            hex.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) })
        else { return nil }
        return start
    }

    /// Makes markers; the key is the gateway's own, the same in every process of it and after every restart.
    package struct Maker: Sendable {
        private let key: Secret<[UInt8]>

        /// - Parameter secret: at least 32 bytes that nobody else has; the key is derived from it.
        package init(secret: Secret<[UInt8]>) {
            let derived = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: secret.reveal()),
                info: Array("sallyport submission marker 1".utf8),
                outputByteCount: 32)
            key = Secret(derived.withUnsafeBytes { Array($0) })
        }

        package func marker(
            person: PersonID, cluster: ClusterName, operation: KeyedOperation, key idempotencyKey: String
        ) -> SubmissionMarker {
            let code = HMAC<SHA256>.authenticationCode(
                for: Array(
                    (["\(person)", "\(cluster)"] + scope(operation) + [idempotencyKey]).joined(separator: "\n").utf8),
                using: SymmetricKey(data: key.reveal()))
            let digits = Array("0123456789abcdef".utf8)
            let hex = code.prefix(SubmissionMarker.length / 2).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return SubmissionMarker(text: String(decoding: hex, as: UTF8.self))
        }

        /// Nothing for the first operation there was, so that what an older version left open is still found. No part has a
        /// line feed in it.
        private func scope(_ operation: KeyedOperation) -> [String] {
            switch operation {
            case .submit: []
            case .slurmSubmit: [operation.rawValue]
            }
        }
    }
}
