// SPDX-License-Identifier: Apache-2.0

package import StrictJSON

/// JSON schemas of what one API version takes and answers here, for the front's OpenAPI document. They are made of the field
/// tables, which also read and write: there is nothing in one that is not in the other.
///
/// What the newest version has no more is marked `deprecated` in those before it.
package struct SlurmSchemas: Sendable {
    package let version: APIVersion
    let newest: APIVersion

    /// - Parameter newest: the newest of the versions that stand in one document.
    package init(_ version: APIVersion, newest: APIVersion) {
        self.version = version
        self.newest = newest
    }

    /// All of them by name, `v0.0.42_Job` and so on.
    package var components: [(name: String, schema: JSONValue)] {
        let parts: [(String, JSONValue)] = [
            ("Number", structure(SlurmSchemas.integer)), ("RealNumber", structure(SlurmSchemas.real)),
            ("ExitCode", exitCode), ("JobDescription", jobDescription), ("JobSubmission", jobSubmission),
            ("JobUpdate", jobUpdate), ("KillJobs", killJobs),
        ]
        let inner = NounTable.named.filter { !$0.table.properties(version.rawValue).isEmpty }
            .map { ($0.name, schema($0.table, isComplete: true)) }
        let nouns = SlurmNoun.allCases.filter { $0.listKey(version) != nil }
            .map { ($0.schemaName, schema($0.table, isComplete: $0.isAnsweredWhole)) }
        return (parts + inner + nouns).map { (name: name($0.0), schema: $0.1) }
    }

    /// The name of a component in this version.
    package func name(_ part: String) -> String { "\(version)_\(part)" }

    package func reference(_ part: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(name(part))")]
    }

    /// A whole answer: the list of a noun, or its own members, what else stands beside them, and what is around all of it.
    ///
    /// - Parameter noun: nil for an answer with nothing but errors.
    package func answer(_ noun: SlurmNoun?) -> JSONValue {
        var properties = JSONObject()
        var required: [String] = []
        func add(_ key: String, _ schema: JSONValue) {
            properties[key] = schema
            required.append(key)
        }
        if let noun {
            if let key = noun.listKey(version) {
                let one = reference(noun.schemaName)
                add(key, noun == .diagnosis ? one : SlurmSchemas.list(one))
            } else {
                for member in schema(noun.table, isComplete: true)["properties"]?.object ?? JSONObject() {
                    add(member.key, member.value)
                }
            }
            for (key, schema) in beside(noun) { add(key, schema) }
        }
        add("meta", reference(SlurmNoun.meta.schemaName))
        add("errors", SlurmSchemas.list(reference(SlurmNoun.error.schemaName)))
        add("warnings", SlurmSchemas.list(reference(SlurmNoun.warning.schemaName)))
        return SlurmSchemas.object(properties, required: required)
    }

    /// The component that an answer with this noun is.
    package func answerName(_ noun: SlurmNoun?) -> String { noun.map { "\($0.schemaName)Answer" } ?? "Refusal" }

    private func beside(_ noun: SlurmNoun) -> [(String, JSONValue)] {
        switch noun {
        case .job: return [("last_backfill", reference("Number")), ("last_update", reference("Number"))]
        case .node, .partition, .reservation: return [("last_update", reference("Number"))]
        case .updateResult:
            guard version.rawValue < 42 else { return [] }
            return ["job_id", "step_id", "job_submit_user_msg"].map {
                ($0, SlurmSchemas.deprecated(SlurmSchemas.text))
            }
        case .qos, .account, .association, .user, .accountingJob, .jobState, .ping, .diagnosis, .submission,
            .cancellation, .meta, .error, .warning:
            return []
        }
    }

    /// What one object of a table is. What is complete has every member.
    func schema(_ table: NounTable, isComplete: Bool) -> JSONValue {
        table.schema(self, isComplete: isComplete)
    }

    /// `{set, infinite, number}`. Clients may leave away what is false.
    private func structure(_ number: JSONValue) -> JSONValue {
        SlurmSchemas.object([
            ("set", SlurmSchemas.described(SlurmSchemas.flag, "False where nothing is set")),
            ("infinite", SlurmSchemas.described(SlurmSchemas.flag, "True where there is no limit")), ("number", number),
        ])
    }

    private var exitCode: JSONValue {
        let signal = SlurmSchemas.object(
            [("id", reference("Number")), ("name", SlurmSchemas.text)], required: ["id", "name"])
        return SlurmSchemas.object(
            [
                ("status", SlurmSchemas.list(SlurmSchemas.text)), ("return_code", reference("Number")),
                ("signal", signal),
            ], required: ["status", "return_code", "signal"])
    }
}

extension SlurmSchemas {
    static let text: JSONValue = ["type": "string"]
    static let integer: JSONValue = ["type": "integer", "format": "int64"]
    static let real: JSONValue = ["type": "number", "format": "double"]
    static let flag: JSONValue = ["type": "boolean"]

    static func list(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element] }

    static func object(_ properties: JSONObject, required: [String] = []) -> JSONValue {
        var schema = JSONObject([("type", "object"), ("properties", .object(properties))])
        if !required.isEmpty { schema["required"] = .array(required.map(JSONValue.string)) }
        return .object(schema)
    }

    static func object(_ properties: [(String, JSONValue)], required: [String] = []) -> JSONValue {
        object(JSONObject(properties), required: required)
    }

    static func described(_ schema: JSONValue, _ text: String) -> JSONValue {
        text.isEmpty ? schema : with(schema, "description", .string(text))
    }

    static func deprecated(_ schema: JSONValue) -> JSONValue { with(schema, "deprecated", true) }

    private static func with(_ schema: JSONValue, _ key: String, _ value: JSONValue) -> JSONValue {
        var object = schema.object ?? JSONObject()
        object[key] = value
        return .object(object)
    }
}

extension SlurmNoun {
    /// In the names of components.
    var schemaName: String {
        switch self {
        case .job: "Job"
        case .node: "Node"
        case .partition: "Partition"
        case .reservation: "Reservation"
        case .qos: "QOS"
        case .account: "Account"
        case .association: "Association"
        case .user: "User"
        case .accountingJob: "AccountingJob"
        case .jobState: "JobState"
        case .ping: "Ping"
        case .diagnosis: "Diagnosis"
        case .submission: "Submission"
        case .cancellation: "Cancellation"
        case .updateResult: "UpdateResult"
        case .meta: "Meta"
        case .error: "Error"
        case .warning: "Warning"
        }
    }

    /// Whether every answer says all of it: of slurmctld itself little is told.
    fileprivate var isAnsweredWhole: Bool {
        switch self {
        case .ping, .diagnosis: false
        case .job, .node, .partition, .reservation, .qos, .account, .association, .user, .accountingJob, .jobState,
            .submission, .cancellation, .updateResult, .meta, .error, .warning:
            true
        }
    }
}

extension NounTable {
    /// Objects inside others that stand in several places, or are large.
    fileprivate static let named: [(name: String, table: NounTable)] = [
        ("TRES", tres), ("StepTRES", stepTRES), ("AssociationName", associationName), ("Coordinator", coordinator),
        ("Usage", usage), ("WCKey", wckey), ("Step", step), ("NodeAllocation", nodeAllocation),
        ("PartitionPriority", partitionPriority), ("CoreSpecialization", coreSpecialization),
        ("CallsByMessage", messageCalls), ("CallsByUser", userCalls), ("PendingCalls", pendingCalls),
        ("PendingHosts", pendingHosts),
    ]

    /// The component that has these objects.
    var schemaName: String? { NounTable.named.first { $0.table === self }?.name }
}
