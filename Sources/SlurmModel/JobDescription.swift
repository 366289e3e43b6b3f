// SPDX-License-Identifier: Apache-2.0

package import SallyModel
package import StrictJSON

/// The body of `POST /slurm/VERSION/job/submit`.
package enum JobDescription {
    /// Canonical: the same job gives the same bytes.
    /// - Parameter now: what a relative `begin` counts from.
    /// - Throws: `SallyError(.unsupported)` that names every field which this API version cannot carry. Nothing is left out
    ///   silently.
    package static func json(_ job: ResolvedJob, version: APIVersion, now: Timestamp) throws -> JSONValue {
        let object = try properties(job.request, version, now: now)
        return .object(JSONObject([("script", .string(job.request.script)), ("job", .object(object))]))
    }

    /// The properties of a description that say what the request says, and nothing else.
    /// - Throws: as `json`.
    static func properties(_ request: JobRequest, _ version: APIVersion, now: Timestamp) throws -> JSONObject {
        let table = DescriptionTable.of(version)
        var object = JSONObject()
        var missing: [String] = []
        for statement in statements(request, version, now: now) {
            guard let key = statement.keys.first(where: { table[$0] != nil }), let spelling = table[key] else {
                if missing.last != statement.name { missing.append(statement.name) }
                continue
            }
            object[spelling.name] = encode(statement.values[key] ?? .null, spelling.form)
        }
        if let signal = request.signal, signal.batchOnly, version.takesOptions { missing.append("signal with B:") }
        try refuse(missing, version)
        return object
    }

    static func refuse(_ missing: [String], _ version: APIVersion) throws {
        guard missing.isEmpty else {
            throw SallyError(
                .unsupported, "\(missing.joined(separator: ", ")): not offered on this cluster",
                hint: "its Slurm speaks \(version), which cannot carry it")
        }
    }

    /// One field of a request, and the keys under which some version carries it.
    private struct Statement {
        var name: String
        var values: [DescriptionKey: JSONValue]
        var keys: [DescriptionKey]

        init(_ name: String, _ values: [(DescriptionKey, JSONValue)]) {
            self.name = name
            self.values = Dictionary(values, uniquingKeysWith: { $1 })
            keys = values.map(\.0)
        }
    }

    private static func statements(_ request: JobRequest, _ version: APIVersion, now: Timestamp) -> [Statement] {
        var list: [Statement] = []
        func add(_ name: String, _ values: (DescriptionKey, JSONValue?)...) {
            let given = values.compactMap { key, value in value.map { (key, $0) } }
            if !given.isEmpty { list.append(Statement(name, given)) }
        }
        func words<T: Name>(_ names: [T]) -> JSONValue? {
            names.isEmpty ? nil : .string(names.map(\.rawValue).joined(separator: ","))
        }
        add("job_name", (.name, request.name.map(JSONValue.string)))
        if !request.arguments.isEmpty {
            // The first element is the program's name, as for every program.
            add(
                "arguments",
                (.arguments, .array(([request.name ?? "sbatch"] + request.arguments).map(JSONValue.string))))
        }
        add("partition", (.partition, words(request.partitions)))
        add("account", (.account, request.account.map { .string($0.rawValue) }))
        add("qos", (.qos, words(request.qos)))
        add("reservation", (.reservation, words(request.reservations)))
        if let nodes = request.nodes {
            let range = JSONValue.string("\(nodes.minimum)-\(nodes.maximum)")
            add("nodes", (.nodes, range), (.minimumNodes, .integer(nodes.minimum)))
            add("nodes", (.nodes, range), (.maximumNodes, .integer(nodes.maximum)))
        }
        add("ntasks", (.tasks, request.impliedTasks.map { .integer($0) }))
        add("ntasks_per_node", (.tasksPerNode, request.tasksPerNode.map { .integer($0) }))
        add("ntasks_per_socket", (.tasksPerSocket, request.tasksPerSocket.map { .integer($0) }))
        add("mincpus", (.cpusPerNode, request.cpusPerNode.map { .integer($0) }))
        add("tmp", (.disk, request.diskPerNode.map { .integer($0.mebibytes) }))
        add("cpus_per_task", (.cpusPerTask, request.cpusPerTask.map { .integer($0) }))
        add("mem", (.memoryPerNode, request.memoryPerNode.map { .integer($0.mebibytes) }))
        add("mem_per_cpu", (.memoryPerCPU, request.memoryPerCPU.map { .integer($0.mebibytes) }))
        add("gpus", (.gpus, text(request.gpus)), (.tresPerJob, tres(request.gpus)))
        add("gpus_per_node", (.gpusPerNode, text(request.gpusPerNode)), (.tresPerNode, tres(request.gpusPerNode)))
        add("gpus_per_task", (.gpusPerTask, text(request.gpusPerTask)), (.tresPerTask, tres(request.gpusPerTask)))
        add(
            "cpus_per_gpu", (.cpusPerGPU, request.cpusPerGPU.map { .integer($0) }),
            (.cpusPerTRES, request.cpusPerGPU.map { .string("gres/gpu:\($0)") }))
        add(
            "mem_per_gpu", (.memoryPerGPU, request.memoryPerGPU.map { .integer($0.mebibytes) }),
            (.memoryPerTRES, request.memoryPerGPU.map { .string("gres/gpu:\($0.mebibytes)") }))
        add("constraint", (.constraint, request.constraint.map { .string($0.description) }))
        add("prefer", (.preferred, request.preferred.map { .string($0.description) }))
        if request.contiguous { add("contiguous", (.contiguous, true)) }
        add("switches", (.switches, request.switches.map { .integer($0.count) }))
        add("switches", (.switchWait, request.switches?.seconds.map { .integer($0) }))
        add("nodelist", (.requiredNodes, nodes(request.requiredNodes, version)))
        add("exclude", (.excludedNodes, nodes(request.excludedNodes, version)))
        if let exclusive = request.exclusive {
            add(
                "exclusive", (.exclusive, exclusive == .node ? "exclusive" : "user"),
                (.shared, exclusive == .node ? ["none"] : ["user"]))
        }
        if let mail = request.mail, !mail.events.isEmpty {
            add(
                "mail_type",
                (.mail, version.takesOptions ? .string(mail.description) : .array(mail.events.map { .string($0.flag) }))
            )
        }
        add("time", (.timeLimit, request.timeLimit.map(minutes)))
        add("time_min", (.timeMinimum, request.timeMinimum.map(minutes)))
        add("array", (.array, request.array.map { .string($0.description) }))
        add("dependency", (.dependency, request.dependency.map { .string($0.description) }))
        if let kills = request.killOnInvalidDependency {
            add(
                "kill_on_invalid_dep", (.killOnInvalidDependency, kills ? "yes" : "no"),
                (.flags, kills ? "KILL_INVALID_DEPENDENCY" : "NO_KILL_INVALID_DEPENDENCY"))
        }
        if request.noKill { add("no_kill", (.noKill, "set"), (.killOnNodeFail, false)) }
        if let begin = request.begin?.moment(now: now) {
            let seconds = max(0, begin.rawValue - now.rawValue)
            add("begin", (.begin, .integer(begin.rawValue)), (.beginRelative, .string("now+\(seconds)")))
        }
        add("chdir", (.workingDirectory, request.workingDirectory.map(JSONValue.string)))
        add("output", (.standardOutput, request.standardOutput.map(JSONValue.string)))
        add("error", (.standardError, request.standardError.map(JSONValue.string)))
        add("input", (.standardInput, request.standardInput.map(JSONValue.string)))
        let mode = request.openMode.map { JSONValue.string($0.rawValue) }
        add("open_mode", (.openMode, mode), (.openModeWords, mode))
        add("environment", (.environment, environment(request.environment)))
        add("comment", (.comment, request.comment.map(JSONValue.string)))
        switch request.requeue {
        case true?: add("requeue", (.requeue, true))
        case false?: add("requeue", (.noRequeue, true), (.requeue, false))
        case nil: break
        }
        if request.hold { add("hold", (.hold, true)) }
        add("nice", (.nice, request.nice.map { .integer($0) }))
        if let signal = request.signal {
            let text = JSONValue.string("\(signal.name)@\(signal.seconds)")
            add("signal", (.signal, text), (.signalName, .string(signal.name)))
            add("signal", (.signal, text), (.signalSeconds, .integer(signal.seconds)))
            if signal.batchOnly { add("signal", (.signal, text), (.signalFlags, "BATCH_JOB")) }
        }
        return list
    }

    private static func encode(_ value: JSONValue, _ form: FieldForm) -> JSONValue {
        switch form {
        case .text, .flag, .list, .map, .moment, .object: return value
        // Slurm 22.05 takes the word for UNLIMITED; later ones have a form of their own for it.
        case .integer: return value == JobDescription.unlimited ? "infinite" : value
        case .number:
            if value == JobDescription.unlimited { return ["set": false, "infinite": true, "number": 0] }
            return ["set": true, "infinite": false, "number": value]
        case .words: return .array([.string((value.string ?? "").uppercased())])
        case .assignments:
            return .array((value.object ?? JSONObject()).map { .string("\($0.key)=\($0.value.string ?? "")") })
        }
    }

    private static let unlimited = JSONValue.null

    private static func minutes(_ limit: TimeLimit) -> JSONValue { limit.minutes.map { .integer($0) } ?? unlimited }
    private static func text(_ gpus: GPUCounts?) -> JSONValue? { gpus.map { .string($0.description) } }
    private static func tres(_ gpus: GPUCounts?) -> JSONValue? { gpus.map { .string($0.tres) } }

    /// All by name: a text of slurmrestd's is read as one name in some versions.
    private static func nodes(_ nodes: NodeNames?, _ version: APIVersion) -> JSONValue? {
        nodes.map { version.takesOptions ? .string($0.description) : .array($0.names.map(JSONValue.string)) }
    }

    private static func environment(_ variables: [String: String]) -> JSONValue? {
        guard !variables.isEmpty else { return nil }
        return .object(JSONObject(variables.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
}

extension JobRequest {
    /// sbatch counts the tasks from nodes and tasks per node; slurmctld does not.
    var impliedTasks: Int? {
        if let tasks { return tasks }
        guard let nodes, let tasksPerNode else { return nil }
        return nodes.minimum.saturatingMultiply(tasksPerNode)
    }
}
