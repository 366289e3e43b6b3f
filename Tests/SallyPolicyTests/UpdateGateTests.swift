// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SlurmModel
import SlurmTestSupport
import StrictJSON
import Testing

/// An update is allowed where everything that may become of the job is, and a refusal is recorded like that of a submission.
@Suite struct UpdateGateTests {
    private let ledger = MemoryLedger()

    private func gate(_ rules: [Rule]) throws -> Gate {
        Gate(ledger: ledger, policy: PolicySource(try Policy(rules: rules)), clock: FixedClock())
    }

    private func update(
        _ body: JSONValue, of job: [(String, JSONValue)] = [], usual: String? = "normal"
    ) throws -> UpdateJob {
        var existing = JSONObject([
            ("account", "research"), ("partition", "debug"), ("qos", "normal"), ("tasks", 1), ("cpus", 1),
            ("max_nodes", 1), ("memory_per_node", 100), ("time_limit", 10), ("tres_req_str", "cpu=1,mem=100M,node=1"),
        ])
        for (key, value) in job { existing[key] = value }
        let partitions = ["debug", "gpu"].map {
            Partition(
                name: $0, isDefault: $0 == "debug", totalNodes: 4, totalCPUs: 64, totalMemory: Memory(mebibytes: 65536))
        }
        var defaults = ClusterDefaults(
            partitions: partitions, nodes: Node.samples(of: partitions), account: nil)
        if let usual { defaults.usualQOS = [AccountName(unchecked: "research"): QOSName(unchecked: usual)] }
        let update = try JobUpdate(from: body, version: APIVersion(rawValue: 42))
        return UpdateJob(
            cluster: demo, job: try JobID("12"), owner: alice.account, update: update,
            outcomes: try update.outcomes(
                of: .object(existing), from: APIVersion(rawValue: 42), defaults: defaults, user: alice.account))
    }

    private func code(_ update: UpdateJob, _ rules: [Rule] = demoRules()) async throws -> SallyError.Code? {
        do {
            _ = try await gate(rules).authorize(update, by: principal(alice), request: "r")
            return nil
        } catch let error as SallyError {
            return error.code
        }
    }

    @Test func anAllowedUpdateIsRecorded() async throws {
        #expect(try await code(update(["name": "x"])) == nil)
        #expect(ledger.events.map(\.action) == ["job.update"] && ledger.events.map(\.outcome) == [.allowed])
        #expect(ledger.events.map(\.rule) == ["researchers"])
        #expect(ledger.events.first?.details.contains { $0.name == "bounds" } == true)
    }

    @Test func aRefusedUpdateIsRecorded() async throws {
        #expect(try await code(update(["partition": "gpu"])) == .denied)
        #expect(try await code(update(["time_limit": 61])) == .limitExceeded)
        #expect(ledger.events.map(\.outcome) == [.refused, .refused])
        #expect(ledger.events.allSatisfy { $0.action == "job.update" && $0.target == "12" })
    }

    /// A part of it would be more than the rule permits, though the whole is not.
    @Test func everythingThatMayBecomeOfTheJobHasToBeAllowed() async throws {
        let wide = [("max_nodes", 4)] as [(String, JSONValue)]
        #expect(try await code(update(["maximum_nodes": 2], of: wide)) == nil)
        #expect(try await code(update(["maximum_nodes": 2, "time_limit": 20], of: wide)) == .limitExceeded)
        #expect(ledger.events.map(\.outcome) == [.allowed, .refused])
    }

    /// The rule names no QOS: what is judged is what the job has, and only the default of the association is none.
    @Test func aQOSThatAnUpdateSetOnceIsNotForgotten() async throws {
        #expect(try await code(update(["qos": "long"])) == .denied)
        let flagged = [("qos", "long"), ("flags", ["USING_DEFAULT_QOS"])] as [(String, JSONValue)]
        #expect(try await code(update(["name": "x"], of: flagged)) == .denied)
        #expect(try await code(update(["name": "x"], of: flagged, usual: "long")) == nil)
        #expect(try await code(update(["name": "x"], usual: nil)) == .denied)
    }

    /// A deny rule about QOS knows which one the job has.
    @Test func aDenyRuleIsAboutTheQOSThatTheJobHas() async throws {
        let rules = demoRules() + [rule("not-long", .deny, qos: only("long"))]
        #expect(try await code(update(["name": "x"]), rules) == nil)
        #expect(try await code(update(["name": "x"], of: [("qos", "long")], usual: "long"), rules) == .denied)
    }

    @Test func nothingIsNotAllowed() throws {
        let policy = try Policy(rules: demoRules())
        #expect(!policy.decide(.become(demo, []), for: alice).isAllowed)
    }
}
