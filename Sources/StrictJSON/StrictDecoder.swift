// SPDX-License-Identifier: Apache-2.0

/// What happens to keys of an object that the decoded type never asked for.
package enum UnknownKeys: Sendable {
    /// An error that names all of them.
    case refuseUnknown
    case ignoreUnknown
}

/// Decodes `Decodable` types from strictly read JSON: unknown keys are refused, integers are exact, nothing is coerced.
///
/// Errors that a type's own `init(from:)` throws pass through as they are; everything else is a `JSONError`.
package enum StrictDecoder {
    package static func decode<T: Decodable>(
        _ type: T.Type, from bytes: some Sequence<UInt8>, unknownKeys: UnknownKeys = .refuseUnknown,
        limits: JSONLimits = .request
    ) throws -> T {
        try decode(type, from: JSONValue(parsing: bytes, limits: limits), unknownKeys: unknownKeys)
    }

    package static func decode<T: Decodable>(
        _ type: T.Type, from value: JSONValue, unknownKeys: UnknownKeys = .refuseUnknown
    ) throws -> T {
        let root = DecodingNode(value, at: JSONPath())
        let result = try root.unbox(type)
        if unknownKeys == .refuseUnknown {
            var unknown: [JSONPath] = []
            root.collectUnknown(into: &unknown)
            guard unknown.isEmpty else { throw JSONError(.unknownKeys(unknown)) }
        }
        return result
    }
}
