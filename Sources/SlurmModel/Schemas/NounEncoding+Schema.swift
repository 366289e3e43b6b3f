// SPDX-License-Identifier: Apache-2.0

import StrictJSON

extension NounEncoding {
    /// What `json(_:usual:version:)` writes.
    func schema(_ schemas: SlurmSchemas) -> JSONValue {
        switch self {
        case .text, .commaWords: SlurmSchemas.text
        case .integerText, .integer, .plainNumber, .plainLimit, .waitStatus, .bit: SlurmSchemas.integer
        case .number: schemas.reference("Number")
        case .real, .plainReal: SlurmSchemas.real
        case .realNumber: schemas.reference("RealNumber")
        case .flag: SlurmSchemas.flag
        case .words, .oldWords, .joinedWords: SlurmSchemas.list(SlurmSchemas.text)
        case .exit: schemas.reference("ExitCode")
        case .emptyObject: ["type": "object"]
        case .fixed: [:]
        case .records(let table): SlurmSchemas.list(element(table, schemas))
        case .object(let table, let absent):
            if absent.isNull {
                ["oneOf": [schemas.schema(table, isComplete: true), ["type": "null"]]]
            } else {
                schemas.schema(table, isComplete: false)
            }
        case .cores: SlurmSchemas.list(NounEncoding.socket)
        case .coreMap:
            [
                "type": "object",
                "additionalProperties": SlurmSchemas.object(
                    [("cores", ["type": "object", "additionalProperties": SlurmSchemas.text])], required: ["cores"]),
            ]
        }
    }

    private func element(_ table: NounTable, _ schemas: SlurmSchemas) -> JSONValue {
        table.schemaName.map(schemas.reference) ?? schemas.schema(table, isComplete: true)
    }

    private static let socket: JSONValue = {
        let core = SlurmSchemas.object(
            [("index", SlurmSchemas.integer), ("status", SlurmSchemas.list(SlurmSchemas.text))],
            required: ["index", "status"])
        return SlurmSchemas.object(
            [("index", SlurmSchemas.integer), ("cores", SlurmSchemas.list(core))], required: ["index", "cores"])
    }()
}
