// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// A number that may be unset or without limit: plain, or in the form `{set, infinite, number}` of v0.0.39 and later.
enum Quantity: Equatable {
    case unset
    case infinite
    case number(Int64)

    init(_ json: JSONValue) {
        switch json {
        case .number: self = json.integer(Int64.self).map(Quantity.number) ?? .unset
        case .object:
            if json["infinite"]?.bool == true {
                self = .infinite
            } else if json["set"]?.bool == true, let number = json["number"]?.integer(Int64.self) {
                self = .number(number)
            } else {
                self = .unset
            }
        case .null, .bool, .string, .array: self = .unset
        }
    }

    var number: Int64? { if case .number(let number) = self { number } else { nil } }
}
