// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

/// What `POST /slurm/VERSION/job/ID` asks to change of a job. What is judged is the job as it would be afterwards
/// (`outcomes(of:from:defaults:user:)`); what is sent is `json(version:now:)`, which says these changes and nothing else.
package struct JobUpdate: Sendable, Equatable {
    /// The new values of `fields`; nothing else in it means anything.
    private(set) var request: JobRequest
    /// What gets a new value.
    package let fields: Set<JobField>
    /// What the job loses.
    package private(set) var cleared: Set<JobField>
    /// One end of the range of nodes, where the other stays as it is.
    let oneEnd: NodeEnd?
    /// At most so many tasks of an array at once; 0 is no limit.
    package let throttle: Int?
    /// Nil: nothing is said.
    package let hold: Bool?

    enum NodeEnd: Equatable {
        case minimum(Int)
        case maximum(Int)
    }

    /// What an empty text takes away. Of everything else it says nothing.
    static let clearable: Set<JobField> = [.comment, .constraint, .dependency, .reservation]

    /// Reads the body of a client of slurmrestd's: a job description, of which only what may change is offered. null says nothing.
    /// - Throws: `SallyError`: `.unsupported` for fields that cannot be changed, else `.invalidRequest`; for a body that changes
    ///   nothing as well.
    package init(from body: JSONValue, version: APIVersion) throws {
        guard case .object(let object) = body else {
            throw SallyError(.invalidRequest, "expected an object with what to change, found \(body.kind)")
        }
        let table = DescriptionTable.of(version)
        var problems: [SallyError] = []
        var rest = JSONObject()
        var cleared: Set<JobField> = []
        var throttle: Int?
        for (name, value) in object where problems.count < JobDescription.mostProblems {
            let field = table[name]?.field
            if let field, field.part != nil, field.update == .never, !value.isNull {
                problems.append(
                    SallyError(
                        .unsupported, "field \(name) cannot be changed",
                        hint: "cancel the job, and submit another"))
            } else if let key = field.flatMap({ JobField(rawValue: $0.key) }), JobUpdate.clearable.contains(key),
                value == "" || value == []
            {
                cleared.insert(key)
            } else if field?.part == .array, !value.isNull, value != "" {
                do { throttle = try JobUpdate.throttle(value) } catch let problem as SallyError {
                    problems.append(problem)
                }
            } else {
                rest[name] = value
            }
        }
        let draft = try JobDescription.read(rest, version, &problems)
        if draft.said.intersection([.memory, .memoryPerCPU, .memoryPerGPU]).count > 1 {
            problems.append(
                SallyError(.invalidRequest, "memory_per_node, memory_per_cpu and memory_per_tres exclude each other"))
        }
        try JobDescription.report(problems)
        request = draft.request
        fields = draft.said.subtracting([.hold])
        switch (draft.nodes, draft.minimumNodes, draft.maximumNodes) {
        case (nil, let least?, nil): oneEnd = .minimum(least)
        case (nil, nil, let most?): oneEnd = .maximum(most)
        default: oneEnd = nil
        }
        if oneEnd != nil { request.nodes = nil }
        hold = draft.said.contains(.hold) ? draft.request.hold : nil
        request.hold = hold == true
        self.cleared = cleared
        self.throttle = throttle
        guard !fields.isEmpty || !cleared.isEmpty || throttle != nil || hold != nil else {
            throw SallyError(.invalidRequest, "the update changes nothing")
        }
    }

    /// Whether it says something of the job's comment, of which the end belongs to the gateway.
    package var changesComment: Bool { fields.contains(.comment) || cleared.contains(.comment) }

    /// Puts another comment in the place of the new one: the hook for what the gateway keeps at its end.
    /// - Parameter change: gets the comment as it would be, nil for none.
    package mutating func mapComment(_ change: (String?) -> String?) {
        guard changesComment else { return }
        request.comment = change(cleared.contains(.comment) ? nil : request.comment)
        // A job that loses its comment and keeps the gateway's part gets a new one.
        if request.comment == nil { cleared.insert(.comment) } else { cleared.remove(.comment) }
    }

    /// The body to send.
    /// - Throws: `SallyError(.unsupported)` that names what this version cannot carry.
    package func json(version: APIVersion, now: Timestamp) throws -> JSONValue {
        var object = try JobDescription.properties(request, version, now: now)
        if hold == false { object["hold"] = false }
        if let oneEnd {
            // The other end would have to be said, too.
            try JobDescription.refuse(version.takesOptions ? ["one end of nodes"] : [], version)
            switch oneEnd {
            case .minimum(let count): object["minimum_nodes"] = .integer(count)
            case .maximum(let count): object["maximum_nodes"] = .integer(count)
            }
        }
        // The number alone, as scontrol's ArrayTaskThrottle: slurmctld reads digits, and finds none, no limit, before a %.
        if let throttle { object["array"] = .string("\(throttle)") }
        let table = DescriptionTable.of(version)
        for field in cleared.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let part = JobUpdate.part(of: field), let spelling = table[part] else { continue }
            object[spelling.name] = ""
        }
        return .object(object)
    }

    private static func part(of field: JobField) -> DescriptionKey? {
        jobDescriptionFields.first { $0.key == field.rawValue }?.part
    }

    /// `5`, as slurmctld takes it, or what stands after the % of an array: of `0-9%5` slurmctld would read 0.
    private static func throttle(_ value: JSONValue) throws -> Int {
        var text: String?
        switch value {
        case .string(let words): text = words
        case .number(let digits): text = digits
        case .null, .bool, .array, .object: break
        }
        let digits = text.map { $0.split(separator: "%", omittingEmptySubsequences: false) }?.last
        guard let digits, let number = decimal(digits), number < ArraySpec.limit else {
            throw SallyError(
                .unsupported, "field array cannot be changed but for the tasks at once", hint: "such as 5, or 0 for all"
            )
        }
        return number
    }
}
