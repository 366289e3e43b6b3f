// SPDX-License-Identifier: Apache-2.0

/// How a field is spelt and encoded in a range of API versions.
struct NounForm: Sendable {
    /// From the object's top, such as `time.limit` in a job of slurmdbd's.
    let path: [String]
    let versions: ClosedRange<Int>
    let encoding: NounEncoding

    init(_ path: String, _ versions: ClosedRange<Int>, _ encoding: NounEncoding) {
        self.path = path.split(separator: ".").map(String.init)
        self.versions = versions
        self.encoding = encoding
    }

    /// Beyond the daemons that were tried: taken from the published differences between versions.
    var isPublishedOnly: Bool { versions.lowerBound > NounField.lastTried }
}

/// One field of a noun: its neutral key, and its forms by version. A key may have two forms in one version, where
/// slurmrestd says a thing twice or in two halves; lists of words are then joined.
struct NounField: Sendable {
    let key: String
    /// What slurmrestd writes where nothing was said.
    let usual: FieldValue
    private(set) var forms: [NounForm]
    /// The key whose value is written where this one was not said.
    private(set) var fallback: String?
    /// Words that a later version brought than the field itself, with that version.
    private(set) var laterWords: [String: Int] = [:]
    /// Tried on real daemons up to here; what begins later is from the published differences.
    static let lastTried = 42
    static let versions = [38, 40, 41, 42, 43, 44, 45]

    init(_ key: String, usual: FieldValue = .unset, _ forms: [NounForm] = []) {
        self.key = key
        self.usual = usual
        self.forms = forms
    }

    /// Another form of the same field.
    func also(_ path: String, _ versions: ClosedRange<Int>, _ encoding: NounEncoding) -> NounField {
        var field = self
        field.forms.append(NounForm(path, versions, encoding))
        return field
    }

    /// How v0.0.38 says it.
    func old(_ path: String, _ encoding: NounEncoding) -> NounField { also(path, 38...38, encoding) }

    func otherwise(_ key: String) -> NounField {
        var field = self
        field.fallback = key
        return field
    }

    /// Words that this version has first. Clients made of an earlier one's document refuse a whole answer for them, and
    /// slurmrestd writes none of them there. From the documents of v0.0.40 to v0.0.44.
    func gaining(_ version: Int, _ words: String...) -> NounField {
        var field = self
        for word in words { field.laterWords[word] = version }
        return field
    }

    /// What of a value a version has words for.
    func sayable(_ value: FieldValue, in version: Int) -> FieldValue {
        guard !laterWords.isEmpty, case .words(let words) = value else { return value }
        let known = words.filter { laterWords[$0].map { $0 <= version } ?? true }
        return known.isEmpty ? .unset : .words(known)
    }

    static func text(_ key: String, _ versions: ClosedRange<Int> = 38...45, usual: FieldValue = .unset) -> NounField {
        NounField(key, usual: usual, [NounForm(key, versions, .text)])
    }
    static func integer(_ key: String, _ versions: ClosedRange<Int> = 38...45, usual: Int64 = 0) -> NounField {
        NounField(key, usual: .integer(usual), [NounForm(key, versions, .integer)])
    }
    static func flag(_ key: String, _ versions: ClosedRange<Int> = 38...45, usual: Bool = false) -> NounField {
        NounField(key, usual: .flag(usual), [NounForm(key, versions, .flag)])
    }
    static func real(_ key: String, _ versions: ClosedRange<Int> = 38...45) -> NounField {
        NounField(key, usual: .real(0), [NounForm(key, versions, .real)])
    }
    static func words(_ key: String, _ versions: ClosedRange<Int> = 38...45) -> NounField {
        NounField(key, [NounForm(key, versions, .words)])
    }
    /// Plain in v0.0.38, `{set, infinite, number}` later.
    static func number(
        _ key: String, _ versions: ClosedRange<Int> = 38...45, usual: FieldValue = .unset
    ) -> NounField {
        let new = NounForm(key, max(40, versions.lowerBound)...versions.upperBound, .number)
        return NounField(
            key, usual: usual, versions.lowerBound > 38 ? [new] : [NounForm(key, 38...38, .plainNumber), new])
    }
    /// A limit: v0.0.38 writes null where there is none.
    static func limit(_ key: String) -> NounField {
        NounField(
            key, usual: .infinite, [NounForm(key, 38...38, .plainLimit), NounForm(key, 40...45, .number)])
    }
    static func records(_ key: String, _ table: NounTable, _ versions: ClosedRange<Int> = 38...45) -> NounField {
        NounField(key, [NounForm(key, versions, .records(table))])
    }
    /// Without a spelling of its own: every form is given with `also` and `old`.
    static func field(_ key: String, usual: FieldValue = .unset) -> NounField { NounField(key, usual: usual) }
}

extension FieldValue {
    static let zero = FieldValue.integer(0)
}

extension NounField {
    /// The table of the objects in it.
    var inner: NounTable? {
        for form in forms {
            switch form.encoding {
            case .records(let table), .object(let table, _): return table
            case .text, .integerText, .integer, .number, .plainNumber, .plainLimit, .real, .realNumber, .plainReal,
                .flag, .bit, .words, .oldWords, .commaWords, .joinedWords, .exit, .waitStatus, .emptyObject, .fixed,
                .cores, .coreMap:
                continue
            }
        }
        return nil
    }
}
