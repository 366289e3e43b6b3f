// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import StrictJSON

extension JobRequest: Codable {
    private static let script = "script"
    private static let arguments = "arguments"
    private static let environment = "environment"

    /// Reads the body of POST /v1/clusters/NAME/jobs. All problems are reported at once.
    /// - Throws: `SallyError`: `.unsupported` where Slurm knows a field that is not offered, else `.invalidRequest`.
    package init(json: JSONValue) throws {
        guard case .object(let object) = json else {
            throw SallyError(.invalidRequest, "expected an object with the job, found \(json.kind)")
        }
        self.init(script: "")
        var problems: [SallyError] = []
        // Told is what is wrong first; the rest is not even looked at.
        for member in object where problems.count < JobDescription.mostProblems {
            do {
                try read(member.key, member.value)
            } catch let problem as SallyError {
                problems.append(problem)
            }
        }
        do {
            let isWhole = problems.count < JobDescription.mostProblems
            if isWhole, !problems.contains(where: { $0.message.hasPrefix(JobRequest.script) }) { try check() }
        } catch let problem as SallyError {
            problems.append(problem)
        }
        try JobDescription.report(problems)
    }

    package init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }
    package func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }

    /// The body of POST /v1/clusters/NAME/jobs.
    package var json: JSONValue {
        var object = JSONObject()
        object[JobRequest.script] = .string(script)
        if !arguments.isEmpty { object[JobRequest.arguments] = .array(arguments.map(JSONValue.string)) }
        for field in JobField.allCases {
            guard let text = text(of: field) else { continue }
            switch field.kind {
            case .text: object[field.rawValue] = .string(text)
            case .integer: object[field.rawValue] = .number(text)
            case .flag: object[field.rawValue] = .bool(text == "true")
            }
        }
        if !environment.isEmpty {
            object[JobRequest.environment] = .object(
                JSONObject(environment.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        return .object(object)
    }

    private mutating func read(_ key: String, _ value: JSONValue) throws {
        switch key {
        case JobRequest.script: script = try string(value, key)
        case JobRequest.arguments:
            guard case .array(let elements) = value else { throw mistyped(key, "an array of strings", value) }
            arguments = try elements.map { try string($0, key) }
        case JobRequest.environment:
            guard case .object(let members) = value else { throw mistyped(key, "an object of strings", value) }
            for member in members { environment[member.key] = try string(member.value, "\(key)") }
        default:
            guard let field = JobField(rawValue: key) else {
                if let refused = RefusedField.byName[key] {
                    throw SallyError(
                        .unsupported, "field \(key) is not offered: \(refused.reason)", hint: refused.hint)
                }
                throw SallyError(
                    .invalidRequest, "unknown field \(quoted(key))", hint: "see JobRequest in /v1/openapi.json")
            }
            try set(field, to: notation(of: field, value))
        }
    }

    private func notation(of field: JobField, _ value: JSONValue) throws -> String {
        switch (field.kind, value) {
        case (.text, .string(let text)): return text
        case (.text, .number(let text)), (.integer, .number(let text)): return text
        case (.flag, .bool(let value)): return value ? "true" : "false"
        case (.text, _): throw mistyped(field.rawValue, "a string", value)
        case (.integer, _): throw mistyped(field.rawValue, "a whole number", value)
        case (.flag, _): throw mistyped(field.rawValue, "true or false", value)
        }
    }

    /// The field in the notation that `set(_:to:)` reads; nil where nothing was said.
    package func text(of field: JobField) -> String? {
        switch field {
        case .account: account?.rawValue
        case .array: array?.description
        case .begin: begin?.description
        case .chdir: workingDirectory
        case .comment: comment
        case .constraint: constraint?.description
        case .contiguous: contiguous ? "true" : nil
        case .cpusPerGPU: cpusPerGPU.map(String.init)
        case .cpusPerNode: cpusPerNode.map(String.init)
        case .cpusPerTask: cpusPerTask.map(String.init)
        case .dependency: dependency?.description
        case .disk: diskPerNode?.description
        case .error: standardError
        case .exclude: excludedNodes?.description
        case .exclusive: exclusive?.rawValue
        case .gpus: gpus?.description
        case .gpusPerNode: gpusPerNode?.description
        case .gpusPerTask: gpusPerTask?.description
        case .gres: nil
        case .hold: hold ? "true" : nil
        case .input: standardInput
        case .jobName: name
        case .killOnInvalidDependency: killOnInvalidDependency.map { $0 ? "yes" : "no" }
        case .mailType: mail?.description
        case .memory: memoryPerNode?.description
        case .memoryPerCPU: memoryPerCPU?.description
        case .memoryPerGPU: memoryPerGPU?.description
        case .nice: nice.map(String.init)
        case .noKill: noKill ? "true" : nil
        case .nodelist: requiredNodes?.description
        case .nodes: nodes?.description
        case .ntasks: tasks.map(String.init)
        case .ntasksPerNode: tasksPerNode.map(String.init)
        case .ntasksPerSocket: tasksPerSocket.map(String.init)
        case .openMode: openMode?.rawValue
        case .output: standardOutput
        case .partition: joined(partitions)
        case .preferred: preferred?.description
        case .qos: joined(qos)
        case .requeue: requeue.map { $0 ? "true" : "false" }
        case .reservation: joined(reservations)
        case .signal: signal?.description
        case .switches: switches?.description
        case .time: timeLimit?.description
        case .timeMinimum: timeMinimum?.description
        }
    }
}

private func joined(_ names: [some Name]) -> String? {
    names.isEmpty ? nil : names.map(\.rawValue).joined(separator: ",")
}

private func string(_ value: JSONValue, _ key: String) throws -> String {
    guard case .string(let text) = value else { throw mistyped(key, "a string", value) }
    return text
}

private func mistyped(_ key: String, _ expected: String, _ value: JSONValue) -> SallyError {
    SallyError(.invalidRequest, "\(key): expected \(expected), found \(value.kind)")
}
