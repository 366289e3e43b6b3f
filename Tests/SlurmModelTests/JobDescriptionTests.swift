// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@Suite struct JobDescriptionTests {
    private let now = Timestamp(1_000_000_000)

    private func resolved(_ change: (inout JobRequest) -> Void = { _ in }) throws -> ResolvedJob {
        var request = try JobRequest(json: JobRequestTests.full)
        change(&request)
        let partitions = ["gpu", "debug"].map {
            Partition(name: $0, isDefault: false, totalNodes: 2, totalCPUs: 8, totalMemory: nil)
        }
        return try request.resolved(
            with: ClusterDefaults(partitions: partitions, account: nil, home: "/home/alice"), user: UserName("alice"))
    }

    @Test func speaksV38() throws {
        let job = try resolved {
            $0.arguments = []
            $0.signal?.batchOnly = false
        }
        let body = try JobDescription.json(job, version: APIVersion(rawValue: 38), now: now)
        #expect(body["script"] == "#!/bin/sh\nid\n")
        let expected: JSONValue = [
            "name": "train", "partition": "gpu,debug", "account": "research", "qos": "normal", "reservation": "maint",
            "nodes": "1-2", "tasks": 4, "tasks_per_node": 2, "cpus_per_task": 2, "memory_per_node": 4096,
            "gpus_per_node": "a100:1",
            "time_limit": 1440, "time_minimum": 60, "array": "0-9%2", "dependency": "afterok:1", "begin_time": "now+60",
            "current_working_directory": "/home/alice", "standard_output": "out-%j", "standard_error": "err-%j",
            "standard_input": "/dev/null", "open_mode": "append",
            "environment": ["A": "b", "HOME": "/home/alice", "LOGNAME": "alice", "PATH": "/bin", "USER": "alice"],
            "comment": "hi",
            "no_requeue": true, "hold": true, "nice": 10, "signal": "USR1@60",
        ]
        #expect(body["job"] == expected)
    }

    @Test(arguments: [40, 41, 42]) func speaksStructures(version: Int) throws {
        let body = try JobDescription.json(resolved(), version: APIVersion(rawValue: version), now: now)
        func number(_ value: Int) -> JSONValue { ["set": true, "infinite": false, "number": .integer(value)] }
        let expected: JSONValue = [
            "name": "train", "argv": ["train", "a", "b c"], "partition": "gpu,debug", "account": "research",
            "qos": "normal",
            "reservation": "maint", "minimum_nodes": 1, "maximum_nodes": 2, "tasks": 4, "tasks_per_node": 2,
            "cpus_per_task": 2,
            "memory_per_node": number(4096), "tres_per_node": "gres/gpu:a100:1", "time_limit": number(1440),
            "time_minimum": number(60),
            "array": "0-9%2", "dependency": "afterok:1", "begin_time": number(1_000_000_060),
            "current_working_directory": "/home/alice", "standard_output": "out-%j", "standard_error": "err-%j",
            "standard_input": "/dev/null", "open_mode": ["APPEND"],
            "environment": ["A=b", "HOME=/home/alice", "LOGNAME=alice", "PATH=/bin", "USER=alice"], "comment": "hi",
            "requeue": false,
            "hold": true, "nice": 10, "kill_warning_signal": "USR1", "kill_warning_delay": number(60),
            "kill_warning_flags": ["BATCH_JOB"],
        ]
        #expect(body["job"] == expected)
        #expect(body.object?.count == 2)
    }

    @Test func namesWhatAVersionCannotCarry() throws {
        let error = #expect(throws: SallyError.self) {
            try JobDescription.json(resolved(), version: APIVersion(rawValue: 38), now: now)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message == "arguments, signal with B:: not offered on this cluster")
    }

    @Test func writesUnlimitedTimes() throws {
        let job = try resolved {
            $0.arguments = []
            $0.signal = nil
            $0.timeMinimum = nil
            $0.timeLimit = .unlimited
        }
        let old = try JobDescription.json(job, version: APIVersion(rawValue: 38), now: now)
        #expect(old["job"]?["time_limit"] == "infinite")
        let new = try JobDescription.json(job, version: APIVersion(rawValue: 42), now: now)
        #expect(new["job"]?["time_limit"] == ["set": false, "infinite": true, "number": 0])
    }

    /// The same job gives the same bytes, whatever order a dictionary has.
    @Test func isCanonical() throws {
        let first = try JobDescription.json(resolved(), version: APIVersion(rawValue: 42), now: now).bytes()
        for _ in 0..<20 {
            #expect(try JobDescription.json(resolved(), version: APIVersion(rawValue: 42), now: now).bytes() == first)
        }
    }

    @Test func countsTasksAsSbatchDoes() throws {
        let job = try resolved { $0.tasks = nil }
        let body = try JobDescription.json(job, version: APIVersion(rawValue: 42), now: now)
        #expect(body["job"]?["tasks"] == 2)
    }

    @Test func knowsItsVersions() throws {
        #expect(try APIVersion("v0.0.42").rawValue == 42)
        for text in ["v0.0.39", "v0.0.99", "42", "v0.0.", "v0.0.-1", "dbv0.0.38", "v0.0.42x"] {
            #expect(throws: SallyError.self) { try APIVersion(text) }
        }
    }
}
