// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SlurmModel
import SlurmTestSupport
import Testing

@Suite struct SubmitGateTests {
    private let ledger = MemoryLedger()

    private func gate(_ ledger: MemoryLedger? = nil) throws -> Gate {
        Gate(
            ledger: ledger ?? self.ledger, policy: PolicySource(try Policy(rules: demoRules())), clock: FixedClock())
    }

    /// A job within every limit of `researchers`, changed by `change`.
    private func submit(
        key: String = "k", handedOnTo alternate: String? = nil, _ change: (inout JobRequest) throws -> Void = { _ in }
    ) throws -> Submit {
        var request = JobRequest(script: "#!/bin/sh\n")
        request.partitions = [PartitionName(unchecked: "debug")]
        request.account = AccountName(unchecked: "research")
        request.memoryPerNode = try Memory("1G")
        request.timeLimit = try TimeLimit("10")
        try change(&request)
        var partitions = ["debug", "gpu"].map(Partition.sample)
        partitions[0].alternate = alternate
        let job = try request.resolved(
            with: ClusterDefaults(partitions: partitions, nodes: Node.samples(of: partitions), account: nil),
            user: alice.account)
        return Submit(cluster: demo, job: job, bounds: ResourceBounds(of: job), idempotencyKey: key)
    }

    private func refusal(_ submit: Submit, by who: Asker, _ ledger: MemoryLedger? = nil) async throws -> SallyError {
        try await #require(throws: SallyError.self) {
            _ = try await gate(ledger).authorize(submit, by: principal(who), fingerprint: "f", request: "r")
        }
    }

    @Test func anAllowedJobIsRecordedAndReserved() async throws {
        let admission = try await gate().authorize(submit(), by: principal(alice), fingerprint: "f", request: "r")
        guard case .proceed(let authorized, reservation: 1) = admission else {
            Issue.record("\(admission)")
            return
        }
        #expect(authorized.position?.sequence == 1)
        #expect(ledger.events.map(\.action) == ["job.submit"])
        #expect(ledger.events.map(\.rule) == ["researchers"])
        #expect(
            ledger.reservations == [
                SubmissionDraft(
                    person: PersonID(rawValue: 7), cluster: demo, operation: .submit, idempotencyKey: "k",
                    fingerprint: "f")
            ])
    }

    @Test func aRefusedJobIsRecordedAndNeverReserved() async throws {
        let error = try await refusal(submit { $0.partitions = [PartitionName(unchecked: "gpu")] }, by: alice)
        #expect(error.code == .denied)
        #expect(ledger.reservations.isEmpty)
        #expect(ledger.events.map(\.outcome) == [.refused])
    }

    /// slurm.conf(5), Alternate.
    @Test func aPartitionThatMayGetTheJobIsJudgedAndSaysWhy() async throws {
        let error = try await refusal(submit(handedOnTo: "gpu"), by: alice)
        #expect(
            error.code == .denied && error.message.hasPrefix("partition debug hands jobs on to gpu: partition gpu "))
        let named = try await refusal(
            submit(handedOnTo: "gpu") { $0.partitions = [PartitionName(unchecked: "gpu")] }, by: alice)
        #expect(named.message.hasPrefix("partition gpu "))
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let apply: @Sendable (inout JobRequest) throws -> Void
        init(_ name: String, _ apply: @escaping @Sendable (inout JobRequest) throws -> Void) {
            testDescription = name
            self.apply = apply
        }
    }

    private static let tooMuch: [Change] = [
        Change("nodes") { $0.nodes = try NodeCount("1-3") },
        Change("nodes by tasks") { $0.tasks = 3 },
        Change("CPUs") { $0.cpusPerTask = 9 },
        Change("memory") { $0.memoryPerNode = try Memory("9G") },
        Change("all memory") { $0.memoryPerNode = try Memory("0") },
        Change("typed GPUs") { $0.gpus = try GPUCounts(gpus: "a100:1") },
        Change("untyped GPUs") { $0.gpusPerNode = try GPUCounts(gpus: "1") },
        Change("time") { $0.timeLimit = try TimeLimit("61") },
        Change("no end") { $0.timeLimit = .unlimited },
        Change("array tasks") { $0.array = try ArraySpec("0-10") },
    ]

    @Test(arguments: tooMuch) func everyFigureOfARequestIsJudged(_ change: Change) async throws {
        let error = try await refusal(submit { try change.apply(&$0) }, by: alice)
        #expect(error.code == .limitExceeded)
        #expect(ledger.reservations.isEmpty)
    }

    private static let notGranted: [Change] = [
        Change("account") { $0.account = AccountName(unchecked: "secret") },
        Change("QOS") { $0.qos = [QOSName(unchecked: "urgent")] },
        Change("reservation") { $0.reservations = [ReservationName(unchecked: "course")] },
        Change("second partition") { $0.partitions.append(PartitionName(unchecked: "gpu")) },
    ]

    @Test(arguments: notGranted) func everyNameOfARequestIsJudged(_ change: Change) async throws {
        let error = try await refusal(submit { try change.apply(&$0) }, by: alice)
        #expect(error.code == .denied)
        #expect(ledger.reservations.isEmpty)
    }

    @Test func anEndedSessionSubmitsNothing() async throws {
        ledger.end(try principal(alice).session)
        #expect(try await refusal(submit(), by: alice).code == .unauthenticated)
        #expect(ledger.events.isEmpty)
        #expect(ledger.reservations.isEmpty)
    }

    @Test func aDiskThatIsFullSubmitsNothing() async throws {
        let full = MemoryLedger(failure: SallyError(.unavailable, "disk full"))
        #expect(try await refusal(submit(), by: alice, full).code == .unavailable)
        #expect(full.reservations.isEmpty)
    }

    @Test func theSameKeyWithAnotherRequestIsAConflictAndLeavesNoEvent() async throws {
        _ = try await gate().authorize(submit(), by: principal(alice), fingerprint: "other", request: nil)
        #expect(try await refusal(submit(), by: alice).code == .keyReused)
        #expect(ledger.events.count == 1)
    }

    @Test func aRepeatedRequestIsAnsweredAndNotAuthorized() async throws {
        let gate = try gate()
        func again() async throws -> SubmitAdmission {
            try await gate.authorize(submit(), by: principal(alice), fingerprint: "f", request: nil)
        }
        _ = try await again()
        guard case .outcomeUnknown(1) = try await again() else {
            Issue.record("not unknown")
            return
        }
        ledger.settle("k", as: .answered(try JobID("42")))
        guard case .answered(let job) = try await again() else {
            Issue.record("not answered")
            return
        }
        #expect(job.rawValue == 42)
        ledger.settle("k", as: .refused(SlurmRefusal(number: 2050, text: "limit")))
        guard case .refused(let refusal) = try await again() else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.number == 2050)
        #expect(ledger.reservations.count == 1)
    }
}

extension Partition {
    /// 4 nodes with 64 CPUs and 64 GiB in all.
    fileprivate static func sample(_ name: String) -> Partition {
        Partition(
            name: name, isDefault: name == "debug", totalNodes: 4, totalCPUs: 64, totalMemory: Memory(mebibytes: 65536))
    }
}
