// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@testable import SlurmModel

/// The same nodes, partitions, accounts and ended jobs through each API version of real daemons are the same records, as far as
/// a version tells of them: nobody above this target can tell the versions apart. Jobs in the queue: RecordVersionTests.
@Suite struct NounContractTests {
    /// One recorded list, and where it may differ.
    struct Listed: Sendable, CustomTestStringConvertible {
        var file: String
        var noun: SlurmNoun
        /// What names an entry.
        var names: [String]
        /// What changes from recording to recording.
        var varying: Set<String> = []
        /// What 22.05 does not set, or sets by other rules than 24.11.
        var old: Set<String> = []
        /// What 22.05 does not list.
        var missing: Set<String> = []
        var testDescription: String { file }
    }

    static let lists = [
        Listed(
            file: "nodes", noun: .node, names: ["name"],
            varying: ["address", "boot_time", "cpu_load", "free_mem", "last_busy", "slurmd_start_time"],
            // Its own version; what is used of GRES where there are none.
            old: ["version", "gres_used"]),
        // The host of slurmrestd by address, by name in 24.11.
        Listed(file: "partitions", noun: .partition, names: ["name"], old: ["nodes.allowed_allocation"]),
        Listed(file: "reservations", noun: .reservation, names: ["name"], varying: ["start_time", "end_time"]),
        Listed(file: "qos", noun: .qos, names: ["name"], old: ["preempt.mode"]),
        // 24.11 lists associations, and which account is the default, only to who asks for them.
        Listed(file: "accounts", noun: .account, names: ["name"], old: ["associations"]),
        Listed(file: "users", noun: .user, names: ["name"], old: ["associations", "default.account", "flags"]),
        // v0.0.41 and v0.0.42 write 0 for every id.
        Listed(
            file: "associations", noun: .association, names: ["account", "user"], varying: ["cluster", "id"],
            old: ["is_default"]),
        Listed(
            file: "accounting-jobs", noun: .accountingJob, names: ["name", "user"],
            // A job with a field that nobody knows: 22.05 refuses it.
            varying: accountingVaries, old: accountingOld, missing: ["x of recorder"]),
    ]

    /// Numbers, moments and what they are part of.
    private static let accountingVaries: Set<String> = [
        "job_id", "array.job_id", "cluster", "association.cluster", "association.id", "nodes", "priority",
        "stdout_expanded", "stderr_expanded", "time.elapsed", "time.eligible", "time.end", "time.planned", "time.start",
        "time.submission", "time.system.microseconds", "time.system.seconds", "time.total.microseconds",
        "time.total.seconds", "time.user.microseconds", "time.user.seconds", "steps.step.id", "steps.nodes.range",
        "steps.nodes.list", "steps.time.elapsed", "steps.time.end", "steps.time.start",
        "steps.time.system.microseconds",
        "steps.time.system.seconds", "steps.time.total.microseconds", "steps.time.total.seconds",
        "steps.time.user.microseconds", "steps.time.user.seconds",
    ]
    /// Its accounting says 0 of every job that no signal ended, and has other flags.
    private static let accountingOld: Set<String> = ["exit_code", "flags", "steps.exit_code"]

    @Test(arguments: lists, Array(Fixture.daemons.dropLast())) func everyVersionRecordsTheSame(
        list: Listed, daemon: Fixture.Daemon
    ) throws {
        let newest = try records(list, Fixture.new)
        let these = try records(list, daemon)
        let missing = daemon.version.takesOptions ? list.missing : []
        #expect(!these.isEmpty && Set(these.keys) == Set(newest.keys).subtracting(missing))
        for (name, record) in these {
            let other = try #require(newest[name])
            var different = differences(record.values, other.values, list.noun.table).subtracting(list.varying)
            if daemon.version.takesOptions { different.subtract(list.old) }
            #expect(different == [], "\(name)")
        }
    }

    /// What is said to differ does: a rule that nothing needs any more is none.
    @Test(arguments: lists) func whatMayDifferDoes(list: Listed) throws {
        var different: Set<String> = []
        let newest = try records(list, Fixture.new)
        for daemon in Fixture.daemons.dropLast() {
            for (name, record) in try records(list, daemon) {
                different.formUnion(
                    differences(record.values, try #require(newest[name]).values, list.noun.table))
            }
        }
        #expect(list.old.subtracting(different) == [])
    }

    /// The keys whose values differ, of those that both speak of; those of the objects in a list by themselves.
    private func differences(
        _ mine: [FieldValue], _ theirs: [FieldValue], _ table: NounTable, in path: String = ""
    ) -> Set<String> {
        var keys: Set<String> = []
        for (slot, field) in table.fields.enumerated() {
            switch (mine[slot], theirs[slot]) {
            case (.unsaid, _), (_, .unsaid): continue
            case (.records(let mine), .records(let theirs)) where mine.count == theirs.count:
                guard let inner = field.inner else { continue }
                for (mine, theirs) in zip(mine, theirs) {
                    keys.formUnion(differences(mine, theirs, inner, in: "\(path)\(field.key)."))
                }
            case (let mine, let theirs):
                if mine != theirs { keys.insert(path + field.key) }
            }
        }
        return keys
    }

    private func records(_ list: Listed, _ daemon: Fixture.Daemon) throws -> [String: SlurmRecord] {
        var found: [String: SlurmRecord] = [:]
        for record in try Fixture.reply(list.file, daemon).records(list.noun) {
            let name = list.names.map { record.text($0) ?? "" }.joined(separator: " of ")
            // Accounting keeps what other recordings on the same host left.
            guard list.noun != .accountingJob || record.text("user") == "recorder" else { continue }
            #expect(found[name] == nil, "\(list.file) has \(name) twice")
            found[name] = record
        }
        return found
    }
}
