// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmTestSupport
import StrictJSON
import Testing

@testable import SlurmModel

/// Records of any version, written as any other: what a client made from that version's description can read.
@Suite struct RecordVersionTests {
    struct Case: Sendable, CustomStringConvertible {
        var recorded: Recorded
        var version: APIVersion
        var description: String { "\(recorded) as \(version)" }
    }

    static let cases: [Case] = Recorded.all.flatMap { recorded in
        NounTableTests.versions.map { Case(recorded: recorded, version: APIVersion(rawValue: $0)) }
            .filter { recorded.noun != .jobState || $0.version.listsStates }
    }

    @Test(arguments: cases) func writesWhatTheVersionDescribes(at test: Case) throws {
        let described = try DescribedProperty.all(test.version.rawValue)
            .filter { $0.noun == test.recorded.noun && !$0.isAround }
        for object in try test.recorded.objects() {
            let record = try #require(
                SlurmRecord(object, noun: test.recorded.noun, version: test.recorded.daemon.version))
            let json = record.json(test.version)
            for property in described {
                if let fault = fault(json, property.path.split(separator: ".").map(String.init)[...], property.kind) {
                    Issue.record("\(test): \(property.path) \(fault)")
                }
            }
        }
    }

    /// What was written as another version is read as the same: a client of the front sees what one of the daemon's would.
    @Test(arguments: cases) func saysTheSameInEveryVersion(at test: Case) throws {
        for object in try test.recorded.objects() {
            let record = try #require(
                SlurmRecord(object, noun: test.recorded.noun, version: test.recorded.daemon.version))
            let again = try #require(
                SlurmRecord(record.json(test.version), noun: test.recorded.noun, version: test.version))
            #expect(record.differences(from: again).filter { !Self.lossy.contains($0) } == [], "\(test)")
        }
    }

    /// Said in one version in a way that another cannot: v0.0.40 tells of the cores that a job has and of no others;
    /// v0.0.45 has words for how a partition binds.
    private static let lossy: Set<String> = ["job_resources", "cpus.task_binding"]

    private func fault(_ json: JSONValue, _ path: ArraySlice<String>, _ kind: String) -> String? {
        guard let step = path.first else { return json.isOf(kind: kind) ? nil : "is \(json.text())" }
        let isList = step.hasSuffix("[]")
        guard let value = json[isList ? String(step.dropLast(2)) : step] else { return "is missing" }
        if step == "job_resources", value.isNull || value == [:] { return nil }
        guard isList else { return fault(value, path.dropFirst(), kind) }
        guard let elements = value.array else { return "is no list" }
        return elements.lazy.compactMap { fault($0, path.dropFirst(), kind) }.first
    }

    /// The same jobs through every version are the same records, as far as a version tells, but for what changes from run
    /// to run.
    @Test(arguments: Fixture.daemons.dropLast()) func everyVersionRecordsTheSame(daemon: Fixture.Daemon) throws {
        let newest = try jobs(Fixture.new)
        for (name, record) in try jobs(daemon) {
            let other = try #require(newest[name])
            var different = Set(record.differences(from: other)).subtracting(Self.varying)
            if daemon.version.takesOptions { different.subtract(Self.old) }
            #expect(different == [], "\(name)")
        }
    }

    private func jobs(_ daemon: Fixture.Daemon) throws -> [String: SlurmRecord] {
        try Dictionary(
            uniqueKeysWithValues: Fixture.reply("jobs", daemon).records(.job).filter {
                $0.text("user_name") == "recorder"
            }
            .map { ($0.text("name") ?? "", $0) })
    }

    private static let varying: Set<String> = [
        "accrue_time", "batch_host", "cluster", "eligible_time", "end_time", "job_id", "array_job_id", "start_time",
        "last_sched_evaluation", "nodes", "priority", "standard_error", "standard_output", "standard_input",
        "submit_time",
        "job_resources",
    ]

    /// What 22.05 does not set, or by other rules than 24.11: its flags are fewer, its CPUs are those of what ran.
    private static let old: Set<String> = [
        "flags", "cpus_per_task", "cpus", "tasks_per_core", "tasks_per_socket", "max_nodes", "thread_spec",
        "state_reason",
        "profile", "show_flags", "core_spec", "billable_tres", "tasks", "state_description",
    ]
}

extension SlurmRecord {
    /// The keys whose values differ, of those that both speak of.
    func differences(from other: SlurmRecord) -> [String] {
        var keys: [String] = []
        for (slot, field) in noun.table.fields.enumerated() {
            if !SlurmRecord.agree(values[slot], other.values[slot]) { keys.append(field.key) }
        }
        return keys
    }

    private static func agree(_ mine: FieldValue, _ theirs: FieldValue) -> Bool {
        switch (mine, theirs) {
        case (.unsaid, _), (_, .unsaid): true
        case (.records(let mine), .records(let theirs)):
            mine.count == theirs.count
                && zip(mine, theirs).allSatisfy { $0.count == $1.count && zip($0, $1).allSatisfy(agree) }
        default: mine == theirs
        }
    }
}
