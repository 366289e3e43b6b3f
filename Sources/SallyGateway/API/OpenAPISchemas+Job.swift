// SPDX-License-Identifier: Apache-2.0

import SlurmModel
import StrictJSON

extension OpenAPISchemas {
    /// What a job may say: sbatch's long options with `_`, and script, arguments, environment.
    static let jobRequest: JSONValue = {
        var properties = JSONObject()
        properties["script"] = ["type": "string", "description": "The batch script; begins with #!"]
        properties["arguments"] = ["type": "array", "items": ["type": "string"]]
        properties["environment"] = ["type": "object", "additionalProperties": ["type": "string"]]
        for field in JobField.allCases {
            properties[field.rawValue] =
                switch field.kind {
                case .text: ["type": "string"]
                case .integer: ["type": "integer"]
                case .flag: ["type": "boolean"]
                }
        }
        return [
            "type": "object", "description": "As sbatch(1) takes them: long options with _ in place of -",
            "properties": .object(properties), "required": ["script"], "additionalProperties": false,
        ]
    }()
}
