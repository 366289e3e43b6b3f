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
        /// In small letters.
        var accounts: Set<String>
        var names: Set<String>

        func admits(_ job: JobView) -> Bool {
            func has(_ set: Set<String>, _ values: [String]) -> Bool {
                set.isEmpty || values.contains(where: set.contains)
            }
            return has(states, job.states) && has(partitions, job.partition.split(separator: ",").map(String.init))
                && has(accounts, [job.account.lowercased()]) && has(names, [job.name])
        }
    }

    static let columns = [
        "JOB", "NAME", "PARTITION", "ACCOUNT", "STATE", "NODES", "STARTED", "LIMIT", "NODELIST/REASON",
    ]

    private let filter: Filter
    private let json: Bool
    private let here: Surroundings
    /// What is shown: by its id, as it was told last.
    private var jobs: [String: JobView] = [:]
    /// Of those, on a terminal, the ones that have ended, and when that was seen.
    private var ends: [String: Timestamp] = [:]
    /// What has ended, and was told to have, or had ended before the first look: Slurm keeps it in its list for a while (MinJobAge).
    private var over: Set<String> = []
    /// The ids of all records of the queue, shown or not. That of tasks that wait changes when one of them starts; its number stays.
    private var names: [JobID: Set<String>] = [:]
    private var isFirstLook = true
    private var note: String?

    /// An end stays on the terminal for so long.
    private static let shownEnd = Duration.seconds(60)

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
        names = Dictionary(grouping: all, by: \.job).mapValues { Set($0.map(\.displayID)) }
        let left = Set(all.map(\.displayID))
        for (name, job) in jobs.sorted(by: { $0.value.job < $1.value.job }) where !left.contains(name) {
            try remove(name, job.job)
        }
        over.formIntersection(left)
        if isFirstLook { over.formUnion(all.filter(\.hasEnded).map(\.displayID)) }
        isFirstLook = false
        for job in all { try put(job) }
    }

    private mutating func put(_ job: JobView) throws {
        let name = job.displayID
        names[job.job, default: []].insert(name)
        if job.hasEnded {
            guard over.insert(name).inserted else { return }
            guard jobs.removeValue(forKey: name) != nil || filter.admits(job) else { return }
            if isDrawn {
                jobs[name] = job
                ends[name] = here.clock.now
            }
            return try tell(job)
        }
        over.remove(name)
        ends[name] = nil
        guard filter.admits(job) else {
            // It left what is watched, as when it began to run: its new state is the last that is told of it.
            guard jobs.removeValue(forKey: name) != nil else { return }
            return try tell(job)
        }
        guard jobs[name] != job else { return }
        jobs[name] = job
        try tell(job)
    }

    private func tell(_ job: JobView) throws {
        guard !isDrawn else { return }
        if json { return try here.putJSON("job-event", [("event", "job"), ("job", try Codec.json(job))]) }
        let cells = filter.admits(job) ? Self.cells(job) : [job.displayID, job.states.joined(separator: "+")]
        try here.put(cells.map { $0.isEmpty ? "-" : printable($0) }.joined(separator: "  "))
    }

    /// It is not in the queue any more, at least not by that id, and how it ended was not seen.
    private mutating func remove(_ name: String, _ number: JobID) throws {
        over.remove(name)
        ends[name] = nil
        names[number]?.remove(name)
        if names[number]?.isEmpty == true { names[number] = nil }
        // With another id it is there as before.
        guard jobs.removeValue(forKey: name) != nil, !isDrawn, names[number] == nil else { return }
        if json {
            let gone = JobGone(job: number, displayID: name)
            try here.putJSON("job-event", [("event", "gone"), ("job", try Codec.json(gone))])
        } else {
            try here.put("\(printable(name))  gone")
        }
    }

    private mutating func draw() throws {
        let now = here.clock.now
        for (name, end) in ends where now - end >= JobBoard.shownEnd {
            jobs[name] = nil
            ends[name] = nil
        }
        let rows = jobs.values.sorted { ($0.job, $0.displayID) < ($1.job, $1.displayID) }
        let window = here.output.window
        // Besides the two lines above, the table's head, and the last line, where the cursor stays.
        let room = window.map { max(0, $0.lines - 4) } ?? rows.count
        let shown = rows.count <= room ? rows[...] : rows.prefix(max(0, room - 1))
        var lines = ["\(rows.count) job\(rows.count == 1 ? "" : "s"), \(now)\(note.map { "; \($0)" } ?? "")", ""]
        lines += Table.lines(Self.columns, shown.map(Self.cells))
        if shown.count < rows.count {
            lines.append("\(rows.count - shown.count) more; the whole list: `sally jobs`")
        }
        if let window {
            // A character in the last column would be cleared again by what follows it.
            lines = lines.prefix(max(1, window.lines - 1)).map { $0.cut(toColumns: window.columns - 1) }
        }
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
