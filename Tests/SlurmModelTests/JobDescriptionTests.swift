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
            ($0.contiguous, $0.switches) = (false, nil)
        }
        let body = try JobDescription.json(job, version: APIVersion(rawValue: 38), now: now)
        #expect(body["script"] == "#!/bin/sh\nid\n")
        let expected: JSONValue = [
            "name": "train", "partition": "gpu,debug", "account": "research", "qos": "normal", "reservation": "maint",
            "nodes": "1-2", "tasks": 4, "tasks_per_node": 2, "cpus_per_task": 2, "memory_per_node": 4096,
            "constraints": "intel&[rack1|rack2]", "nodelist": "n1,n2", "exclude_nodes": "n9", "exclusive": "user",
            "mail_type": "END,FAIL",
            "gpus_per_node": "a100:1",
            "time_limit": 1440, "time_minimum": 60, "array": "0-9%2", "dependency": "afterok:1", "begin_time": "now+60",
            "current_working_directory": "/home/alice", "standard_output": "out-%j", "standard_error": "err-%j",
            "standard_input": "/dev/null", "open_mode": "append",
            "environment": ["A": "b", "HOME": "/home/alice", "LOGNAME": "alice", "PATH": "/bin", "USER": "alice"],
            "comment": "hi",
            "no_requeue": true, "hold": true, "nice": 10, "signal": "USR1@60", "minimum_cpus_per_node": 2,
            "tasks_per_socket": 1, "prefer": "fast", "temporary_disk_per_node": 1024, "no_kill": "set",
            "kill_on_invalid_dependency": "yes",
        ]
        #expect(body["job"] == expected)
    }

    @Test(arguments: [40, 41, 42]) func speaksStructures(version: Int) throws {
        let body = try JobDescription.json(resolved(), version: APIVersion(rawValue: version), now: now)
        func number(_ value: Int) -> JSONValue { ["set": true, "infinite": false, "number": .integer(value)] }
        let expected: JSONValue = [
            "name": "train", "argv": ["train", "a", "b c"], "partition": "gpu,debug", "account": "research",
            "qos": "normal",
            "reservation": "maint", "minimum_nodes": 1, "maximum_nodes": 2,
            "constraints": "intel&[rack1|rack2]", "required_nodes": ["n1", "n2"], "excluded_nodes": ["n9"],
            "shared": ["user"], "mail_type": ["END", "FAIL"], "tasks": 4, "tasks_per_node": 2,
            "cpus_per_task": 2,
            "memory_per_node": number(4096), "tres_per_node": "gres/gpu:a100:1", "time_limit": number(1440),
            "time_minimum": number(60),
            "array": "0-9%2", "dependency": "afterok:1", "begin_time": number(1_000_000_060),
            "current_working_directory": "/home/alice", "standard_output": "out-%j", "standard_error": "err-%j",
            "standard_input": "/dev/null", "open_mode": ["APPEND"],
            "environment": ["A=b", "HOME=/home/alice", "LOGNAME=alice", "PATH=/bin", "USER=alice"], "comment": "hi",
            "requeue": false,
            "hold": true, "nice": 10, "kill_warning_signal": "USR1", "kill_warning_delay": number(60),
            "kill_warning_flags": ["BATCH_JOB"], "minimum_cpus_per_node": 2, "tasks_per_socket": 1, "prefer": "fast",
            "temporary_disk_per_node": 1024, "kill_on_node_fail": false, "flags": ["KILL_INVALID_DEPENDENCY"],
            "contiguous": true, "required_switches": number(1), "wait_for_switch": 600,
        ]
        #expect(body["job"] == expected)
        #expect(body.object?.count == 2)
    }

    @Test func namesWhatAVersionCannotCarry() throws {
        let error = #expect(throws: SallyError.self) {
            try JobDescription.json(resolved(), version: APIVersion(rawValue: 38), now: now)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message == "arguments, contiguous, switches, signal with B:: not offered on this cluster")
    }

    @Test func writesUnlimitedTimes() throws {
        let job = try resolved {
            $0.arguments = []
            $0.signal = nil
            ($0.contiguous, $0.switches) = (false, nil)
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

    @Test func countsPerGPU() throws {
        let job = try resolved {
            $0.arguments = []
            $0.signal = nil
            ($0.contiguous, $0.switches) = (false, nil)
            ($0.cpusPerTask, $0.memoryPerNode) = (nil, nil)
            ($0.cpusPerGPU, $0.memoryPerGPU, $0.exclusive) = (3, Memory(mebibytes: 512), .node)
            $0.mail = try? MailEvents("ALL,TIME_LIMIT_80")  // what is nil here fails below
        }
        let old = try JobDescription.json(job, version: APIVersion(rawValue: 38), now: now)["job"]
        #expect(old?["cpus_per_gpu"] == 3)
        #expect(old?["memory_per_gpu"] == 512)
        #expect(old?["exclusive"] == "exclusive")
        #expect(old?["mail_type"] == "BEGIN,END,FAIL,REQUEUE,INVALID_DEPEND,STAGE_OUT,TIME_LIMIT_80")
        let new = try JobDescription.json(job, version: APIVersion(rawValue: 42), now: now)["job"]
        #expect(new?["cpus_per_tres"] == "gres/gpu:3")
        #expect(new?["memory_per_tres"] == "gres/gpu:512")
        #expect(new?["shared"] == ["none"])
        #expect(
            new?["mail_type"] == ["BEGIN", "END", "FAIL", "REQUEUE", "INVALID_DEPENDENCY", "STAGE_OUT", "TIME=80%"])
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
