// SPDX-License-Identifier: Apache-2.0

import StrictJSON

/// Holds JSON against the schemas of an OpenAPI document, for the keywords that ours use. Stricter than a client: what is not
/// described is a problem, too.
struct SchemaCheck {
    let document: JSONValue

    /// Every keyword that `problems` knows.
    static let keywords: Set<String> = [
        "$ref", "type", "format", "properties", "required", "items", "additionalProperties", "oneOf", "maxItems",
        "description", "deprecated",
    ]

    /// What `#/components/...` leads to.
    func target(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        return reference.dropFirst(2).split(separator: "/").reduce(document) { $0?[String($1)] }
    }

    func problems(_ value: JSONValue, _ schema: JSONValue, _ path: String = "$") -> [String] {
        if let reference = schema["$ref"]?.string {
            guard let schema = target(reference) else { return ["\(path): \(reference) leads nowhere"] }
            return problems(value, schema, path)
        }
        if let choices = schema["oneOf"]?.array {
            let all = choices.map { problems(value, $0, path) }
            return all.count { $0.isEmpty } == 1 ? [] : ["\(path): none or several of \(choices.count)"] + all.joined()
        }
        guard let type = schema["type"]?.string else { return [] }
        switch (type, value) {
        case ("null", .null), ("string", .string), ("boolean", .bool), ("number", .number): return []
        case ("integer", .number(let text)):
            return text.contains { ".eE".contains($0) } ? ["\(path): \(text) is no integer"] : []
        case ("array", .array(let elements)):
            guard let items = schema["items"] else { return ["\(path): of what?"] }
            return elements.enumerated().flatMap { problems($1, items, "\(path)[\($0)]") }
        case ("object", .object(let object)): return problems(object, schema, path)
        default: return ["\(path): \(value.kind) where \(type) belongs"]
        }
    }

    private func problems(_ object: JSONObject, _ schema: JSONValue, _ path: String) -> [String] {
        let properties = schema["properties"]?.object ?? JSONObject()
        var found: [String] = []
        for name in (schema["required"]?.array ?? []).compactMap(\.string) where object[name] == nil {
            found.append("\(path): \(name) is missing")
        }
        for member in object {
            let here = "\(path).\(member.key)"
            if let property = properties[member.key] {
                found += problems(member.value, property, here)
            } else if let others = schema["additionalProperties"], others.object != nil {
                found += problems(member.value, others, here)
            } else {
                found.append("\(here) is not described")
            }
        }
        return found
    }
}
