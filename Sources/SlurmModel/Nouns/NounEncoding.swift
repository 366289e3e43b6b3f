// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// How a value stands in JSON.
indirect enum NounEncoding: Sendable {
    /// Empty or null where nothing is set.
    case text
    /// A text that v0.0.38 writes as a whole number.
    case integerText
    case integer
    /// `{"set": true, "infinite": false, "number": 5}`
    case number
    /// As before v0.0.39: NO_VAL and INFINITE as null, -2 and -1 or as unsigned numbers of 32 bits.
    case plainNumber
    /// The same, where null is INFINITE.
    case plainLimit
    case real
    /// `{"set": true, "infinite": false, "number": 1.5}`
    case realNumber
    case plainReal
    case flag
    /// 0 or 1.
    case bit
    case words
    /// Words of v0.0.38, one or several in any case, by the names they have now; those without a name now are left out.
    case oldWords(WordNames)
    /// Several in one text, with commas.
    case commaWords
    /// A text that v0.0.38 writes as a list of words.
    case joinedWords
    /// `{status, return_code, signal}`
    case exit
    /// An exit code as of waitpid(2).
    case waitStatus
    /// An object that is never filled.
    case emptyObject
    /// Written for who expects it, and not believed.
    case fixed(JSONValue)
    case records(NounTable)
    /// One object, or nothing.
    case object(NounTable, absent: JSONValue)
    /// Cores by socket, `[{index, cores: [{index, status: []}]}]`, and in v0.0.38 and v0.0.40
    /// `{"0": {"cores": {"0": "allocated"}}}`: neutrally a word per socket, a letter per core.
    case cores
    case coreMap
}

/// How words of v0.0.38 are called since v0.0.40. Keys are in upper case; what is not named keeps its name.
struct WordNames: Sendable {
    var names: [String: String] = [:]
    /// Gone since.
    var dropped: Set<String> = []

    func word(_ text: String) -> String? {
        let upper = text.uppercased()
        return dropped.contains(upper) ? nil : names[upper] ?? upper
    }
}

extension NounEncoding {
    /// Without a form of its own for what is not set.
    var isPlain: Bool {
        switch self {
        case .integer, .flag, .bit, .real: true
        case .text, .integerText, .number, .plainNumber, .plainLimit, .realNumber, .plainReal, .words, .oldWords,
            .commaWords, .joinedWords, .exit, .waitStatus, .emptyObject, .fixed, .records, .object, .cores, .coreMap:
            false
        }
    }

    /// - Returns: `.unset` for null, and for what is of another kind than any version writes here.
    func value(_ json: JSONValue, version: Int) -> FieldValue {
        switch self {
        case .text, .integerText: text(json)
        case .integer, .number, .plainNumber, .plainLimit: number(json)
        case .real, .realNumber, .plainReal: real(json)
        case .flag, .bit: flag(json)
        case .words: words(json) { $0 }
        case .oldWords(let names): json.isNull ? .unsaid : words(json, names.word)
        case .commaWords: commaWords(json)
        case .joinedWords: joinedWords(json)
        case .exit, .waitStatus: exitCode(json)
        case .emptyObject: .unset
        case .fixed: .unsaid
        case .records(let table): records(json, table, version)
        case .object(let table, _): record(json, table, version)
        case .cores: CoreMap.value(json)
        case .coreMap: CoreMap.oldValue(json)
        }
    }

    /// - Parameter value: never `.unsaid`.
    func json(_ value: FieldValue, usual: FieldValue, version: Int) -> JSONValue {
        switch self {
        case .text: .string(value.text ?? usual.text ?? "")
        case .integerText: value.text.flatMap { Int64($0) }.map { .integer($0) } ?? .null
        case .integer: .integer(value.wholeNumber ?? usual.wholeNumber ?? 0)
        case .number, .realNumber: structure(value)
        case .plainNumber, .plainReal: value == .infinite ? .integer(-1) : numeral(value) ?? .null
        case .plainLimit: value == .infinite ? .null : numeral(value) ?? .integer(Int64(UInt32.max) - 1)
        case .real: .number(decimalText(value.realNumber ?? usual.realNumber ?? 0))
        case .flag: .bool(value.flag ?? usual.flag ?? false)
        case .bit: .integer(value.flag == true ? 1 : 0)
        case .words, .oldWords: .array(value.words.map(JSONValue.string))
        case .commaWords: .string(value.words.joined(separator: ","))
        case .joinedWords: .array(value.text.map { [.string($0)] } ?? [])
        case .exit: ExitCode.json(value)
        case .waitStatus: .integer(value.integer ?? 0)
        case .emptyObject: .object(JSONObject())
        case .fixed(let json): json
        case .records(let table):
            if case .records(let records) = value {
                .array(records.map { table.json($0, version: version) })
            } else {
                .array([])
            }
        case .object(let table, let absent):
            if case .records(let records) = value, let first = records.first {
                table.json(first, version: version)
            } else {
                absent
            }
        case .cores: CoreMap.json(value)
        case .coreMap: CoreMap.oldJSON(value)
        }
    }

    private func text(_ json: JSONValue) -> FieldValue {
        switch json {
        case .string(let text), .number(let text): text.isEmpty ? .unset : .text(text)
        case .null, .bool, .array, .object: .unset
        }
    }

    private func number(_ json: JSONValue) -> FieldValue {
        switch json {
        case .number(let text):
            guard let number = Int64(text) else { return real(json) }
            if case .integer = self { return .integer(number) }
            switch number {
            case -1, Int64(UInt32.max): return .infinite
            case -2, Int64(UInt32.max) - 1: return .unset
            default: return .integer(number)
            }
        case .object(let object):
            if object["infinite"]?.bool == true { return .infinite }
            guard object["set"]?.bool == true, let text = object["number"]?.numeral else { return .unset }
            return Int64(text).map(FieldValue.integer) ?? Double(text).map(FieldValue.real) ?? .unset
        case .bool(let flag): return .integer(flag ? 1 : 0)
        case .null:
            if case .plainLimit = self { return .infinite }
            return .unset
        case .string, .array: return .unset
        }
    }

    private func real(_ json: JSONValue) -> FieldValue {
        switch json {
        case .number: json.double.map(FieldValue.real) ?? .unset
        case .object(let object):
            if object["infinite"]?.bool == true {
                .infinite
            } else if object["set"]?.bool == true {
                object["number"]?.double.map(FieldValue.real) ?? .unset
            } else {
                .unset
            }
        case .null, .bool, .string, .array: .unset
        }
    }

    private func flag(_ json: JSONValue) -> FieldValue {
        switch json {
        case .bool(let flag): .flag(flag)
        case .number(let text): .flag(text != "0")
        case .null, .string, .array, .object: .unset
        }
    }

    private func words(_ json: JSONValue, _ word: (String) -> String?) -> FieldValue {
        let words: [String] =
            switch json {
            case .string(let text): text.isEmpty ? [] : [text].compactMap(word)
            case .array(let elements): elements.compactMap { $0.string.flatMap(word) }
            case .null, .bool, .number, .object: []
            }
        return words.isEmpty ? .unset : .words(words)
    }

    private func commaWords(_ json: JSONValue) -> FieldValue {
        guard let text = json.string else { return words(json) { $0 } }
        let words = text.split(separator: ",").map(String.init)
        return words.isEmpty ? .unset : .words(words)
    }

    private func joinedWords(_ json: JSONValue) -> FieldValue {
        let words = words(json) { $0.isEmpty ? nil : $0 }.words
        return words.isEmpty ? .unsaid : .text(words.joined(separator: ","))
    }

    private func exitCode(_ json: JSONValue) -> FieldValue {
        guard case .number = json else { return ExitCode.value(json) }
        return json.integer(Int64.self).flatMap { ExitCode.possible.contains($0) ? .integer($0) : nil } ?? .unset
    }

    private func records(_ json: JSONValue, _ table: NounTable, _ version: Int) -> FieldValue {
        let records = (json.array ?? []).compactMap { $0.object.map { table.values($0, version: version) } }
        return records.isEmpty ? .unset : .records(records)
    }

    private func record(_ json: JSONValue, _ table: NounTable, _ version: Int) -> FieldValue {
        guard let object = json.object, !object.isEmpty else { return .unset }
        return .records([table.values(object, version: version)])
    }

    private func structure(_ value: FieldValue) -> JSONValue {
        let isReal = if case .realNumber = self { true } else { false }
        let zero = JSONValue.number(isReal ? "0.0" : "0")
        let number =
            isReal ? value.realNumber.map { JSONValue.number(decimalText($0)) } : numeral(value)
        return ["set": .bool(number != nil), "infinite": .bool(value == .infinite), "number": number ?? zero]
    }

    private func numeral(_ value: FieldValue) -> JSONValue? {
        switch value {
        case .integer(let number): .integer(number)
        case .real(let number): .number(decimalText(number))
        case .unsaid, .unset, .infinite, .flag, .text, .words, .records: nil
        }
    }
}

extension FieldValue {
    fileprivate var wholeNumber: Int64? {
        switch self {
        case .integer(let number): number
        case .real(let number): Int64(exactly: number.rounded())
        case .unsaid, .unset, .infinite, .flag, .text, .words, .records: nil
        }
    }

    fileprivate var realNumber: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .real(let number): number
        case .unsaid, .unset, .infinite, .flag, .text, .words, .records: nil
        }
    }
}

extension JSONValue {
    fileprivate var numeral: String? { if case .number(let text) = self { text } else { nil } }
}

/// As JSON wants it: always finite here, with a fraction.
private func decimalText(_ number: Double) -> String { number.isFinite ? "\(number)" : "0.0" }
