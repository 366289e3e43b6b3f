// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel

/// Walks the chain from its first event and compares it with what the signer knows. Pure: rows go in one after the other.
struct AuditVerifier {
    private let evidence: AuditEvidence
    private var events: Int64 = 0
    private var lastSequence: Int64 = 0
    private var lastHash = AuditEvent.genesis
    private var problems: [AuditProblem] = []
    /// By sequence.
    private let mints: [AuditMint]
    private var nextMint = 0
    /// What was countersigned, the newest head among it, by sequence.
    private let heads: [AuditPosition]
    private var nextHead = 0

    init(evidence: AuditEvidence) {
        self.evidence = evidence
        mints = evidence.mints.sorted { $0.position.sequence < $1.position.sequence }
        var heads = evidence.heads
        if let newest = evidence.head?.position, !heads.contains(newest) { heads.append(newest) }
        self.heads = heads.sorted { $0.sequence < $1.sequence }
    }

    /// The next event in order of sequence.
    mutating func check(_ event: AuditEvent) {
        events += 1
        if event.sequence != lastSequence + 1 {
            note(.gap, event.sequence, "event \(event.sequence) follows event \(lastSequence)")
        } else if event.previous != lastHash {
            note(.brokenLink, event.sequence, "event \(event.sequence) does not continue event \(lastSequence)")
        }
        if AuditChain.hash(event) != event.hash {
            note(.changedRow, event.sequence, "event \(event.sequence) is not what was recorded")
        }
        checkMints(at: event.sequence, event)
        checkHeads(at: event.sequence, hash: event.hash)
        lastSequence = event.sequence
        lastHash = event.hash
    }

    /// A row that is no event.
    mutating func checkUnreadable(sequence: Int64, hash: String?) {
        events += 1
        if sequence != lastSequence + 1 { note(.gap, sequence, "event \(sequence) follows event \(lastSequence)") }
        note(.changedRow, sequence, "event \(sequence) cannot be read")
        checkMints(at: sequence, nil)
        checkHeads(at: sequence, hash: hash)
        lastSequence = sequence
        lastHash = hash ?? lastHash
    }

    /// After the last event.
    mutating func finish() -> AuditReport {
        checkSignature()
        if let head = heads.last, head.sequence > lastSequence {
            note(
                .cutTail, lastSequence + 1,
                "the signer countersigned event \(head.sequence), and the chain ends at event \(lastSequence)")
        }
        checkMints(at: .max, nil)
        let sorted = problems.enumerated().sorted { left, right in
            (left.element.sequence, left.offset) < (right.element.sequence, right.offset)
        }
        return AuditReport(
            events: events, mints: mints.count, heads: heads.count, serviceReads: evidence.serviceReads,
            countersigned: heads.last?.sequence ?? 0, problems: sorted.prefix(100).map(\.element))
    }

    /// Compares the heads up to the row `sequence` with it; those before it are of rows that are not there.
    private mutating func checkHeads(at sequence: Int64, hash: String?) {
        while nextHead < heads.count, heads[nextHead].sequence <= sequence {
            let head = heads[nextHead]
            nextHead += 1
            guard head.sequence != sequence || head.hash != hash else { continue }
            note(.rewritten, head.sequence, "event \(head.sequence) is not the one that the signer countersigned")
        }
    }

    private mutating func checkSignature() {
        guard let head = evidence.head else {
            if let head = heads.last {
                note(.badSignature, head.sequence, "the countersignature of event \(head.sequence) is not there")
            }
            return
        }
        let sequence = head.position.sequence
        if !isSigned(head) {
            note(.badSignature, sequence, "the countersignature of event \(sequence) is not the signer's")
        }
    }

    private func isSigned(_ head: CountersignedHead) -> Bool {
        guard let pem = evidence.publicKey, let raw = bytes(base64URL: head.signature) else { return false }
        let message = "sallyport-audit-head\n\(head.position.sequence)\n\(head.position.hash)\n\(head.time.rawValue)"
        do {
            let key = try P256.Signing.PublicKey(pemRepresentation: pem)
            let signature = try P256.Signing.ECDSASignature(rawRepresentation: raw)
            return key.isValidSignature(signature, for: Array(message.utf8))
        } catch {
            return false
        }
    }

    /// Compares the tokens of events up to the row `sequence` with it; those before it are of rows that are not there.
    private mutating func checkMints(at sequence: Int64, _ event: AuditEvent?) {
        while nextMint < mints.count, mints[nextMint].position.sequence <= sequence {
            let mint = mints[nextMint]
            nextMint += 1
            check(mint, event.flatMap { $0.sequence == mint.position.sequence ? $0 : nil })
        }
    }

    private mutating func check(_ mint: AuditMint, _ event: AuditEvent?) {
        let sequence = mint.position.sequence
        guard let event, event.hash == mint.position.hash else {
            return note(
                .mintWithoutEvent, sequence,
                "a token for \(quoted(mint.user)) on \(mint.cluster) was minted for event \(sequence), which is not in the chain"
            )
        }
        guard event.cluster == mint.cluster.rawValue, mint.isOf(event.actor) else {
            return note(
                .mintWithoutEvent, sequence,
                "a token for \(quoted(mint.user)) on \(mint.cluster) was minted for event \(sequence), which is about another"
            )
        }
        guard mint.payer == .person(action: event.action) || mint.payer == .system(action: event.action) else {
            return note(
                .mintForOtherAction, sequence,
                "a token for \(quoted(mint.user)) to \(mint.purpose) was minted for event \(sequence), which is \(quoted(event.action))"
            )
        }
        guard event.outcome == .allowed else {
            return note(
                .mintNotAllowed, sequence,
                "a token for \(quoted(mint.user)) was minted for event \(sequence), which says \(event.outcome.rawValue)"
            )
        }
        guard AuditPosition.pays(for: mint.time, decided: event.time) else {
            return note(
                .mintOutOfTime, sequence,
                "a token for \(quoted(mint.user)) was minted at \(mint.time), for event \(sequence) of \(event.time)")
        }
    }

    private mutating func note(_ kind: AuditProblem.Kind, _ sequence: Int64, _ message: String) {
        problems.append(AuditProblem(kind: kind, sequence: sequence, message: message))
    }
}

extension AuditMint {
    /// Whether an event of `actor` (`Actor.label`) can have paid for this token.
    fileprivate func isOf(_ actor: String) -> Bool {
        switch payer {
        case .person: actor.hasPrefix("person:") && actor.hasSuffix(":\(user)")
        case .system: actor == Actor.system.label
        case .none: true  // no event of anybody: the action tells
        }
    }
}

/// The bytes of base64url without padding (RFC 4648 section 5); nil for other characters.
private func bytes(base64URL text: String) -> [UInt8]? {
    guard text.utf8.count % 4 != 1 else { return nil }
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for byte in text.utf8 {
        let value: UInt8
        switch byte {
        case 0x41...0x5a: value = byte - 0x41
        case 0x61...0x7a: value = byte - 0x61 + 26
        case 0x30...0x39: value = byte - 0x30 + 52
        case 0x2d: value = 62
        case 0x5f: value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> count))
        }
    }
    return result
}
