// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

/// What stands around every answer of slurmrestd: who answered, errors, warnings, and when a list was last changed.
package struct SlurmEnvelope: Sendable, Equatable {
    package var meta: SlurmMeta
    package var errors: [SlurmErrorEntry]
    package var warnings: [SlurmWarningEntry]
    /// When the list changed last (`last_update`), for those of slurmctld; v0.0.40 and later.
    package var lastUpdate: Timestamp?
    /// When the backfill scheduler last ran (`last_backfill`), with jobs.
    package var lastBackfill: Timestamp?

    package init(
        meta: SlurmMeta, errors: [SlurmErrorEntry] = [], warnings: [SlurmWarningEntry] = [],
        lastUpdate: Timestamp? = nil, lastBackfill: Timestamp? = nil
    ) {
        self.meta = meta
        self.errors = errors
        self.warnings = warnings
        self.lastUpdate = lastUpdate
        self.lastBackfill = lastBackfill
    }

    /// The envelope of an answer, whatever is in it.
    package init(_ reply: SlurmReply) {
        let json = reply.json
        meta = SlurmMeta(json["meta"] ?? nil, version: reply.version)
        errors = (json["errors"]?.array ?? []).map { SlurmErrorEntry($0, version: reply.version) }
        warnings = (json["warnings"]?.array ?? []).map { SlurmWarningEntry($0, version: reply.version) }
        lastUpdate = Quantity(json["last_update"] ?? nil).number.map { Timestamp($0) }
        lastBackfill = Quantity(json["last_backfill"] ?? nil).number.map { Timestamp($0) }
    }

    /// An answer with a list of `noun`, as `version` writes it (v0.0.40 and later): the list by its key, what else that
    /// version puts at the top, and the envelope.
    package func json(_ noun: SlurmNoun, _ records: [SlurmRecord], _ version: APIVersion) -> JSONValue {
        json(noun, list: records.map { $0.json(version) }, version)
    }

    /// The same around objects that are encoded already.
    package func json(_ noun: SlurmNoun, list: [JSONValue], _ version: APIVersion) -> JSONValue {
        var answer = JSONObject()
        if let key = noun.listKey(version) {
            answer[key] = noun == .diagnosis ? list.first ?? .object(JSONObject()) : .array(list)
        } else if case .object(let members) = list.first {
            for (key, value) in members { answer[key] = value }
        }
        switch noun {
        case .job:
            answer["last_backfill"] = moment(lastBackfill)
            answer["last_update"] = moment(lastUpdate)
        case .node, .partition, .reservation:
            answer["last_update"] = moment(lastUpdate)
        case .updateResult:
            // Of the first job alone, and never filled: gone with v0.0.42.
            if version.rawValue < 42 {
                for key in ["job_id", "step_id", "job_submit_user_msg"] { answer[key] = "" }
            }
        case .qos, .account, .association, .user, .accountingJob, .jobState, .ping, .diagnosis, .submission,
            .cancellation, .meta, .error, .warning:
            break
        }
        return .object(enclosing(answer, version))
    }

    /// An answer with nothing but errors and warnings.
    package func json(_ version: APIVersion) -> JSONValue { .object(enclosing(JSONObject(), version)) }

    private func enclosing(_ answer: JSONObject, _ version: APIVersion) -> JSONObject {
        var answer = answer
        answer["meta"] = meta.record.json(version)
        answer["errors"] = .array(errors.map { $0.record.json(version) })
        answer["warnings"] = .array(warnings.map { $0.record.json(version) })
        return answer
    }

    private func moment(_ time: Timestamp?) -> JSONValue {
        ["set": true, "infinite": false, "number": .integer(time?.rawValue ?? 0)]
    }
}

/// Who answered: a plugin of slurmrestd's, of which Slurm, to whom.
package struct SlurmMeta: Sendable, Equatable {
    package var pluginType: String
    package var pluginName: String
    package var dataParser: String?
    package var accountingStorage: String?
    package var clientSource: String?
    package var clientUser: String?
    package var clientGroup: String?
    /// What was called on a command line; empty over HTTP.
    package var command: [String]
    /// Such as `24.11.5`.
    package var release: String
    package var cluster: String?

    /// As the slurmrestd of `release` signs in `version`, for a list of slurmctld's or of slurmdbd's.
    package init(accounting: Bool, version: APIVersion, release: String, cluster: String) {
        let plugin = accounting ? "slurmdbd" : "slurmctld"
        pluginType = "openapi/\(plugin)"
        pluginName = "Slurm OpenAPI \(plugin)"
        dataParser = "data_parser/\(version)"
        accountingStorage = "accounting_storage/slurmdbd"
        clientSource = ""
        clientUser = ""
        clientGroup = ""
        command = []
        self.release = release
        self.cluster = cluster
    }

    init(_ json: JSONValue, version: APIVersion) {
        let record = SlurmRecord(json, noun: .meta, version: version) ?? SlurmRecord(.meta, version: version)
        pluginType = record.text("plugin.type") ?? ""
        pluginName = record.text("plugin.name") ?? ""
        dataParser = record.text("plugin.data_parser")
        accountingStorage = record.text("plugin.accounting_storage")
        clientSource = record.text("client.source")
        clientUser = record.text("client.user")
        clientGroup = record.text("client.group")
        command = record.words("command")
        release = record.text("slurm.release") ?? ""
        cluster = record.text("slurm.cluster")
    }

    /// `24.05.4-1` is major 24, minor 05 and micro 4: digits as they are written, which slurmrestd takes from Slurm's own META.
    var record: SlurmRecord {
        var record = SlurmRecord(.meta, version: APIVersion(rawValue: 40))
        let numbers = release.split(separator: ".").map { String($0.prefix { $0.isNumber }) }
        let texts: [(String, String?)] = [
            ("plugin.type", pluginType), ("plugin.name", pluginName), ("plugin.data_parser", dataParser),
            ("plugin.accounting_storage", accountingStorage), ("client.source", clientSource),
            ("client.user", clientUser), ("client.group", clientGroup), ("slurm.release", release),
            ("slurm.cluster", cluster), ("slurm.version.major", numbers.first),
            ("slurm.version.minor", numbers.dropFirst().first), ("slurm.version.micro", numbers.dropFirst(2).first),
        ]
        for (key, text) in texts { record[key] = .saying(text) }
        record["command"] = command.isEmpty ? .unset : .words(command)
        return record
    }
}

/// One of `errors[]`.
package struct SlurmErrorEntry: Sendable, Equatable {
    /// What was tried: `Batch job submission failed`.
    package var description: String
    /// slurm_errno.h's.
    package var number: Int
    /// That number's text.
    package var error: String
    /// The function that says so.
    package var source: String

    package init(description: String, number: Int, error: String, source: String) {
        self.description = description
        self.number = number
        self.error = error
        self.source = source
    }

    init(_ json: JSONValue, version: APIVersion) {
        let record = SlurmRecord(json, noun: .error, version: version) ?? SlurmRecord(.error, version: version)
        description = record.text("description") ?? ""
        number = record.count("error_number") ?? 0
        error = record.text("error") ?? ""
        source = record.text("source") ?? ""
    }

    var record: SlurmRecord {
        var record = SlurmRecord(.error, version: APIVersion(rawValue: 40))
        record["description"] = .saying(description)
        record["error_number"] = .integer(Int64(number))
        record["error"] = .saying(error)
        record["source"] = .saying(source)
        return record
    }
}

/// One of `warnings[]`; v0.0.40 and later.
package struct SlurmWarningEntry: Sendable, Equatable {
    package var description: String
    package var source: String

    package init(description: String, source: String) {
        self.description = description
        self.source = source
    }

    init(_ json: JSONValue, version: APIVersion) {
        let record = SlurmRecord(json, noun: .warning, version: version) ?? SlurmRecord(.warning, version: version)
        description = record.text("description") ?? ""
        source = record.text("source") ?? ""
    }

    var record: SlurmRecord {
        var record = SlurmRecord(.warning, version: APIVersion(rawValue: 40))
        record["description"] = .saying(description)
        record["source"] = .saying(source)
        return record
    }
}

extension FieldValue {
    /// An empty text is none.
    package static func saying(_ text: String?) -> FieldValue {
        text.flatMap { $0.isEmpty ? nil : .text($0) } ?? .unset
    }
}
