// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

@testable import SallyGateway

/// Which limits are named of those that associations and QOS have.
@Suite struct SubmissionLimitsTests {
    private static let version = APIVersion(rawValue: 42)

    private static func record(_ noun: SlurmNoun, _ values: [(String, FieldValue)]) -> SlurmRecord {
        var record = SlurmRecord(noun, version: version)
        for (key, value) in values { record[key] = value }
        return record
    }

    private static func association(
        _ user: String, _ account: String, _ limits: [(String, FieldValue)], parent: String? = nil,
        partition: String? = nil
    ) -> SlurmRecord {
        record(
            .association,
            [
                ("cluster", .text("demo")), ("user", .saying(user)), ("account", .text(account)),
                ("parent_account", .saying(parent)), ("partition", .saying(partition)),
            ] + limits)
    }

    private static func qos(_ name: String, _ limits: [(String, FieldValue)], denies: Bool = false) -> SlurmRecord {
        record(.qos, [("name", .text(name)), ("flags", denies ? .words(["DENY_LIMIT"]) : .unset)] + limits)
    }

    /// As slurmdbd answers it.
    private static func read(_ noun: SlurmNoun, _ text: String) throws -> SlurmRecord {
        try #require(SlurmRecord(try JSONValue(parsing: text), noun: noun, version: version))
    }

    private static func words(
        _ associations: [SlurmRecord], _ qos: [SlurmRecord], naming: [String] = [], partitionQOS: [String] = []
    ) -> String? {
        SubmissionLimits(associations: associations, qos: qos).words(
            SubmissionLimits.Job(
                user: UserName(unchecked: "alice"), account: AccountName(unchecked: "lab"),
                partitions: [PartitionName(unchecked: "debug")], qos: naming.map { QOSName(unchecked: $0) },
                partitionQOS: partitionQOS))
    }

    private static let normal = qos("normal", [])

    /// Alice's, with account lab.
    private static func job() throws -> ResolvedJob {
        try JobRequest(json: try JSONValue(parsing: goodJob)).resolved(
            with: ClusterDefaults(
                partitions: testPartitions, nodes: testNodes, account: AccountName(unchecked: "lab"),
                home: "/home/alice"),
            user: UserName(unchecked: "alice"))
    }

    @Test func ownLimitsAndThoseOfTheAccountsAboveAreNamed() {
        let known = [
            Self.association(
                "alice", "lab", [("max.jobs.total", .integer(1)), ("max.jobs.per.wall_clock", .integer(90))]),
            Self.association("", "lab", [("max.jobs.per.submitted", .integer(20))], parent: "dept"),
            Self.association("", "dept", [], parent: "root"),
            Self.association("", "root", [("max.jobs.per.submitted", .integer(500))]),
        ]
        #expect(
            Self.words(known, [Self.normal])
                == "MaxSubmitJobs=1, MaxWall=1:30:00 of your association with account lab; "
                + "GrpSubmitJobs=20 of account lab; GrpSubmitJobs=500 of account root")
    }

    @Test func whatIsAnothersIsNotNamed() {
        let limit: [(String, FieldValue)] = [("max.jobs.total", .integer(1))]
        let others = [
            Self.association("bob", "lab", limit), Self.association("alice", "far", limit),
            Self.association("alice", "lab", limit, partition: "gpu"),
            Self.association("", "far", [("max.jobs.per.submitted", .integer(3))]),
        ]
        #expect(Self.words(others, [Self.normal]) == nil)
        let here = Self.association("alice", "lab", limit, partition: "debug")
        #expect(
            Self.words(others + [here], [Self.normal])
                == "MaxSubmitJobs=1 of your association with account lab in partition debug")
        #expect(Self.words([], [Self.normal, Self.qos("high", [("limits.max.jobs.per.user", .integer(1))])]) == nil)
    }

    @Test func aZeroIsALimitAndInfiniteIsNone() {
        let known = Self.association(
            "alice", "lab", [("max.jobs.total", .integer(0)), ("max.jobs.per.wall_clock", .infinite)])
        #expect(Self.words([known], [Self.normal]) == "MaxSubmitJobs=0 of your association with account lab")
    }

    /// The job's QOS, the association's where it names none, and its partitions'.
    @Test func theJobsQOSAreNamed() {
        let limit: [(String, FieldValue)] = [("limits.max.jobs.per.user", .integer(4))]
        let known = [
            Self.association("alice", "lab", [("qos", .words(["High"]))]),
            Self.association("", "lab", [], parent: "root"), Self.association("", "root", []),
        ]
        let qos = [Self.qos("High", limit), Self.qos("long", limit), Self.qos("sally-debug", limit)]
        #expect(Self.words(known, qos) == "MaxSubmitJobsPerUser=4 of QOS High")
        #expect(Self.words(known, qos, naming: ["long"]) == "MaxSubmitJobsPerUser=4 of QOS long")
        #expect(
            Self.words(known, qos, naming: ["long"], partitionQOS: ["sally-debug"])
                == "MaxSubmitJobsPerUser=4 of QOS long; MaxSubmitJobsPerUser=4 of QOS sally-debug")
    }

    /// With such a limit a job only waits, unless a QOS denies it or the job has none.
    @Test func whatWouldOnlyWaitIsNotNamed() throws {
        let association = try Self.read(
            .association,
            #"""
            {"account": "lab", "user": "alice", "cluster": "demo", "default": {"qos": "normal"},
             "max": {"tres": {"per": {"job": [{"type": "cpu", "name": "", "id": 1, "count": 8},
              {"type": "gres", "name": "gpu", "id": 1001, "count": 2}, {"type": "mem", "name": "", "id": 2, "count": -2}]}}}}
            """#)
        let limited = Self.qos("normal", [("limits.max.wall_clock.per.job", .integer(1440))])
        #expect(Self.words([association], [limited]) == nil)
        let denying = Self.qos("normal", [("limits.max.wall_clock.per.job", .integer(1440))], denies: true)
        let all = "MaxTRES=cpu=8,gres/gpu=2 of your association with account lab"
        #expect(Self.words([association], [denying]) == "\(all); MaxWall=1-00:00:00 of QOS normal")
        #expect(Self.words([association], []) == all)
        #expect(
            Self.words(
                [association], [limited, Self.qos("sally-debug", [], denies: true)], partitionQOS: ["sally-debug"])
                == "\(all); MaxWall=1-00:00:00 of QOS normal")
    }

    @Test func accountsAboveEachOtherAreNoWayRound() {
        let round = [
            Self.association("", "lab", [], parent: "dept"),
            Self.association("", "dept", [("max.jobs.per.submitted", .integer(2))], parent: "lab"),
        ]
        #expect(Self.words(round, [Self.normal]) == "GrpSubmitJobs=2 of account dept")
    }

    /// A list that takes long holds up no answer.
    @Test func slurmdbdHasLittleTimeToNameALimit() async throws {
        let refusal = SlurmRefusal(number: 2050, text: "no")
        try await withWorld { world, _ in
            let latch = Latch()
            world.queue.change { state in
                state.blocksLists = latch
                state.records = [
                    .associations: [Self.association("alice", "lab", [("max.jobs.total", .integer(1))])],
                    .qos: [Self.normal],
                ]
            }
            var finder = LimitFinder(
                slurmName: "demo", hasAccounting: true, listings: world.cluster.listings, keeper: world.cluster.keeper)
            #expect(finder.patience == .seconds(3))
            finder.patience = .milliseconds(1)
            let job = try Self.job()
            try await withThrowingTaskGroup(of: Void.self) { [hasty = finder] group in
                defer { latch.open() }
                group.addTask { _ = try await world.cluster.listings.read(.associations) }
                try await eventually("the list is being read") { !world.queue.now.listed.isEmpty }
                let told = Latch()
                group.addTask {
                    #expect(await hasty.explained(refusal, of: job) == refusal)
                    told.open()
                }
                try await eventually("the refusal is told") { told.isOpen }
                latch.open()
                try await group.waitForAll()
            }
            finder.patience = .seconds(240)
            #expect(await finder.explained(refusal, of: job).advice?.contains("MaxSubmitJobs=1 of your") == true)
            // Another refusal is nothing that limits explain.
            let other = SlurmRefusal(number: 2051, text: "no")
            #expect(await finder.explained(other, of: job) == other)
        }
    }

    /// One slurmdbd serves several clusters: the same person and account have other limits on another one.
    @Test func limitsOfAnotherClusterAreNotNamed() async throws {
        try await withWorld { world, _ in
            let there = [
                Self.association("alice", "lab", [("max.jobs.total", .integer(1))]),
                Self.association("", "lab", [("max.jobs.per.submitted", .integer(3))]),
            ].map { record -> SlurmRecord in
                var record = record
                record["cluster"] = .text("far")
                return record
            }
            let here = Self.association("alice", "lab", [("max.jobs.total", .integer(7))])
            world.queue.change { $0.records = [.associations: there + [here], .qos: [Self.normal]] }
            let finder = LimitFinder(
                slurmName: "demo", hasAccounting: true, listings: world.cluster.listings, keeper: world.cluster.keeper,
                patience: .seconds(240))
            let job = try Self.job()
            let told = await finder.explained(SlurmRefusal(number: 2050, text: "no"), of: job)
            let advice = try #require(told.advice)
            #expect(advice.contains("MaxSubmitJobs=7 of your association with account lab: wait"), "\(advice)")
            #expect(!advice.contains("MaxSubmitJobs=1 ") && !advice.contains("GrpSubmitJobs"), "\(advice)")
        }
    }
}
