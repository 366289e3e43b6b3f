// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyWire
import StrictJSON

/// The jobs that are watched, and how they are shown: on a terminal the whole list each time, elsewhere a line for each change,
/// with `--json` a document for each.
struct JobBoard {
    /// A set that is empty lets everything through.
    struct Filter: Sendable {
        var states: Set<String>
        var partitions: Set<String>
        var accounts: Set<String>
        var names: Set<String>

        func admits(_ job: JobView) -> Bool {
            func has(_ set: Set<String>, _ values: [String]) -> Bool {
                set.isEmpty || values.contains(where: set.contains)
            }
            return has(states, job.states) && has(partitions, job.partition.split(separator: ",").map(String.init))
                && has(accounts, [job.account]) && has(names, [job.name])
        }
    }

    static let columns = [
        "JOB", "NAME", "PARTITION", "ACCOUNT", "STATE", "NODES", "STARTED", "LIMIT", "NODELIST/REASON",
    ]

    private let filter: Filter
    private let json: Bool
    private let here: Surroundings
    private var jobs: [String: JobView] = [:]
    private var note: String?

    init(filter: Filter, json: Bool, here: Surroundings) {
        self.filter = filter
        self.json = json
        self.here = here
    }

    static func cells(_ job: JobView) -> [String] {
        [
            job.displayID, job.name, job.partition, job.account, job.states.joined(separator: "+"),
            job.nodes.map { "\($0)" } ?? "", job.started.map { "\($0)" } ?? "",
            slurmTime(minutes: job.timeLimitMinutes), job.isPending ? job.reason ?? "" : job.nodeList ?? "",
        ]
    }

    /// - Throws: when the event's data cannot be read; events of another name are passed over.
    mutating func take(_ event: ServerEvent) throws {
        switch JobEventName(rawValue: event.name) {
        case .jobs: try replace(try data(event, JobList.self).jobs)
        case .job: try put(try data(event, JobView.self))
        case .gone:
            let gone = try data(event, JobGone.self)
            try remove(gone.displayID, gone.job)
        case .age:
            let age = try data(event, QueueAge.self)
            try say(age.stale ? Surroundings.staleness(age.age) : nil)
        case nil: return
        }
        if isDrawn { try draw() }
    }

    /// What there is to say of the connection; nil when all is well again.
    mutating func say(_ text: String?) throws {
        guard text != note else { return }
        note = text
        if isDrawn { return try draw() }
        try here.say("sally: \(text ?? "the queue is followed again")")
    }

    private var isDrawn: Bool { here.output.isTerminal && !json }

    private mutating func replace(_ all: [JobView]) throws {
        let names = Set(all.map(\.displayID))
        for (name, job) in jobs.sorted(by: { $0.value.job < $1.value.job }) where !names.contains(name) {
            try remove(name, job.job)
        }
        for job in all { try put(job) }
    }

    private mutating func put(_ job: JobView) throws {
        guard filter.admits(job) else {
            // It left what is watched, as when it began to run.
            return try remove(job.displayID, job.job)
        }
        guard jobs[job.displayID] != job else { return }
        jobs[job.displayID] = job
        guard !isDrawn else { return }
        if json {
            try here.putJSON("job-event", [("event", "job"), ("job", try Codec.json(job))])
        } else {
            try here.put(Self.cells(job).map { $0.isEmpty ? "-" : printable($0) }.joined(separator: "  "))
        }
    }

    private mutating func remove(_ name: String, _ number: JobID) throws {
        guard jobs.removeValue(forKey: name) != nil, !isDrawn else { return }
        if json {
            let gone = JobGone(job: number, displayID: name)
            try here.putJSON("job-event", [("event", "gone"), ("job", try Codec.json(gone))])
        } else {
            try here.put("\(printable(name))  gone")
        }
    }

    private func draw() throws {
        let rows = jobs.values.sorted { ($0.job, $0.displayID) < ($1.job, $1.displayID) }
        var lines = [
            "\(rows.count) job\(rows.count == 1 ? "" : "s"), \(here.clock.now)\(note.map { "; \($0)" } ?? "")", "",
        ]
        lines += Table.lines(Self.columns, rows.map(Self.cells))
        // Home, then each line with what was there before it cleared, then the rest of the screen (ECMA-48 CUP, EL, ED).
        let text = "\u{1b}[H" + lines.map { "\($0)\u{1b}[K\n" }.joined() + "\u{1b}[J"
        try here.output.write(Array(text.utf8))
    }

    private func data<Value: Decodable>(_ event: ServerEvent, _ type: Value.Type) throws -> Value {
        do {
            return try Codec.decodeAnswer(type, Array(event.data.utf8))
        } catch {
            throw SallyError(
                .unavailable, "the gateway's event cannot be read",
                hint: "compare `sally --version` with the gateway's version", cause: "\(error)")
        }
    }
}
