// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

@Suite struct SlurmEnvelopeTests {
    /// Whole answers of daemons, list and envelope, go out as they came in.
    @Test(
        arguments: Fixture.daemons.filter { !$0.version.takesOptions },
        [
            ("jobs", SlurmNoun.job), ("nodes", .node), ("partitions", .partition), ("accounting-jobs", .accountingJob),
            ("cancel-others", .cancellation), ("ping", .ping), ("job-missing", .job),
            ("accounting-job-missing", .accountingJob), ("diag", .diagnosis), ("qos", .qos), ("users", .user),
        ]) func encodesWholeAnswers(daemon: Fixture.Daemon, answer: (file: String, noun: SlurmNoun)) throws
    {
        let reply = try Fixture.reply(answer.file, daemon)
        let json: JSONValue
        // A list that is none is left away.
        if answer.noun == .diagnosis {
            let record = try #require(
                SlurmRecord(reply.json["statistics"] ?? .null, noun: .diagnosis, version: daemon.version))
            json = SlurmEnvelope(reply).json(.diagnosis, [record], daemon.version)
        } else if reply.json[try #require(answer.noun.listKey(daemon.version))] != nil {
            json = SlurmEnvelope(reply).json(answer.noun, try reply.records(answer.noun), daemon.version)
        } else {
            json = SlurmEnvelope(reply).json(daemon.version)
        }
        for difference in differences(reply.json, json) {
            Issue.record("\(daemon) \(answer.file): \(difference)")
        }
    }

    @Test(arguments: Fixture.daemons.filter { !$0.version.takesOptions }) func encodesAnswersToSubmissions(
        daemon: Fixture.Daemon
    ) throws {
        for name in ["submit-done", "submit-unknown-key"] {
            let reply = try Fixture.reply(name, daemon)
            let record = try #require(SlurmRecord(reply.json, noun: .submission, version: daemon.version))
            #expect(differences(reply.json, SlurmEnvelope(reply).json(.submission, [record], daemon.version)) == [])
        }
        let refused = try Fixture.reply("submit-unknown-account", daemon)
        #expect(differences(refused.json, SlurmEnvelope(refused).json(daemon.version)) == [])
    }

    /// `results` of an update that changed no job is null or empty; the rest is as it came.
    @Test(arguments: Fixture.daemons.filter { !$0.version.takesOptions }) func encodesAnswersToUpdates(
        daemon: Fixture.Daemon
    ) throws {
        let reply = try Fixture.reply("hold", daemon)
        let json = SlurmEnvelope(reply).json(.updateResult, [], daemon.version)
        #expect(differences(reply.json, json).filter { !$0.hasPrefix(".results") } == [])
    }

    @Test func readsTheEnvelopeOfTheOldVersion() throws {
        let envelope = SlurmEnvelope(try Fixture.reply("jobs", Fixture.old))
        #expect(envelope.meta.release == "22.05.8")
        #expect(envelope.meta.pluginType == "openapi/v0.0.38")
        #expect(envelope.errors.isEmpty && envelope.lastUpdate == nil)
        let refused = SlurmEnvelope(try Fixture.reply("submit-unknown-account", Fixture.old))
        #expect(refused.errors.map(\.number) == [2045])
        let missing = SlurmEnvelope(try Fixture.reply("job-missing", Fixture.old))
        #expect(missing.errors.first?.number == 2017)
        #expect(missing.errors.first?.source == "slurm_load_job")
    }

    /// As slurmrestd of 24.11.5 signs.
    @Test(arguments: Fixture.daemons.filter { !$0.version.takesOptions }) func signsAsSlurmrestdDoes(
        daemon: Fixture.Daemon
    ) throws {
        for (name, accounting) in [("jobs", false), ("accounting-jobs", true)] {
            let theirs = SlurmEnvelope(try Fixture.reply(name, daemon)).meta
            var ours = SlurmMeta(
                accounting: accounting, version: daemon.version, release: daemon.release,
                cluster: try #require(theirs.cluster))
            ours.clientSource = theirs.clientSource
            ours.clientUser = theirs.clientUser
            ours.clientGroup = theirs.clientGroup
            #expect(ours == theirs)
        }
    }

    @Test func writesReleasesInThreeNumbers() {
        let meta = SlurmMeta(accounting: false, version: APIVersion(rawValue: 42), release: "24.05.0-rc1", cluster: "c")
        let json = meta.record.json(APIVersion(rawValue: 42))
        #expect(json["slurm"]?["version"] == ["major": "24", "minor": "05", "micro": "0"])
        #expect(json["slurm"]?["release"] == "24.05.0-rc1")
    }

    /// A list stands under the version's own key, with what that version puts beside it.
    @Test(arguments: NounTableTests.versions) func putsBesideListsWhatTheVersionPromises(version: Int) throws {
        let version = APIVersion(rawValue: version)
        let envelope = SlurmEnvelope(
            meta: SlurmMeta(accounting: false, version: version, release: "24.11.5", cluster: "c"),
            lastUpdate: Timestamp(7))
        let around = try DescribedProperty.all(version.rawValue).filter(\.isAround)
        #expect(around.count > 3)
        for property in around {
            let json = envelope.json(property.noun, [], version)
            #expect(json[property.path] != nil, "\(property)")
        }
        #expect(envelope.json(.job, [], version)["last_update"] == ["set": true, "infinite": false, "number": 7])
    }
}
