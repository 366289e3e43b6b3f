// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON

/// A job description of slurmrestd's being read: fields of a request, and pieces that make one only together.
struct JobDraft {
    let version: APIVersion
    var request = JobRequest(script: "")
    /// Which fields something was said of.
    var said: Set<JobField> = []
    /// Fields that an update empties.
    var cleared: Set<JobField> = []
    var script: String?
    var heldByPriority: Bool?
    var hold: Bool?
    var nodes: NodeCount?
    var minimumNodes: Int?
    var maximumNodes: Int?
    var switches: Int?
    var switchWait: Int?
    var signalName: String?
    var signalSeconds: Int?
    var signalsBatch = false
    var noRequeue: Bool?

    init(version: APIVersion) { self.version = version }

    /// What remains of the pieces, put together.
    mutating func finish() throws {
        try finishNodes()
        if let switches {
            request.switches = SwitchCount(count: switches, seconds: switchWait.flatMap { $0 == 0 ? nil : $0 })
            said.insert(.switches)
        } else if let switchWait, switchWait > 0 {
            throw SallyError(.invalidRequest, "wait_for_switch is said without required_switches")
        }
        try finishSignal()
        if let noRequeue {
            guard !said.contains(.requeue) || request.requeue == !noRequeue else {
                throw SallyError(.invalidRequest, "requeue and no_requeue contradict each other")
            }
            // false says nothing: it is the absence of the option.
            if noRequeue { try set(.requeue, "false") }
        }
        if let holds = hold ?? heldByPriority {
            guard heldByPriority == nil || hold != false else {
                throw SallyError(.invalidRequest, "hold and priority contradict each other")
            }
            request.hold = holds
            said.insert(.hold)
        }
    }

    mutating func set(_ field: JobField, _ text: String) throws {
        guard !said.contains(field) || request.text(of: field) == text else {
            throw SallyError(.invalidRequest, "\(field.rawValue) is said twice")
        }
        try request.set(field, to: text)
        said.insert(field)
    }

    /// Without a maximum Slurm may give a node to each task or GPU; so much is said then, and no more.
    private mutating func finishNodes() throws {
        if let nodes {
            if let minimumNodes, minimumNodes != nodes.minimum { throw JobDraft.twoNodeCounts }
            if let maximumNodes, maximumNodes != nodes.maximum { throw JobDraft.twoNodeCounts }
        }
        let largest = 10_000_000
        let least = nodes?.minimum ?? minimumNodes
        let most = nodes?.maximum ?? maximumNodes
        guard least != nil || most != nil else { return }
        let minimum = least ?? 1
        let maximum = most ?? max(minimum, request.tasks ?? 1, request.gpus?.total ?? 1)
        guard minimum <= maximum, maximum <= largest else {
            throw SallyError(
                .invalidRequest, "minimum_nodes \(minimum) and maximum_nodes \(maximum) are not valid",
                hint: "from 1 to \(largest), the minimum first")
        }
        request.nodes = NodeCount(minimum: minimum, maximum: maximum)
        said.insert(.nodes)
    }

    private static let twoNodeCounts = SallyError(
        .invalidRequest, "nodes contradicts minimum_nodes or maximum_nodes", hint: "say one of them")

    private mutating func finishSignal() throws {
        guard signalName != nil || signalSeconds != nil || signalsBatch else { return }
        guard let signalName else {
            throw SallyError(
                .invalidRequest, "kill_warning_delay or kill_warning_flags is said without kill_warning_signal")
        }
        try set(.signal, "\(signalsBatch ? "B:" : "")\(signalName)@\(signalSeconds ?? 60)")
    }

    func nodes(_ reading: FieldReading) throws -> NodeCount {
        switch reading {
        case .number(let number): return try NodeCount("\(number)")
        case .text(let text): return try NodeCount(text)
        case .list(let ends) where ends.count <= 2: return try NodeCount(ends.joined(separator: "-"))
        case .unset, .infinite, .flag, .list, .map: throw FieldMistake("a number or a range of nodes")
        }
    }

    /// A flag, or the words of sbatch(1) --no-kill.
    func isSet(_ reading: FieldReading) throws -> Bool {
        switch reading {
        case .flag(let value): return value
        case .text("set"), .text("true"): return true
        case .text("off"), .text("no"), .text("false"): return false
        case .unset, .text, .number, .infinite, .list, .map: throw FieldMistake("set or off")
        }
    }

    mutating func takeDependencyFlag(_ reading: FieldReading) throws {
        switch reading {
        case .flag(true), .text("yes"), .text("true"), .list(["KILL_INVALID_DEPENDENCY"]):
            try set(.killOnInvalidDependency, "yes")
        case .flag(false), .text("no"), .text("false"), .list(["NO_KILL_INVALID_DEPENDENCY"]):
            try set(.killOnInvalidDependency, "no")
        case .list(let flags):
            let other = flags.first { !$0.hasSuffix("KILL_INVALID_DEPENDENCY") } ?? flags.joined(separator: ",")
            throw SallyError(
                .unsupported, "flag \(quoted(other)) is not offered: \(RefusedField.reach.reason)",
                hint: RefusedField.reach.hint)
        case .unset, .text, .number, .infinite, .map: throw FieldMistake("yes or no")
        }
    }

    mutating func takeSharing(_ reading: FieldReading) throws {
        let words: [String] =
            switch reading {
            case .list(let list): list
            case .text(let text): [text]
            case .unset, .number, .infinite, .flag, .map: throw FieldMistake("a list of one word")
            }
        guard words.count == 1 else { throw FieldMistake("a list of one word") }
        switch words[0].lowercased() {
        case "none", "true", "exclusive": try set(.exclusive, JobRequest.Exclusive.node.rawValue)
        case "user": try set(.exclusive, JobRequest.Exclusive.user.rawValue)
        // Of the deprecated field: not exclusive.
        case "false": break
        default:
            throw SallyError(
                .unsupported, "sharing \(quoted(words[0])) is not offered: \(RefusedField.unbounded.reason)",
                hint: "none for whole nodes, or user")
        }
    }
}
