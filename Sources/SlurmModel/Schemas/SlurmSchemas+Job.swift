// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// What clients send. What the gateway refuses or strips is not described, and unknown fields are refused.
extension SlurmSchemas {
    var jobSubmission: JSONValue {
        closed(
            [
                ("script", SlurmSchemas.described(SlurmSchemas.text, "The batch script; here or in the job")),
                ("job", reference("JobDescription")),
                (
                    "jobs",
                    [
                        "type": "array", "maxItems": 1, "items": reference("JobDescription"),
                        "description": "In place of job, with one of them: heterogeneous jobs are not offered",
                    ]
                ),
            ])
    }

    var jobDescription: JSONValue { closed(fields { _ in true }) }

    var jobUpdate: JSONValue { closed(fields { $0.update != .never }) }

    /// As `FrontKill` in SallyGateway reads it.
    var killJobs: JSONValue {
        let words = SlurmSchemas.list(SlurmSchemas.text)
        return closed(
            [
                ("jobs", SlurmSchemas.described(words, "123, 123_4, 123_[1-5], 123+1; at most 1,000")),
                ("signal", SlurmSchemas.described(SlurmSchemas.text, "Name or number; absent: the jobs are ended")),
                ("flags", SlurmSchemas.described(words, "With a signal: BATCH_JOB, FULL_JOB")),
                ("user_name", SlurmSchemas.described(SlurmSchemas.text, "One's own: all of one's jobs")),
                ("user_id", SlurmSchemas.described(SlurmSchemas.text, "The same by name or number")),
                ("job_state", SlurmSchemas.described(words, "As in squeue(1): PENDING, RUNNING")),
                ("account", SlurmSchemas.text), ("partition", SlurmSchemas.text), ("job_name", SlurmSchemas.text),
            ])
    }

    /// The fields of a job description that are offered in this version, by all names that are read.
    private func fields(_ isMeant: (DescriptionField) -> Bool) -> [(String, JSONValue)] {
        jobDescriptionFields.filter { $0.part != nil && isMeant($0) }.flatMap { field -> [(String, JSONValue)] in
            let offered = field.spellings.filter { $0.versions.contains(version.rawValue) && $0.isOffered }
            return offered.map { spelling -> (String, JSONValue) in
                let schema = SlurmSchemas.described(spelling.form.schema(self), field.remark)
                return (spelling.name, spelling.isGone(in: newest) ? SlurmSchemas.deprecated(schema) : schema)
            }
        }
    }

    private func closed(_ properties: [(String, JSONValue)]) -> JSONValue {
        [
            "type": "object", "properties": .object(JSONObject(properties)), "additionalProperties": false,
        ]
    }
}

extension FieldSpelling {
    fileprivate var isOffered: Bool {
        switch role {
        case .canonical, .alias: true
        case .disabled, .removed: false
        }
    }

    /// Second names that slurmrestd has given up.
    fileprivate func isGone(in newest: APIVersion) -> Bool { versions.upperBound < newest.rawValue }
}

extension FieldForm {
    /// What slurmrestd describes; `docs/fields.md` has what else is read.
    func schema(_ schemas: SlurmSchemas) -> JSONValue {
        switch self {
        case .text: SlurmSchemas.text
        case .integer: SlurmSchemas.integer
        case .number: schemas.reference("Number")
        case .flag: SlurmSchemas.flag
        case .list, .words, .assignments: SlurmSchemas.list(SlurmSchemas.text)
        case .map: ["type": "object", "additionalProperties": SlurmSchemas.text]
        case .moment: SlurmSchemas.integer
        case .object: ["type": "object"]
        }
    }
}
