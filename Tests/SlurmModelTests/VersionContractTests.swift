// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

/// The same jobs, submitted through each API version to real daemons, read back as the same values: nobody above this
/// target can tell the versions apart but by what one of them does not report.
@Suite struct VersionContractTests {
    private static let names = ["done", "failed", "killed", "held", "array", "running", "cancelled"]

    /// Without what differs from run to run.
    private func neutral(_ job: Job) throws -> Job {
        var job = job
        #expect(job.submitted != nil)
        job.submitted = nil
        job.started = job.started.map { _ in Timestamp(0) }
        job.ended = job.ended.map { _ in Timestamp(0) }
        if job.arrayID != nil { job.arrayID = try JobID("1") }
        for path in [\Job.standardOutput, \.standardError, \.standardInput] {
            job[keyPath: path] = job[keyPath: path]?.replacing("\(job.id)", with: "ID")
        }
        job.priority = nil
        job.nodeList = job.nodeList.map { _ in "NODE" }
        job.id = try JobID("1")
        return job
    }

    private func jobs(_ daemon: Fixture.Daemon) throws -> [String: Job] {
        try Dictionary(
            uniqueKeysWithValues: Fixture.reply("jobs", daemon).jobs().filter { $0.user == "recorder" }
                .map { ($0.name, try neutral($0)) })
    }

    /// v0.0.38 keeps to itself where output goes unless it was asked for, CPUs of what never ran, and memory that is the
    /// default, and nice; one reason has another name. Everything else is equal.
    private func reduced(_ job: Job, _ version: APIVersion) -> Job {
        guard version.takesOptions else { return job }
        var job = job
        for path in [\Job.standardOutput, \.standardError, \.standardInput] { job[keyPath: path] = nil }
        if job.memoryPerNode == Memory(mebibytes: 0) { job.memoryPerNode = nil }
        if job.states == [.cancelled] { job.cpus = nil }
        job.nice = nil
        if job.reason == "RaisedSignal" { job.reason = "JobLaunchFailure" }
        return job
    }

    @Test(arguments: Fixture.daemons.dropLast()) func everyVersionTellsTheSame(daemon: Fixture.Daemon) throws {
        let newest = try jobs(Fixture.new)
        let these = try jobs(daemon)
        for name in Self.names {
            let (mine, theirs) = (try #require(these[name]), try #require(newest[name]))
            #expect(reduced(mine, daemon.version) == reduced(theirs, daemon.version), "\(name)")
        }
    }

    /// `GET /jobs/state/` and `GET /jobs/` of one moment agree.
    @Test(arguments: Fixture.daemons.filter(\.version.listsStates)) func statesAreThoseOfTheJobs(
        daemon: Fixture.Daemon
    ) throws {
        let jobs = try Fixture.reply("jobs", daemon).jobs()
        let entries = try Fixture.reply("jobs-state", daemon).jobStates()
        #expect(Set(entries.map(\.job)) == Set(jobs.map(\.id)))
        for entry in entries {
            let job = try #require(jobs.first { $0.id == entry.job })
            #expect(entry.states == job.states, "\(job.name)")
        }
    }

    /// While an array waits, its tasks' files are a pattern and no file.
    @Test(arguments: Fixture.daemons.filter { !$0.version.takesOptions }) func aWaitingArrayHasNoTaskNumber(
        daemon: Fixture.Daemon
    ) throws {
        let array = try #require(try Fixture.reply("jobs", daemon).jobs().first { $0.name == "array" })
        #expect(array.standardOutput == "/home/recorder/slurm-\(array.id)_%a.out")
    }

    /// Who was ended by a signal has no exit status, in whichever form it is reported.
    @Test(arguments: Fixture.daemons) func aSignalLeavesNoExitStatus(daemon: Fixture.Daemon) throws {
        let killed = try #require(try Fixture.reply("jobs", daemon).jobs().first { $0.name == "killed" })
        #expect(killed.signal == 9 && killed.exitStatus == nil)
    }
}
