// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SallyKeepProtocol
import SallyModel
import SallySocket
import Synchronization

/// Signs heads of the audit chain with a key that only the signer has (ES256), never an older one, never another hash
/// for the same place.
final class Countersigner: Sendable {
    private let key: P256.Signing.PrivateKey
    private let path: String
    private let newest: Mutex<Countersignature?>

    /// Reads the key and the newest head from `folder`; makes the key when there is none.
    init(folder: String) throws {
        let keyPath = folder + "/countersign.pem"
        if let pem = try DurableFile.read(keyPath) {
            do {
                key = try P256.Signing.PrivateKey(pemRepresentation: String(decoding: pem, as: UTF8.self))
            } catch {
                throw SallyError(
                    .misconfigured, "\(quoted(keyPath)) is no P-256 private key in PEM",
                    hint: "restore it from a backup")
            }
        } else {
            key = P256.Signing.PrivateKey()
            try DurableFile.replace(keyPath, with: Array(key.pemRepresentation.utf8))
        }
        path = folder + "/head.json"
        newest = Mutex(
            try DurableFile.read(path).map { try KeepJSON.message(from: String(decoding: $0, as: UTF8.self)) })
    }

    var head: Countersignature? { newest.withLock { $0 } }

    /// PEM, SubjectPublicKeyInfo.
    var publicKey: String { key.publicKey.pemRepresentation }

    /// A head so far away that no real one would ever be newer must not be signed.
    private static let longestStep: Int64 = 1_000_000

    /// Signs `position` and returns when that is on the disk. The same position again gives the same signature.
    ///
    /// - Throws: `SallyError(.conflict)` when the chain went back or has changed.
    func countersign(_ position: AuditPosition, at time: Timestamp) throws -> Countersignature {
        try newest.withLock { newest in
            if let last = newest {
                if last.position == position { return last }
                try check(position, after: last.position)
            }
            let known = newest?.position.sequence ?? 0
            guard position.sequence - known <= Countersigner.longestStep else {
                throw SallyError(
                    .invalidRequest,
                    "event \(position.sequence) is more than \(Countersigner.longestStep) after event \(known)",
                    hint: "a chain grows step by step: see `sally admin audit verify`")
            }
            let signature = try key.signature(for: Countersignature.message(position, at: time))
            let made = Countersignature(
                position: position, time: time, signature: Base64.url.encode(signature.rawRepresentation))
            try DurableFile.replace(path, with: Array(KeepJSON.text(made).utf8))
            newest = made
            return made
        }
    }

    private func check(_ position: AuditPosition, after last: AuditPosition) throws {
        let hint = "the audit log was cut or replaced: see `sally admin audit verify`"
        guard position.sequence != last.sequence else {
            throw SallyError(.conflict, "event \(position.sequence) was countersigned with another hash", hint: hint)
        }
        guard position.sequence > last.sequence else {
            throw SallyError(
                .conflict, "event \(position.sequence) is older than event \(last.sequence), which is countersigned",
                hint: hint)
        }
    }
}
