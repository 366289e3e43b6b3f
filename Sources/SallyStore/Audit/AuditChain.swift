// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
import StrictJSON

/// What an audit event's hash is made of.
enum AuditChain {
    /// SHA-256 over the canonical JSON of every field but `hash`: no white space, keys in the order of `AuditEvent`, absent
    /// values as null. Lower-case hexadecimal.
    static func hash(_ event: AuditEvent) -> String {
        hexadecimal(SHA256.hash(data: canonical(event)))
    }

    static func canonical(_ event: AuditEvent) -> [UInt8] {
        let members: [(String, JSONValue)] = [
            ("sequence", .integer(event.sequence)),
            ("time", .integer(event.time.rawValue)),
            ("actor", .string(event.actor)),
            ("action", .string(event.action)),
            ("cluster", optional(event.cluster)),
            ("target", optional(event.target)),
            ("outcome", .string(event.outcome.rawValue)),
            ("rule", optional(event.rule)),
            ("request", optional(event.request)),
            ("details", details(event.details)),
            ("previous", .string(event.previous)),
        ]
        return JSONValue.object(JSONObject(members)).bytes(.compact)
    }

    static func details(_ details: [AuditEvent.Detail]) -> JSONValue {
        .array(
            details.map { detail in
                let members: [(String, JSONValue)] = [("name", .string(detail.name)), ("value", .string(detail.value))]
                return .object(JSONObject(members))
            })
    }

    private static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}

/// Bytes as lower-case hexadecimal.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes of lower-case hexadecimal, nil for anything else.
func bytes(hexadecimal text: String) -> [UInt8]? {
    func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var result: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
        result.append(high << 4 | low)
    }
    return result
}
