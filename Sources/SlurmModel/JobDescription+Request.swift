// SPDX-License-Identifier: Apache-2.0

import SallyModel
package import StrictJSON

extension JobDescription {
    /// Reads the body of `POST /slurm/VERSION/job/submit` as a client of slurmrestd's wrote it: `job`, or `jobs` with one job,
    /// and the script in the job or beside it. All problems are reported at once.
    ///
    /// Nothing is judged and no default filled in. docs/fields.md says of every field how it is read.
    /// - Throws: `SallyError`: `.unsupported` where all that is wrong is known to Slurm and not offered, else `.invalidRequest`.
    package static func request(from body: JSONValue, version: APIVersion) throws -> JobRequest {
        guard case .object(let object) = body else {
            throw SallyError(.invalidRequest, "expected an object with the job, found \(body.kind)")
        }
        var problems: [SallyError] = []
        for member in object
        where problems.count < mostProblems && !["script", "job", "jobs"].contains(member.key) {
            problems.append(unknown(member.key, version))
        }
        var outer: String?
        switch object["script"] {
        case .string(let text)?: outer = text.isEmpty ? nil : text
        case nil, .null?: break
        case .bool?, .number?, .array?, .object?:
            problems.append(SallyError(.invalidRequest, "script: expected a text"))
        }
        var draft = try read(try job(in: object), version, &problems)
        if let inner = draft.script, let outer, inner != outer {
            problems.append(
                SallyError(.invalidRequest, "script stands in the job and beside it, and differs", hint: "say it once"))
        }
        draft.request.script = outer ?? draft.script ?? ""
        if problems.isEmpty {
            do { try draft.request.check() } catch let problem as SallyError { problems.append(problem) }
        }
        try report(problems)
        return draft.request
    }

    /// The one job of a body.
    private static func job(in body: JSONObject) throws -> JSONObject {
        var found: [JSONValue] = []
        if let job = body["job"], !job.isNull { found.append(job) }
        switch body["jobs"] {
        case nil, .null?: break
        case .array(let jobs)?:
            guard found.isEmpty || jobs.isEmpty else {
                throw SallyError(.invalidRequest, "job and jobs exclude each other")
            }
            guard jobs.count <= 1 else {
                throw SallyError(
                    .unsupported, "jobs: heterogeneous jobs are not offered: no rule judges their parts together",
                    hint: "submit one job, or several one by one")
            }
            found += jobs
        case .bool?, .number?, .string?, .object?:
            throw SallyError(.invalidRequest, "jobs: expected a list of one job")
        }
        guard let job = found.first else { throw SallyError(.invalidRequest, "job is missing") }
        guard case .object(let object) = job else {
            throw SallyError(.invalidRequest, "job: expected an object, found \(job.kind)")
        }
        return object
    }

    /// Reads the properties of a job description; what is wrong goes to `problems`.
    static func read(_ job: JSONObject, _ version: APIVersion, _ problems: inout [SallyError]) throws -> JobDraft {
        let table = DescriptionTable.of(version)
        var draft = JobDraft(version: version)
        for (name, value) in job where problems.count < mostProblems {
            guard let named = table[name] else {
                if !value.isNull { problems.append(unknown(name, version)) }
                continue
            }
            do {
                try read(name, value, named, &draft)
            } catch let problem as SallyError {
                problems.append(problem)
            } catch let mistake as FieldMistake {
                problems.append(
                    SallyError(.invalidRequest, "\(name): expected \(mistake.expected), found \(described(value))"))
            }
        }
        do { try draft.finish() } catch let problem as SallyError { problems.append(problem) }
        return draft
    }

    private static func read(
        _ name: String, _ value: JSONValue, _ named: DescriptionTable.Named, _ draft: inout JobDraft
    ) throws {
        switch named.field.policy {
        case .refused(let reason):
            guard !named.spelling.form.saysNothing(value) else { return }
            throw SallyError(.unsupported, "field \(name) is not offered: \(reason.reason)", hint: reason.hint)
        case .stripped: return
        case .allowed, .judged, .normalised:
            guard let part = named.field.part else { return }
            let reading = try form(of: part, named.spelling, value).read(value)
            if reading != .unset { try draft.take(part, reading) }
        }
    }

    /// Texts that clients write as lists as well, lists as texts, and words that are described as flags.
    private static func form(of part: DescriptionKey, _ spelling: FieldSpelling, _ value: JSONValue) -> FieldForm {
        if value.bool != nil, part == .noKill || part == .killOnInvalidDependency { return .flag }
        return listed.contains(part) ? .list : spelling.form
    }

    private static let listed: Set<DescriptionKey> = [
        .nodes, .requiredNodes, .excludedNodes, .tresPerJob, .tresPerNode, .tresPerTask, .gres, .mail, .openMode,
        .openModeWords, .exclusive, .shared,
    ]

    static func unknown(_ name: String, _ version: APIVersion) -> SallyError {
        let others = DescriptionTable.versions(of: name)
        guard !others.isEmpty else {
            return SallyError(
                .invalidRequest, "unknown field \(quoted(name))", hint: "docs/fields.md lists those of every version")
        }
        return SallyError(
            .invalidRequest, "\(version) has no field \(name)",
            hint: "known in " + others.map { "v0.0.\($0)" }.joined(separator: ", "))
    }

    private static func described(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .number(let text): text.utf8.count <= 40 ? text : "a number"
        case .null, .bool, .array, .object: value.kind
        }
    }

    /// What is told at once; after so many nothing more of a request is read.
    static let mostProblems = 20

    /// All of them in one error.
    static func report(_ problems: [SallyError]) throws {
        guard let first = problems.first else { return }
        throw SallyError(
            problems.allSatisfy { $0.code == .unsupported } ? .unsupported : .invalidRequest,
            problems.prefix(mostProblems).map(\.message).joined(separator: "; "),
            hint: problems.count == 1 ? first.hint : nil)
    }
}
