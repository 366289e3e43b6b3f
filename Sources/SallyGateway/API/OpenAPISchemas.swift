// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyWire
import StrictJSON

// A table: longer than a file usually is.
/// The schemas of the API, by the names that the endpoint table uses.
enum OpenAPISchemas {
    static let all = JSONObject(nouns + messages + jobs + administration + [("JobRequest", jobRequest)])

    // MARK: Nouns

    private static let nouns: [(String, JSONValue)] = [
        ("Text", ["type": "string"]),
        ("Flag", ["type": "boolean"]),
        ("Name", ["type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$"]),
        ("ClusterName", ["type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$"]),
        ("UserName", ["type": "string", "pattern": "^[a-z_][a-z0-9_-]{0,31}$"]),
        ("GroupName", ["type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}:.+$"]),
        ("JobID", ["type": "integer", "minimum": 1]),
        (
            // A number alone is an integer, as it was before parts could be named.
            "JobTarget",
            [
                "oneOf": [to("JobID"), ["type": "string", "pattern": "^0*[1-9][0-9]*([_+][0-9]+)?$"]],
                "description": "NUMBER, NUMBER_TASK of an array, or NUMBER+COMPONENT of a heterogeneous job",
            ]
        ),
        (
            "JobName",
            [
                "oneOf": [
                    to("JobID"),
                    ["type": "string", "pattern": "^0*[1-9][0-9]*([_+][0-9]+|_\\[[0-9,:%.-]+\\])?$"],
                ],
                "description":
                    "The id that lists show: as JobTarget, or NUMBER_[TASKS] of those tasks of an array that wait in one record",
            ]
        ),
        ("Sequence", ["type": "integer", "minimum": 0]),
        ("Count", ["type": "integer", "minimum": 1]),
        ("Bytes", ["type": "integer", "minimum": 0]),
        ("Timestamp", ["type": "integer", "description": "Seconds since 1970-01-01T00:00:00Z"]),
        ("Stream", ["type": "string", "enum": ["stdout", "stderr"]]),
        ("Role", ["type": "string", "enum": ["researcher", "administrator"]]),
    ]

    // MARK: Messages

    private static let messages: [(String, JSONValue)] = [
        (
            "Problem",
            object(
                [
                    ("type", text), ("title", text), ("status", number), ("detail", text), ("hint", text),
                    (
                        "code",
                        [
                            "type": "string",
                            "enum": .array(SallyError.Code.allCases.map { .string($0.rawValue) }),
                        ]
                    ), ("request", text),
                    ("slurm", object([("number", number), ("text", text)])),
                ], optional: ["hint", "slurm"])
        ),
        (
            "SignInOpening",
            object(
                [("challenge", text), ("client", text), ("redirect", text), ("state", text), ("provider", to("Name"))],
                optional: ["redirect", "state", "provider"])
        ),
        ("SignInOpened", object([("request", text), ("expires", to("Timestamp"))])),
        ("TokenRequest", object([("code", text), ("code_verifier", text)])),
        ("RefreshTokenRequest", object([("refresh_token", text)])),
        (
            "TokenGrant",
            object([
                ("access_token", text), ("expires", to("Timestamp")), ("refresh_token", text),
                ("session_expires", to("Timestamp")), ("user", to("UserName")),
            ])
        ),
        (
            "Me",
            object([
                ("user", to("UserName")), ("uid", number), ("display_name", text), ("groups", list(to("GroupName"))),
                ("role", to("Role")), ("session", text), ("clusters", list(to("ClusterSummary"))),
            ])
        ),
        ("ClusterSummary", object([("name", to("ClusterName")), ("default", flag), ("ready", flag)])),
        (
            "Readiness",
            object([
                ("ready", flag), ("single_user", flag),
                (
                    "clusters",
                    list(
                        object(
                            [("name", to("ClusterName")), ("ready", flag), ("message", text)], optional: ["message"]))
                ), ("keepers", list(object([("name", text), ("ready", flag), ("single_user", flag)]))),
            ])
        ),
    ]

    private static let jobs: [(String, JSONValue)] = [
        (
            "SubmitReply",
            object([
                ("job", to("JobID")), ("cluster", to("ClusterName")), ("messages", list(text)), ("partition", text),
                ("account", text),
            ])
        ),
        (
            "SubmitPending",
            object(
                [
                    ("outcome", text), ("message", text), ("retry_after", number), ("known_within", number),
                    ("obstacle", text),
                ], optional: ["known_within", "obstacle"])
        ),
        (
            "JobView",
            object(
                [
                    ("job", to("JobID")), ("id", text), ("cluster", to("ClusterName")), ("name", text), ("user", text),
                    ("account", text), ("partition", text), ("qos", text), ("states", list(text)), ("reason", text),
                    ("submitted", to("Timestamp")), ("started", to("Timestamp")), ("ended", to("Timestamp")),
                    ("time_limit_minutes", number), ("nodes", number), ("node_list", text), ("cpus", number),
                    ("exit_status", number), ("signal", number), ("working_directory", text),
                    ("standard_output", text), ("standard_error", text), ("tres", text),
                ],
                optional: [
                    "qos", "reason", "submitted", "started", "ended", "time_limit_minutes", "nodes", "node_list",
                    "cpus",
                    "exit_status", "signal", "working_directory", "standard_output", "standard_error", "tres",
                ])
        ),
        (
            "JobList",
            object(
                [("jobs", list(to("JobView"))), ("next", text), ("omitted", number)], optional: ["next", "omitted"])
        ),
        (
            "OutputView",
            object([
                ("data", ["type": "string", "contentEncoding": "base64"]), ("next_offset", to("Bytes")),
                ("size", to("Bytes")), ("final", flag),
            ])
        ),
        (
            "CanIReply",
            object(
                [
                    ("allowed", flag), ("rules", list(object([("rule", text), ("verdict", text)]))),
                    ("judged", ["type": "object", "additionalProperties": ["type": "string"]]), ("message", text),
                    ("hint", text),
                ], optional: ["hint"])
        ),
        (
            "PartitionView",
            object(
                [
                    ("name", text), ("default", flag), ("state", text), ("nodes", number), ("cpus", number),
                    ("max_time_minutes", number), ("default_time_minutes", number), ("node_list", text),
                    ("allowed", flag),
                ], optional: ["max_time_minutes", "default_time_minutes"])
        ),
        ("PartitionList", object([("partitions", list(to("PartitionView")))])),
        (
            "NodeView",
            object([
                ("name", text), ("states", list(text)), ("cpus", number), ("allocated_cpus", number),
                ("memory_mib", number), ("gres", text), ("partitions", list(text)),
            ])
        ),
        ("NodeList", object([("nodes", list(to("NodeView")))])),
    ]

    private static let administration: [(String, JSONValue)] = [
        (
            "IdentityView",
            object(
                [
                    ("user", to("UserName")), ("uid", number), ("display_name", text), ("mail", text), ("issuer", text),
                    ("subject", text), ("groups", list(to("GroupName"))), ("role", to("Role")),
                    ("created", to("Timestamp")), ("offboarded", to("Timestamp")),
                ], optional: ["mail", "offboarded"])
        ),
        ("IdentityList", object([("identities", list(to("IdentityView")))])),
        (
            "SessionView",
            object(
                [
                    ("session", text), ("user", to("UserName")), ("client", text), ("created", to("Timestamp")),
                    ("last_used", to("Timestamp")), ("expires", to("Timestamp")), ("ended", to("Timestamp")),
                ], optional: ["ended"])
        ),
        ("SessionList", object([("sessions", list(to("SessionView")))])),
        ("RevokeReply", object([("ended", number)])),
        ("RoleRequest", object([("role", to("Role"))])),
        (
            "OffboardRequest",
            object(
                [("pending_jobs", ["type": "string", "enum": ["cancel", "hold", "leave"]])], optional: ["pending_jobs"])
        ),
        (
            "OffboardReport",
            object([
                ("user", to("UserName")),
                (
                    "steps",
                    list(
                        object([
                            ("name", text), ("place", text),
                            ("outcome", ["type": "string", "enum": ["done", "unchanged", "failed", "skipped"]]),
                            ("detail", text), ("milliseconds", number),
                        ]))
                ), ("complete", flag),
            ])
        ),
        (
            "AuditEvent",
            object(
                [
                    ("sequence", to("Sequence")), ("time", to("Timestamp")), ("actor", text), ("action", text),
                    ("cluster", text), ("target", text),
                    ("outcome", ["type": "string", "enum": ["allowed", "refused", "completed", "failed"]]),
                    ("rule", text), ("request", text),
                    ("details", list(object([("name", text), ("value", text)]))), ("previous", text), ("hash", text),
                ], optional: ["cluster", "target", "rule", "request"])
        ),
        ("AuditPage", object([("events", list(to("AuditEvent"))), ("next", to("Sequence"))], optional: ["next"])),
        (
            "AuditVerification",
            object([
                ("good", flag), ("events", number), ("mints", number), ("heads", number),
                ("service_reads", number), ("output_reads", number), ("countersigned", number),
                ("problems", list(text)),
            ])
        ),
    ]

    // MARK: Making

    private static let text: JSONValue = ["type": "string"]
    private static let number: JSONValue = ["type": "integer"]
    private static let flag: JSONValue = ["type": "boolean"]

    private static func to(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }
    private static func list(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element] }

    private static func object(_ properties: [(String, JSONValue)], optional: Set<String> = []) -> JSONValue {
        let required = properties.map(\.0).filter { !optional.contains($0) }
        return [
            "type": "object", "properties": .object(JSONObject(properties)),
            "required": .array(required.map { .string($0) }), "additionalProperties": false,
        ]
    }
}
