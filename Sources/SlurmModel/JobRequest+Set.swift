// SPDX-License-Identifier: Apache-2.0

import SallyModel

extension JobRequest {
    /// Sets a field from its notation, as it stands after an option or in JSON.
    /// - Throws: `SallyError(.invalidRequest)` that names the notation.
    package mutating func set(_ field: JobField, to text: String) throws {
        guard text.utf8.count <= JobRequest.longestNotation else {
            throw SallyError(
                .invalidRequest, "\(field.rawValue) is longer than \(JobRequest.longestNotation) bytes",
                hint: "say it shorter: no option of sbatch can be longer")
        }
        switch field {
        case .account: account = try AccountName(text)
        case .array: array = try ArraySpec(text)
        case .begin: begin = try BeginTime(text)
        case .chdir: workingDirectory = try absolutePath(text, "chdir")
        case .comment: comment = try line(text, "comment", limit: JobRequest.longestComment)
        case .constraint: constraint = try Constraint(text)
        case .contiguous: contiguous = try flag(text, "contiguous")
        case .cpusPerGPU: cpusPerGPU = try count(text, "cpus_per_gpu", JobRequest.largestShort)
        case .cpusPerNode: cpusPerNode = try count(text, "mincpus", JobRequest.largestShort)
        case .cpusPerTask: cpusPerTask = try count(text, "cpus_per_task", JobRequest.largestShort)
        case .dependency: dependency = try Dependency(text)
        case .disk:
            let disk = try Memory(text)
            // slurmctld keeps it in 32 bits.
            guard disk.mebibytes < 1 << 31 else { throw SallyError(.invalidRequest, "tmp \(quoted(text)) is too much") }
            diskPerNode = disk
        case .error: standardError = try line(text, "error", limit: 4096)
        case .exclude: excludedNodes = try NodeNames(text)
        case .exclusive:
            guard let whole = Exclusive(rawValue: text) else {
                throw SallyError(
                    .invalidRequest, "exclusive \(quoted(text)) is not valid", hint: "--exclusive or --exclusive=user")
            }
            exclusive = whole
        case .gpus: gpus = try GPUCounts(gpus: text)
        case .gpusPerNode: try setGPUsPerNode(GPUCounts(gpus: text))
        case .gpusPerTask: gpusPerTask = try GPUCounts(gpus: text)
        case .gres: try setGPUsPerNode(GPUCounts(gres: text))
        case .hold: hold = try flag(text, "hold")
        case .input: standardInput = try line(text, "input", limit: 4096)
        case .jobName: name = try line(text, "job_name", limit: 256)
        case .killOnInvalidDependency:
            guard text == "yes" || text == "no" else {
                throw SallyError(
                    .invalidRequest, "kill_on_invalid_dep \(quoted(text)) is not valid", hint: "yes or no")
            }
            killOnInvalidDependency = text == "yes"
        case .mailType: mail = try MailEvents(text)
        case .memory: memoryPerNode = try Memory(text)
        case .memoryPerCPU:
            let memory = try Memory(text)
            guard memory.mebibytes > 0 else {
                throw SallyError(.invalidRequest, "mem_per_cpu is 0", hint: "`mem` 0 asks for all memory of the nodes")
            }
            memoryPerCPU = memory
        case .memoryPerGPU:
            let memory = try Memory(text)
            guard memory.mebibytes > 0 else {
                throw SallyError(.invalidRequest, "mem_per_gpu is 0", hint: "`mem` 0 asks for all memory of the nodes")
            }
            memoryPerGPU = memory
        case .nice: nice = try niceness(text)
        case .noKill: noKill = try flag(text, "no_kill")
        case .nodelist: requiredNodes = try NodeNames(text)
        case .nodes: nodes = try NodeCount(text)
        case .ntasks: tasks = try count(text, "ntasks", JobRequest.largestTasks)
        case .ntasksPerNode: tasksPerNode = try count(text, "ntasks_per_node", JobRequest.largestShort)
        case .ntasksPerSocket: tasksPerSocket = try count(text, "ntasks_per_socket", JobRequest.largestShort)
        case .openMode:
            guard let mode = OpenMode(rawValue: text == "a" ? "append" : text == "t" ? "truncate" : text) else {
                throw SallyError(.invalidRequest, "open_mode \(quoted(text)) is not valid", hint: "append or truncate")
            }
            openMode = mode
        case .output: standardOutput = try line(text, "output", limit: 4096)
        case .partition: partitions = try list(text, "partition", PartitionName.init(_:))
        case .preferred: preferred = try Constraint(text)
        case .qos: qos = try list(text, "qos", QOSName.init(_:))
        case .requeue: requeue = try flag(text, "requeue")
        case .reservation: reservations = try list(text, "reservation", ReservationName.init(_:))
        case .signal: signal = try JobSignal(text)
        case .switches: switches = try SwitchCount(text)
        case .time: timeLimit = try TimeLimit(text)
        case .timeMinimum: timeMinimum = try TimeLimit(text)
        }
    }

    /// slurmctld keeps these in 16 bits, of which the two largest mean something else, and cuts off what does not fit.
    package static let largestShort = 65533

    static let largestTasks = 10_000_000

    /// Bytes: slurmctld takes 1024 (job_mgr.c, `_test_strlen`), of which the gateway keeps the end for its marker.
    package static let longestComment = 960

    /// Bytes of any notation: no argument of a program is longer (execve(2), MAX_ARG_STRLEN).
    package static let longestNotation = 128 << 10

    private mutating func setGPUsPerNode(_ counts: GPUCounts) throws {
        guard gpusPerNode == nil || gpusPerNode == counts else {
            throw SallyError(.invalidRequest, "gres and gpus_per_node contradict each other")
        }
        gpusPerNode = counts.isEmpty ? nil : counts
    }
}

private func list<T: Hashable>(_ text: String, _ name: String, _ element: (String) throws -> T) throws -> [T] {
    let elements = try text.split(separator: ",", omittingEmptySubsequences: false).map { try element(String($0)) }
    guard elements.count <= 32 else {
        throw SallyError(
            .invalidRequest, "\(name) \(quoted(text)) names \(elements.count), and 32 is the most",
            hint: "name fewer, with commas between them")
    }
    var seen: Set<T> = []
    if let again = elements.first(where: { !seen.insert($0).inserted }) {
        throw SallyError(.invalidRequest, "\(name) \(quoted(text)) names \(again) twice", hint: "name each once")
    }
    return elements
}

private func count(_ text: String, _ name: String, _ limit: Int) throws -> Int {
    guard let number = decimal(text), number > 0, number <= limit else {
        throw SallyError(.invalidRequest, "\(name) \(quoted(text)) is not valid", hint: "a number from 1 to \(limit)")
    }
    return number
}

/// slurmctld takes 0 up to 2147483645; less than 0 is for operators.
private func niceness(_ text: String) throws -> Int {
    guard let number = Int(text), (0...2_147_483_645).contains(number) else {
        throw SallyError(.invalidRequest, "nice \(quoted(text)) is not valid", hint: "a number from 0 to 2147483645")
    }
    return number
}

private func flag(_ text: String, _ name: String) throws -> Bool {
    switch text {
    case "true": return true
    case "false": return false
    default: throw SallyError(.invalidRequest, "\(name) \(quoted(text)) is neither true nor false")
    }
}

/// A text without control characters, not empty.
private func line(_ text: String, _ name: String, limit: Int) throws -> String {
    guard !text.isEmpty, text.utf8.count <= limit, !text.unicodeScalars.contains(where: isControl) else {
        throw SallyError(
            .invalidRequest, "\(name) \(quoted(text)) is not valid",
            hint: "1 to \(limit) bytes without control characters")
    }
    return text
}

private func absolutePath(_ text: String, _ name: String) throws -> String {
    let path = try line(text, name, limit: 4096)
    guard path.hasPrefix("/") else {
        throw SallyError(
            .invalidRequest, "\(name) \(quoted(text)) is not absolute", hint: "a path on the cluster that begins with /"
        )
    }
    return path
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
}
