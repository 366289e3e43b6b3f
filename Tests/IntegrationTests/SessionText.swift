// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol

/// Reads flat JSON and tokens as text, as somebody does who has them in hand.
enum SessionText {
    /// A string of a flat JSON object; empty when it is not there.
    static func value(_ name: String, of json: String) -> String {
        guard let key = json.firstRange(of: "\"\(name)\":\"") else { return "" }
        return String(json[key.upperBound...].prefix { $0 != "\"" })
    }

    /// A number of a flat JSON object, as it is written; empty when it is not there.
    static func number(_ name: String, of json: String) -> String {
        guard let key = json.firstRange(of: "\"\(name)\":") else { return "" }
        return String(json[key.upperBound...].prefix { $0.isNumber })
    }

    /// The claims of a JWT, unverified.
    static func claims(of token: String) -> String? {
        let parts = token.split(separator: ".")
        guard parts.count == 3 else { return nil }
        return Base64.url.decode(parts[1]).map { String(decoding: $0, as: UTF8.self) }
    }
}
