// SPDX-License-Identifier: Apache-2.0

/// What the tables say, for docs/fields-replies.md and for the tests that compare them with the daemons' own descriptions.
extension NounTable {
    /// One property of one version: where it stands, and the kind of value by a word of `NounEncoding.kind`.
    struct Property: Hashable, Sendable {
        var path: String
        var kind: String
    }

    /// All that `version` writes, objects in lists as `list[].key`.
    func properties(_ version: Int, in path: String = "") -> [Property] {
        fields.flatMap { field in
            field.forms.filter { $0.versions.contains(version) }.flatMap { form -> [Property] in
                let here = path + form.path.joined(separator: ".")
                switch form.encoding {
                case .records(let table): return table.properties(version, in: here + "[].")
                case .object(let table, _): return table.properties(version, in: here + ".")
                case .cores:
                    return [("[].index", "integer"), ("[].cores[].index", "integer"), ("[].cores[].status", "words")]
                        .map { Property(path: here + $0.0, kind: $0.1) }
                case .text, .integerText, .integer, .number, .plainNumber, .plainLimit, .real, .realNumber, .plainReal,
                    .flag, .bit, .words, .oldWords, .commaWords, .joinedWords, .exit, .waitStatus, .emptyObject, .fixed,
                    .coreMap:
                    return [Property(path: here, kind: form.encoding.kind)]
                }
            }
        }
    }
}

extension NounEncoding {
    /// In one word, for people.
    var kind: String {
        switch self {
        case .text, .commaWords: "text"
        case .integerText, .integer, .plainNumber, .plainLimit, .waitStatus, .bit: "integer"
        case .number: "number"
        case .real, .plainReal: "real"
        case .realNumber: "realNumber"
        case .flag: "flag"
        case .words, .oldWords, .joinedWords: "words"
        case .exit: "exit"
        case .emptyObject, .coreMap: "object"
        case .fixed: "unused"
        case .records: "list"
        case .object: "object"
        case .cores: "list"
        }
    }
}

extension SlurmNoun {
    /// docs/fields-replies.md, made of the tables.
    package static var documentation: String {
        var page = """
            # Fields of replies

            What slurmrestd answers with, field by field: the neutral key by which Sallyport knows it, and how each API version
            spells and encodes it. Made from the tables in Sources/SlurmModel/Nouns: `make docs` writes it, and a test compares.
            Fields of submissions stand in [fields.md](fields.md).

            v0.0.38 is Slurm 22.05's, v0.0.40 to v0.0.42 are 24.11's; both were read from running daemons. What begins with
            v0.0.43 or later (marked \u{2020}) is taken from the published descriptions of Slurm 25.05, 25.11 and 26.05.

            | word | in JSON |
            |---|---|
            | text | `"text"`, empty where nothing is set |
            | integer | `5` |
            | number | `{"set": true, "infinite": false, "number": 5}`; `set` false: not set; `infinite`: no limit |
            | real, realNumber | the same two with fractions |
            | flag | `true` |
            | words | `["WORD", "WORD"]`; those that came later than their field are written from that version on |
            | exit | `{"status": [], "return_code": number, "signal": {"id": number, "name": ""}}`; neutrally as of waitpid(2) |
            | list | objects, whose fields follow |
            | object | an object, whose fields follow, if it has any |

            """
        for noun in allCases {
            page += "\n## \(noun.title)\n\n| key | versions |\n|---|---|\n"
            page += noun.table.rows("").joined(separator: "\n") + "\n"
        }
        return page
    }

    private var title: String {
        switch self {
        case .job: "Job"
        case .node: "Node"
        case .partition: "Partition"
        case .reservation: "Reservation"
        case .qos: "QOS (slurmdbd)"
        case .account: "Account (slurmdbd)"
        case .association: "Association (slurmdbd)"
        case .user: "User (slurmdbd)"
        case .accountingJob: "Job (slurmdbd)"
        case .jobState: "State of a job (`/jobs/state`)"
        case .ping: "Ping"
        case .diagnosis: "Diag"
        case .submission: "Answer to a submission"
        case .cancellation: "Cancelling, job by job"
        case .updateResult: "Update, job by job"
        case .meta: "`meta`"
        case .error: "`errors[]`"
        case .warning: "`warnings[]`"
        }
    }
}

extension NounTable {
    fileprivate func rows(_ path: String) -> [String] {
        fields.flatMap { field -> [String] in
            let forms = field.forms.map { form in
                let spelling = form.path.joined(separator: ".")
                let named = spelling == field.key ? "" : " `\(spelling)`"
                return "\(range(form)) \(form.encoding.kind)\(named)"
            }
            let later = Dictionary(grouping: field.laterWords.keys.sorted()) { field.laterWords[$0] ?? 0 }
                .sorted { $0.key < $1.key }
                .map { version, words in
                    let mark = version > NounField.lastTried ? "\u{2020}" : ""
                    return "from \(version)\(mark) on \(words.joined(separator: ", "))"
                }
            let row = "| `\(path)\(field.key)` | \((forms + later).joined(separator: "; ")) |"
            return [row] + (field.inner?.rows("\(path)\(field.key).") ?? [])
        }
    }

    private func range(_ form: NounForm) -> String {
        let (first, last) = (form.versions.lowerBound, form.versions.upperBound)
        return (first == last ? "\(first)" : "\(first)-\(last)") + (form.isPublishedOnly ? "\u{2020}" : "")
    }
}
