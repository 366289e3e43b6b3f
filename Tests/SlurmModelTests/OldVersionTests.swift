// SPDX-License-Identifier: Apache-2.0

import StrictJSON
import Testing

@testable import SlurmModel

/// What v0.0.38 says in its own way, as the versions after it say it.
@Suite struct OldVersionTests {
    private let old = APIVersion(rawValue: 38)
    private let new = APIVersion(rawValue: 42)

    private func job(_ members: [(String, JSONValue)]) throws -> SlurmRecord {
        let object = JSONObject([("job_id", 7), ("job_state", "PENDING")] + members)
        return try #require(SlurmRecord(.object(object), noun: .job, version: old))
    }

    @Test func nullIsNoTimeLimit() throws {
        let job = try job([("time_limit", nil)])
        #expect(job["time_limit"] == .infinite)
        #expect(Job(job)?.timeLimit == .unlimited)
        #expect(job.json(new)["time_limit"] == ["set": false, "infinite": true, "number": 0])
        #expect(try self.job([("time_limit", 4_294_967_294)])["time_limit"] == .unset)
        #expect(try self.job([("node_count", -1)])["node_count"] == .infinite)
    }

    @Test func aPriorityOfZeroIsAHold() throws {
        #expect(try job([("priority", 0)]).json(new)["hold"] == true)
        #expect(try job([("priority", 1)]).json(new)["hold"] == false)
        #expect(try job([("priority", nil)]).json(new)["hold"] == false)
    }

    @Test func memoryThatNobodySetIsZero() throws {
        let unset = try job([("memory_per_node", nil), ("memory_per_cpu", nil)])
        #expect(unset["memory_per_node"] == .integer(0) && unset["memory_per_cpu"] == .unset)
        let perCPU = try job([("memory_per_node", nil), ("memory_per_cpu", 100)])
        #expect(perCPU["memory_per_node"] == .unset && perCPU["memory_per_cpu"] == .integer(100))
    }

    @Test func wordsHaveTheirNamesOfToday() throws {
        let job = try job([
            ("flags", ["JOB_ACCRUE_OVER", "JOB_WAS_RUNNING", "KILL_INV_DEP"]), ("shared", "shared"),
            ("profile", ["Energy", "Task"]),
        ])
        #expect(job.json(new)["flags"] == ["ACCRUE_COUNT_CLEARED", "JOB_WAS_RUNNING", "KILL_INVALID_DEPENDENCY"])
        #expect(job.json(new)["shared"] == ["oversubscribe"])
        #expect(job.json(new)["profile"] == ["ENERGY", "TASK"])
        #expect(job.json(new)["job_state"] == ["PENDING"])
        #expect(try self.job([("profile", nil)]).json(new)["profile"] == ["NOT_SET"])
    }

    /// Of 32 bits, and neither NO_VAL nor INFINITE; any version may write one plainly.
    @Test(arguments: [Int64.min, -256, -1, 4_294_967_294, 4_294_967_295, 4_294_967_296, .max], [38, 42])
    func aStatusThatNoProcessHasIsNone(number: Int64, version: Int) throws {
        func read(_ number: Int64) throws -> SlurmRecord {
            try #require(
                SlurmRecord(
                    ["job_id": 7, "job_state": "FAILED", "exit_code": .integer(number)], noun: .job,
                    version: APIVersion(rawValue: version)))
        }
        #expect(try read(number)["exit_code"] == .unset)
        #expect(try read(number).json(new)["exit_code"]?["status"] == ["PENDING"])
        #expect(try read(3 << 8)["exit_code"] == .integer(768))
    }

    /// A signal has seven bits of the status of waitpid(2), and a code what is left above its eight.
    @Test(
        arguments: [
            (#"{"status": ["SIGNALED"], "signal": {"id": {"set": true, "number": 9}}}"#, 9),
            (#"{"status": ["SIGNALED", "CORE_DUMPED"], "signal": {"id": {"set": true, "number": 127}}}"#, 255),
            (#"{"status": ["SIGNALED"], "signal": {"id": {"set": true, "number": 128}}}"#, nil),
            (#"{"status": ["ERROR"], "return_code": {"set": true, "number": 16777215}}"#, 0xffff_ff00),
            (#"{"status": ["ERROR"], "return_code": {"set": true, "number": 16777216}}"#, nil),
            (#"{"status": ["ERROR"], "return_code": {"set": true, "number": -1}}"#, nil),
            (#"{"status": ["SUCCESS"], "return_code": {"set": true, "number": 16777216}}"#, 0),
        ] as [(String, Int64?)])
    func aStatusHasSoManyBits(text: String, wait: Int64?) throws {
        let value = ExitCode.value(try JSONValue(parsing: text))
        #expect(value == wait.map { .integer($0) } ?? .unset)
    }

    @Test func emptyWordsAreNoText() throws {
        let json: JSONValue = [
            "job_id": 7, "state": ["current": "FAILED"], "steps": [["CPU": ["governor": [""]]]],
        ]
        let job = try #require(SlurmRecord(json, noun: .accountingJob, version: old))
        let governor = job.json(new)["steps"]?.array?.first?["CPU"]?["governor"]
        #expect(governor == "0")
    }

    @Test func commasAloneAreNoWords() throws {
        let node = try #require(SlurmRecord(["name": "n1", "features": ","], noun: .node, version: old))
        #expect(node["features"] == .unset && SlurmRecord(packed: node.packed) == node)
    }

    @Test func aStateAndItsFlagsAreOneList() throws {
        let node = try #require(
            SlurmRecord(
                ["name": "n1", "state": "idle", "state_flags": ["DRAIN", "REBOOT"], "features": "a,b"], noun: .node,
                version: old))
        #expect(node.json(new)["state"] == ["IDLE", "DRAIN", "REBOOT"])
        #expect(node.json(new)["features"] == ["a", "b"])
    }

    /// Where output goes is said as a pattern by v0.0.38 and v0.0.43, filled in by those between, by v0.0.43 both ways.
    @Test func outputIsAPatternOrAFile() throws {
        let pattern = try job([("standard_output", "/home/a/out-%j")])
        #expect(pattern.json(new)["standard_output"] == "/home/a/out-%j")
        #expect(pattern.json(APIVersion(rawValue: 43))["stdout_expanded"] == "/home/a/out-%j")
        #expect(Job(pattern)?.standardOutput == "/home/a/out-%j")
        let both = try #require(
            SlurmRecord(
                ["job_id": 7, "job_state": ["RUNNING"], "standard_output": "out-%j", "stdout_expanded": "/a/out-7"],
                noun: .job, version: APIVersion(rawValue: 44)))
        #expect(both.json(new)["standard_output"] == "/a/out-7")
        #expect(Job(both)?.standardOutput == "/a/out-7")
        #expect(both.json(APIVersion(rawValue: 43))["standard_output"] == "out-%j")
    }

    @Test(
        arguments: [
            (0, "SUCCESS", 0, nil, ""), (3 << 8, "ERROR", 3, nil, ""), (9, "SIGNALED", nil, 9, "KILL"),
            (139, "SIGNALED", nil, 11, "SEGV"),
        ] as [(Int64, String, Int?, Int?, String)]) func waitStatusesAreExitCodes(
            wait: Int64, status: String, code: Int?, signal: Int?, name: String
        ) throws
    {
        let exit = try #require(try job([("exit_code", .integer(wait))]).json(new)["exit_code"])
        #expect(exit["status"]?.array?.first == .string(status))
        #expect(exit["return_code"] == ["set": .bool(code != nil), "infinite": false, "number": .integer(code ?? 0)])
        #expect(
            exit["signal"]?["id"] == ["set": .bool(signal != nil), "infinite": false, "number": .integer(signal ?? 0)])
        #expect(exit["signal"]?["name"] == .string(name))
        let again = try #require(SlurmRecord(job([("exit_code", .integer(wait))]).json(new), noun: .job, version: new))
        #expect(again["exit_code"] == .integer(wait))
    }

    @Test func whatHasNotEndedIsPending() {
        let json = ExitCode.json(.unset)
        #expect(json["status"] == ["PENDING"])
        #expect(ExitCode.value(json) == .unset)
    }

    /// slurmrestd 22.05.8 says SUCCESS of every job in accounting that no signal ended.
    @Test func aFailedJobIsNoSuccess() throws {
        let json: JSONValue = [
            "job_id": 7, "state": ["current": "FAILED"], "exit_code": ["status": "SUCCESS", "return_code": 0],
            "steps": [["step": ["job_id": 7, "id": "batch", "name": "batch"]]],
        ]
        let job = try #require(SlurmRecord(json, noun: .accountingJob, version: old))
        #expect(job["exit_code"] == .unset)
        #expect(job.json(new)["steps"]?.array?.first?["step"]?["id"] == "7.batch")
    }

    /// `defaults.memory_per_cpu` is slurmctld's own number: bit 63 says that it counts for a CPU.
    @Test(
        arguments: [
            (nil, nil, 0, 0), (100, nil, 100, 100), (nil, 50, nil, 50 | Int64.min),
        ] as [(Int64?, Int64?, Int64?, Int64)]) func partitionsSayMemoryInOneNumber(
            node: Int64?, cpu: Int64?, perNode: Int64?, raw: Int64
        ) throws
    {
        let json: JSONValue = [
            "name": "p", "default_memory_per_node": node.map { .integer($0) } ?? nil,
            "default_memory_per_cpu": cpu.map { .integer($0) } ?? nil,
        ]
        let partition = try #require(SlurmRecord(json, noun: .partition, version: old))
        #expect(partition["defaults.partition_memory_per_node"] == perNode.map(FieldValue.integer) ?? .unset)
        #expect(partition.json(new)["defaults"]?["memory_per_cpu"] == .integer(raw))
    }

    @Test func limitsOfAccountingAreNull() throws {
        let json: JSONValue = [
            "name": "normal", "id": 1, "priority": 5, "usage_factor": .number("1.5"),
            "limits": ["max": ["jobs": ["per": ["user": nil, "account": 3]]]], "preempt": ["mode": ["CANCEL"]],
        ]
        let qos = try #require(SlurmRecord(json, noun: .qos, version: old)).json(new)
        let per = qos["limits"]?["max"]?["jobs"]?["per"]
        #expect(per?["user"] == ["set": false, "infinite": true, "number": 0])
        #expect(per?["account"] == ["set": true, "infinite": false, "number": 3])
        #expect(qos["usage_factor"]?["number"]?.double == 1.5)
        #expect(qos["preempt"]?["mode"] == ["CANCEL"])
    }

    @Test func usersAndAssociationsAreRead() throws {
        let user = try #require(
            SlurmRecord(
                [
                    "name": "alice", "administrator_level": "Operator", "default": ["account": "lab"],
                    "coordinators": [["name": "lab", "direct": 1]],
                ], noun: .user, version: old)
        ).json(new)
        #expect(user["administrator_level"] == ["Operator"])
        #expect(user["coordinators"]?.array?.first == ["name": "lab", "direct": true])
        let association = try #require(
            SlurmRecord(
                ["account": "lab", "user": "alice", "cluster": "c", "is_default": 1, "qos": ["normal"]],
                noun: .association, version: old))
        #expect(association.json(new)["is_default"] == true)
        #expect(association.json(APIVersion(rawValue: 40))["id"]?["user"] == "alice")
        #expect(association.json(APIVersion(rawValue: 40))["id"]?["id"] == 0)
    }

    @Test func aPingSaysWhetherItWasAnswered() throws {
        let ping = try #require(
            SlurmRecord(["hostname": "c", "ping": "UP", "mode": "primary", "status": 0], noun: .ping, version: old))
        #expect(
            ping.json(new) == [
                "hostname": "c", "pinged": "UP", "responding": true, "latency": 0, "mode": "primary", "primary": true,
            ])
    }

    /// v0.0.40 says which cores the job has, the versions after it also which it has not.
    @Test func coresAreSaidInBothWays() throws {
        let json: JSONValue = [
            "job_id": 7, "job_state": ["RUNNING"],
            "job_resources": [
                "nodes": "n1", "allocated_cores": 2, "allocated_hosts": 1,
                "allocated_nodes": [
                    ["nodename": "n1", "sockets": ["1": ["cores": ["0": "allocated", "2": "allocated_and_in_use"]]]]
                ],
            ],
        ]
        let version = APIVersion(rawValue: 40)
        let job = try #require(SlurmRecord(json, noun: .job, version: version))
        let sockets = job.json(new)["job_resources"]?["nodes"]?["allocation"]?.array?.first?["sockets"]?.array
        #expect(sockets?.count == 2)
        #expect(
            sockets?.last == [
                "index": 1,
                "cores": [
                    ["index": 0, "status": ["ALLOCATED"]], ["index": 1, "status": ["UNALLOCATED"]],
                    ["index": 2, "status": ["ALLOCATED", "IN_USE"]],
                ],
            ])
        #expect(job.json(new)["job_resources"]?["cpus"] == 2)
        let again = try #require(SlurmRecord(job.json(new), noun: .job, version: new)).json(version)
        #expect(
            again["job_resources"]?["allocated_nodes"]?.array?.first?["sockets"]
                == ["1": ["cores": ["0": "allocated", "2": "allocated_and_in_use"]]])
    }

    /// A number beyond any machine makes no record of that size.
    @Test func coresBeyondReasonAreNone() {
        let json: JSONValue = [["index": 4_000_000_000, "cores": [["index": 0, "status": ["ALLOCATED"]]]]]
        #expect(CoreMap.value(json) == .unset)
        #expect(CoreMap.oldValue(["0": ["cores": ["999999999": "allocated"]]]) == .unset)
    }

    @Test func whatNamesNothingIsNoRecord() {
        for json: JSONValue in [
            nil, [], [:], ["job_id": 7], ["job_state": "RUNNING"], ["job_id": 0, "job_state": "RUNNING"],
            ["job_id": nil, "job_state": "RUNNING"], ["job_id": 7, "job_state": []],
        ] {
            #expect(SlurmRecord(json, noun: .job, version: old) == nil, "\(json.text())")
        }
    }
}
