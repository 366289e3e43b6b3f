// SPDX-License-Identifier: Apache-2.0

import StrictJSON

extension FieldForm {
    /// A number, plain or in the form of v0.0.40 and later, or a text: digits, or a notation that its field may know.
    ///
    /// `{"number": 5}` without `set` is 5: slurmrestd reads it as if nothing were said, which for a time limit is no limit, and
    /// nobody writes it to say nothing. `set` that is false means nothing, `infinite` that is true wins over both, as there.
    static func number(_ json: JSONValue, _ width: Width) throws(FieldMistake) -> FieldReading {
        switch json {
        case .number(let text): return try number(text, width)
        case .string(let text):
            switch text.lowercased() {
            case "": return .unset
            case "infinite", "infinity", "unlimited": return .infinite
            case let digits where decimalDigits(digits): return try number(text, width)
            default: return .text(text)
            }
        case .object(let object): return try structure(object, width)
        case .null: return .unset
        case .bool, .array: throw FieldMistake("a whole number")
        }
    }

    private static func structure(_ object: JSONObject, _ width: Width) throws(FieldMistake) -> FieldReading {
        let expected = FieldMistake(#"a number, or {"set": true, "infinite": false, "number": N}"#)
        func flag(_ key: String) throws(FieldMistake) -> Bool? {
            switch object[key] {
            case nil, .null?: return nil
            case .bool(let value)?: return value
            case .number?, .string?, .array?, .object?: throw expected
            }
        }
        guard object.allSatisfy({ ["set", "infinite", "number"].contains($0.key) }) else { throw expected }
        let (set, infinite) = (try flag("set"), try flag("infinite"))
        if infinite == true { return .infinite }
        if set == false { return .unset }
        switch object["number"] {
        case .number(let text)?: return try number(text, width)
        case .string(let text)? where decimalDigits(text): return try number(text, width)
        case nil where set == nil, .null? where set == nil: return .unset
        case nil, .null?, .bool?, .string?, .array?, .object?: throw expected
        }
    }

    /// Digits, or a number without a fraction: `5`, `5.0`, `6e1`. NaN is no JSON.
    private static func number(_ text: String, _ width: Width) throws(FieldMistake) -> FieldReading {
        if let value = UInt64(text) {
            if value == width.noValue { return .unset }
            if value == width.infinite { return .infinite }
            guard value < width.noValue, let number = Int64(exactly: value) else {
                throw FieldMistake("a number below \(width.noValue)")
            }
            return .number(number)
        }
        // Less than 0 is for the field to refuse: of nice it means something.
        if let number = Int64(text) { return .number(number) }
        guard let value = JSONValue.number(text).double, value == value.rounded(), value.magnitude < 9e15 else {
            throw FieldMistake("a whole number")
        }
        return try number("\(Int64(value))", width)
    }
}

private func decimalDigits(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
}
