// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SallyKeepProtocol
import SallyModel
import SallySocket
import Synchronization

/// Signs heads of the audit chain with a key that only the signer has (ES256), never an older one, never another hash
/// for the same place, and remembers every one of them.
final class Countersigner: Sendable {
    private let key: P256.Signing.PrivateKey
    private let path: String
    private let log: HeadLog
    private let state: Mutex<State>

    private struct State {
        var newest: Countersignature?
        var limiter = MintLimiter(perMinute: Countersigner.mostPerMinute, of: "heads")
    }

    /// Reads the key and the heads from `folder`; makes the key when there is none. A folder of a version that kept only
    /// the newest head has that one from then on, and so has one whose signer was killed between its two writes. In a copy of a
    /// running signer's folder the newest head may be older than the log's last one, which is then signed again.
    ///
    /// - Throws: `SallyError(.misconfigured)` when the newest head and the log of heads contradict each other.
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
        var newest: Countersignature? = try DurableFile.read(path).map {
            try KeepJSON.message(from: String(decoding: $0, as: UTF8.self))
        }
        log = try HeadLog(path: folder + "/heads.log")
        let last = try log.last()
        if newest?.position != last {
            if let found = newest, found.position.sequence > last?.sequence ?? 0 {
                try log.append(found.position, at: found.time)
            } else if let found = newest, let last, try log.head(at: found.position.sequence) == found.position {
                newest = try signed(last, at: found.time, by: key, in: path)
            } else {
                throw SallyError(
                    .misconfigured, "\(quoted(path)) is missing, or no head of heads.log",
                    hint: "restore the whole state folder from one backup")
            }
        }
        state = Mutex(State(newest: newest))
    }

    var head: Countersignature? { state.withLock(\.newest) }

    /// PEM, SubjectPublicKeyInfo.
    var publicKey: String { key.publicKey.pemRepresentation }

    /// A head so far away that no real one would ever be newer must not be signed.
    private static let longestStep: Int64 = 1_000_000
    /// Several gateways on one database ask every ten seconds each, and once more when they stop.
    static let mostPerMinute = 60

    /// Every head that was signed for an event after `after`, by sequence, at most `limit`.
    func heads(after: Int64, limit: Int) throws -> [AuditPosition] { try log.heads(after: after, limit: limit) }

    /// - Throws: `SallyError(.conflict)` when another hash was countersigned at that place; `.denied` for a decision that is
    ///   older than `AuditPosition.life`, as the time of a head at or after it tells.
    func check(_ position: AuditPosition, at time: Timestamp) throws {
        guard position.sequence > log.newest(before: time - AuditPosition.life) else {
            throw SallyError(
                .denied, "event \(position.sequence) pays for no token: it is older than \(AuditPosition.life)",
                hint: "a new decision is needed")
        }
        guard let head = try log.head(at: position.sequence), head.hash != position.hash else { return }
        throw SallyError(.conflict, "event \(position.sequence) was countersigned with another hash")
    }

    /// Signs `position` and returns when that is on the disk, for ever. The same position again gives the same signature.
    ///
    /// - Throws: `SallyError(.conflict)` when the chain went back or has changed; `.rateLimited` above `mostPerMinute`.
    func countersign(_ position: AuditPosition, at time: Timestamp) throws -> Countersignature {
        try state.withLock { state in
            if let last = state.newest {
                if last.position == position { return last }
                try check(position, after: last.position)
            }
            let known = state.newest?.position.sequence ?? 0
            guard position.sequence - known <= Countersigner.longestStep else {
                throw SallyError(
                    .invalidRequest,
                    "event \(position.sequence) is more than \(Countersigner.longestStep) after event \(known)",
                    hint: "a chain grows step by step: see `sally admin audit verify`")
            }
            try state.limiter.take("the audit chain", at: time)
            let made = try signed(position, at: time, by: key, in: path)
            try log.append(position, at: time)
            state.newest = made
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

/// Signs a head and makes it the newest on the disk.
private func signed(
    _ position: AuditPosition, at time: Timestamp, by key: P256.Signing.PrivateKey, in path: String
) throws -> Countersignature {
    let signature = try key.signature(for: Countersignature.message(position, at: time))
    let made = Countersignature(
        position: position, time: time, signature: Base64.url.encode(signature.rawRepresentation))
    try DurableFile.replace(path, with: Array(KeepJSON.text(made).utf8))
    return made
}
