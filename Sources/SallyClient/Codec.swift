// SPDX-License-Identifier: Apache-2.0

package import StrictJSON

/// How the CLI reads and writes JSON: its own files strictly, a gateway's answers so that a newer gateway may say more.
package enum Codec {
    package static func encode(_ value: some Encodable) throws -> [UInt8] { try StrictEncoder.encode(value) }
    package static func json(_ value: some Encodable) throws -> JSONValue { try StrictEncoder.json(value) }

    package static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        try StrictDecoder.decode(type, from: bytes)
    }

    package static func decodeAnswer<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        try StrictDecoder.decode(type, from: bytes, unknownKeys: .ignoreUnknown, limits: answerLimits)
    }

    private static let answerLimits = JSONLimits(maximumBytes: WireRequest.answerLimit, maximumDepth: 32)
}
