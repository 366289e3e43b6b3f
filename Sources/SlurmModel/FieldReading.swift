// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// What a value in a job description says, in whichever of its spellings.
enum FieldReading: Equatable {
    /// null, an empty text, list or object, `{"set": false}`, Slurm's NO_VAL: as if the field were not there.
    case unset
    case text(String)
    case number(Int64)
    case infinite
    case flag(Bool)
    case list([String])
    case map([String: String])
}

/// What was expected where something else stood.
struct FieldMistake: Error, Equatable {
    let expected: String

    init(_ expected: String) { self.expected = expected }
}

extension FieldForm {
    /// Reads the value in every spelling that stands for the field's kind, whatever the API version.
    func read(_ json: JSONValue) throws(FieldMistake) -> FieldReading {
        if json.isNull { return .unset }
        switch self {
        case .text, .moment: return try FieldForm.text(json)
        case .integer(let width), .number(let width): return try FieldForm.number(json, width)
        case .flag: return try FieldForm.flag(json)
        case .list: return try FieldForm.list(json)
        case .words:
            guard case .list(let words) = try FieldForm.list(json) else { return .unset }
            return .list(words.flatMap { $0.split(separator: ",") }.map { $0.uppercased() })
        case .map, .assignments: return try FieldForm.map(json)
        case .object:
            guard json.object?.isEmpty == true else { throw FieldMistake("nothing") }
            return .unset
        }
    }

    /// Whether a field that is not offered asks for anything: nothing, empty and false do not.
    func saysNothing(_ json: JSONValue) -> Bool {
        switch json {
        case .null: true
        case .bool(let value): self == .flag && !value
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object: FieldForm.saysNothing(json)
        case .number: false
        }
    }

    /// `{}`, `{"set": false}`, and objects of such.
    private static func saysNothing(_ json: JSONValue) -> Bool {
        guard case .object(let object) = json else { return json.isNull }
        if object["set"]?.bool == false {
            return object.allSatisfy { ["set", "infinite", "number"].contains($0.key) }
                && object["infinite"]?.bool != true
        }
        return object.allSatisfy { saysNothing($0.value) }
    }

    private static func text(_ json: JSONValue) throws(FieldMistake) -> FieldReading {
        switch json {
        case .string(let text): return text.isEmpty ? .unset : .text(text)
        case .number(let digits): return .text(digits)
        case .null, .bool, .array, .object: throw FieldMistake("a text")
        }
    }

    private static func flag(_ json: JSONValue) throws(FieldMistake) -> FieldReading {
        switch json {
        case .bool(let value): return .flag(value)
        case .number("0"): return .flag(false)
        case .number("1"): return .flag(true)
        case .string(let text):
            switch text.lowercased() {
            case "": return .unset
            case "true", "yes": return .flag(true)
            case "false", "no": return .flag(false)
            default: throw FieldMistake("true or false")
            }
        case .null, .number, .array, .object: throw FieldMistake("true or false")
        }
    }

    private static func list(_ json: JSONValue) throws(FieldMistake) -> FieldReading {
        switch json {
        case .string(let text): return text.isEmpty ? .unset : .list([text])
        case .number(let digits): return .list([digits])
        case .array(let elements):
            var texts: [String] = []
            for element in elements {
                guard case .text(let text) = try FieldForm.text(element) else { throw FieldMistake("a list of texts") }
                texts.append(text)
            }
            return texts.isEmpty ? .unset : .list(texts)
        case .null, .bool, .object: throw FieldMistake("a list of texts")
        }
    }

    /// slurmrestd takes numbers and texts as values.
    private static func map(_ json: JSONValue) throws(FieldMistake) -> FieldReading {
        var variables: [String: String] = [:]
        switch json {
        case .object(let object):
            for (name, value) in object {
                switch value {
                case .string(let text), .number(let text): variables[name] = text
                case .null, .bool, .array, .object: throw FieldMistake("an object of texts, or a list of NAME=VALUE")
                }
            }
        case .array(let elements):
            for element in elements {
                guard let text = element.string, let equals = text.firstIndex(of: "=") else {
                    throw FieldMistake("an object of texts, or a list of NAME=VALUE")
                }
                let name = String(text[..<equals])
                guard variables[name] == nil else { throw FieldMistake("each name once") }
                variables[name] = String(text[text.index(after: equals)...])
            }
        case .null, .bool, .number, .string: throw FieldMistake("an object of texts, or a list of NAME=VALUE")
        }
        return variables.isEmpty ? .unset : .map(variables)
    }
}
