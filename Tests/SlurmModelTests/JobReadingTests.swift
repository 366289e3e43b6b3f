// SPDX-License-Identifier: Apache-2.0

import SallyModel
import StrictJSON
import Testing

@testable import SlurmModel

/// Bodies of slurmrestd's clients, in every version.
@Suite struct JobReadingTests {
    private func read(_ fields: [(String, JSONValue)], _ version: Int = 42) throws -> JobRequest {
        try JobDescription.request(
            from: ["script": "#!/bin/sh\n", "job": .object(JSONObject(fields))], version: APIVersion(rawValue: version))
    }

    private func refusal(_ fields: [(String, JSONValue)], _ version: Int = 42) -> SallyError? {
        #expect(throws: SallyError.self) { try read(fields, version) }
    }

    /// Written in each version and read again, it is the same request.
    @Test(arguments: [36, 37, 38, 40, 41, 42, 43, 44, 45]) func readsWhatItWrites(version: Int) throws {
        var request = try JobRequest(json: JobRequestTests.full)
        request.begin = .at(Timestamp(1_800_000_000))
        request.environment["USER"] = "alice"
        if version <= 38 {
            // What these versions cannot carry.
            request.arguments = []
            request.signal?.batchOnly = false
            (request.switches, request.contiguous) = (nil, false)
            if version < 38 { request.preferred = nil }
        }
        let now = Timestamp(1_700_000_000)
        let job = try JobDescription.properties(request, APIVersion(rawValue: version), now: now)
        var again = try JobDescription.request(
            from: ["job": .object(job), "script": .string(request.script)], version: APIVersion(rawValue: version))
        // Relative where the version knows no other.
        if version <= 38 { again.begin = again.begin.map { .at($0.moment(now: now)) } }
        #expect(again == request)
    }

    @Test func readsTheScriptInTheJob() throws {
        let request = try JobDescription.request(
            from: ["job": ["script": "#!/bin/sh\n", "name": "x"]], version: APIVersion(rawValue: 42))
        #expect(request.script == "#!/bin/sh\n")
        let both: JSONValue = ["script": "#!/bin/sh\n", "job": ["script": "#!/bin/sh\n"]]
        #expect(try JobDescription.request(from: both, version: APIVersion(rawValue: 42)).script == "#!/bin/sh\n")
        let one: JSONValue = ["script": "#!/bin/sh\n", "jobs": [["name": "x"]]]
        #expect(try JobDescription.request(from: one, version: APIVersion(rawValue: 42)).name == "x")
        let emptyList: JSONValue = ["script": "#!/bin/sh\n", "jobs": [], "job": ["name": "x"]]
        #expect(try JobDescription.request(from: emptyList, version: APIVersion(rawValue: 42)).name == "x")
    }

    @Test(
        arguments: [
            (["script": "#!/bin/sh\n", "job": ["script": "#!/bin/bash\n"]], "differs"),
            (["script": "#!/bin/sh\n", "job": [:], "jobs": [[:]]], "exclude each other"),
            (["script": "#!/bin/sh\n", "jobs": [[:], [:]]], "heterogeneous jobs are not offered"),
            (["script": "#!/bin/sh\n"], "job is missing"), (["job": [:]], "script is missing"),
            ([], "expected an object"),
            (["script": "#!/bin/sh\n", "job": [], "x": 1], "job: expected an object"),
            (["script": 5, "job": [:]], "script: expected a text"),
            (["script": "#!/bin/sh\n", "job": [:], "user_name": "root"], "unknown field \"user_name\""),
            (["script": "#!/bin/sh\n", "jobs": ["x"]], "job: expected an object"),
            (["script": "echo", "job": [:]], "does not begin with #!"),
        ] as [(JSONValue, String)]) func refusesBodies(body: JSONValue, says: String)
    {
        let error = #expect(throws: SallyError.self) {
            try JobDescription.request(from: body, version: APIVersion(rawValue: 42))
        }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    /// One defined meaning for each way to write a number.
    @Test(
        arguments: [
            (5, 5), (.number("5.0"), 5), (.number("6e1"), 60), ("5", 5),
            (["set": true, "infinite": false, "number": 5], 5),
            (["number": 5], 5), (["set": true, "number": "5"], 5), (["set": nil, "number": 5], 5),
            (["set": false, "number": 5], nil), (["set": false, "infinite": false, "number": 0], nil), ([:], nil),
            (nil, nil), ("", nil), (4_294_967_294, nil), (["set": true, "infinite": true, "number": 5], -1),
            (["infinite": true, "set": false], -1), ("infinite", -1), ("Infinity", -1), ("UNLIMITED", -1),
            (4_294_967_295, -1),
        ] as [(JSONValue, Int?)]) func readsNumbers(value: JSONValue, minutes: Int?) throws
    {
        for version in [40, 42, 44] {
            let limit = try read([("time_limit", value)], version).timeLimit
            #expect(limit == minutes.map { TimeLimit(minutes: $0 < 0 ? nil : $0) })
        }
    }

    @Test(
        arguments: [
            .number("1.5"), -1, "NaN", "0x10", "1:00", true, [5], ["set": true], ["set": true, "number": nil],
            ["set": "yes", "number": 5], ["number": 5, "unit": "h"], .number("1e30"), 4_294_967_296, 0, ["number": 0],
            ["set": true, "number": "0x10"], " 5",
        ] as [JSONValue]) func refusesNumbers(value: JSONValue)
    {
        #expect(refusal([("time_limit", value)])?.message.hasPrefix("time_limit: expected") == true)
    }

    /// Slurm keeps these in 16 bits and cuts off the rest.
    @Test(arguments: ["cpus_per_task", "tasks_per_node", "minimum_cpus_per_node"]) func refusesWhatSlurmWouldCut(
        name: String
    ) throws {
        #expect(throws: Never.self) { try read([(name, 65533)]) }
        #expect(refusal([(name, 65536)]) != nil)
        #expect(try read([(name, 65534)]) == read([]))
    }

    @Test func readsMemoryWithUnits() throws {
        #expect(try read([("memory_per_node", "4G")]).memoryPerNode == Memory(mebibytes: 4096))
        #expect(try read([("memory_per_node", "4G")], 38).memoryPerNode == Memory(mebibytes: 4096))
        #expect(try read([("memory_per_cpu", ["number": 100])]).memoryPerCPU == Memory(mebibytes: 100))
        #expect(try read([("memory_per_node", ["set": true, "number": 0])]).memoryPerNode == Memory(mebibytes: 0))
        #expect(refusal([("memory_per_node", ["infinite": true])]) != nil)
    }

    @Test func readsTimesInSbatchsNotationWhereSlurmDoes() throws {
        #expect(try read([("time_limit", "1:30:00")], 38).timeLimit?.minutes == 90)
        #expect(try read([("time_limit", 0)], 38).timeLimit == .unlimited)
        #expect(try read([("begin_time", "now+60")], 38).begin == .after(.seconds(60)))
        #expect(try read([("begin_time", ["number": 1_800_000_000])]).begin == .at(Timestamp(1_800_000_000)))
        #expect(try read([("begin_time", 5)]).begin == .after(.zero))
    }

    @Test func readsNodeCounts() throws {
        #expect(try read([("nodes", "2-4")]).nodes == NodeCount(minimum: 2, maximum: 4))
        #expect(try read([("nodes", [2, 4])], 38).nodes == NodeCount(minimum: 2, maximum: 4))
        #expect(try read([("nodes", 3)]).nodes == NodeCount(minimum: 3, maximum: 3))
        #expect(try read([("minimum_nodes", 2), ("maximum_nodes", 4)]).nodes == NodeCount(minimum: 2, maximum: 4))
        // Slurm would give each task a node.
        #expect(try read([("minimum_nodes", 2), ("tasks", 8)]).nodes == NodeCount(minimum: 2, maximum: 8))
        #expect(try read([("minimum_nodes", 2)]).nodes == NodeCount(minimum: 2, maximum: 2))
        #expect(try read([("maximum_nodes", 4)]).nodes == NodeCount(minimum: 1, maximum: 4))
        #expect(try read([("nodes", "2"), ("minimum_nodes", 2)]).nodes == NodeCount(minimum: 2, maximum: 2))
        #expect(refusal([("nodes", "2-4"), ("minimum_nodes", 1)])?.message.contains("contradicts") == true)
        #expect(refusal([("minimum_nodes", 4), ("maximum_nodes", 2)]) != nil)
        #expect(refusal([("nodes", [1, 2, 3])], 38) != nil)
        // A flag before v0.0.39.
        #expect(refusal([("minimum_nodes", true)], 38)?.code == .unsupported)
        #expect(try read([("minimum_nodes", false)], 38).nodes == nil)
    }

    @Test func readsGPUsInEverySpelling() throws {
        for text in ["gres/gpu:a100:2", "gres:gpu:a100:2", "gres/gpu:a100=2", "gpu:a100:2"] {
            #expect(
                try read([("tres_per_node", .string(text))]).gpusPerNode == GPUCounts(byType: ["a100": 2], untyped: 0))
        }
        let several = try read([("tres_per_job", ["gres/gpu:a100:2", "gres/gpu:v100:1"])])
        #expect(several.gpus == GPUCounts(byType: ["a100": 2, "v100": 1], untyped: 0))
        #expect(try read([("gpus", 2)], 38).gpus == GPUCounts(byType: [:], untyped: 2))
        #expect(try read([("gres", "gpu:2")], 38).gpusPerNode == GPUCounts(byType: [:], untyped: 2))
        let perGPU = try read([
            ("tres_per_job", "gres/gpu:2"), ("cpus_per_tres", "gres/gpu:3"), ("memory_per_tres", "gres:gpu=1G"),
        ])
        #expect(perGPU.cpusPerGPU == 3 && perGPU.memoryPerGPU == Memory(mebibytes: 1024))
        #expect(refusal([("tres_per_node", "gres/fpga:1")])?.code == .unsupported)
        #expect(refusal([("tres_per_job", "license/x:1")])?.code == .unsupported)
        #expect(refusal([("tres_per_socket", "gres/gpu:1")])?.code == .unsupported)
        #expect(refusal([("cpus_per_tres", "gres/fpga:1"), ("tres_per_job", "gres/gpu:1")])?.code == .unsupported)
        #expect(refusal([("gres", "gpu:2"), ("gpus_per_node", "3")], 38) != nil)
    }

    @Test func readsEnvironments() throws {
        for value in [["A=b=c", "E="], ["A": "b=c", "E": ""]] as [JSONValue] {
            for version in [38, 40, 42] {
                #expect(try read([("environment", value)], version).environment == ["A": "b=c", "E": ""])
            }
        }
        #expect(try read([("environment", ["A": 5])]).environment == ["A": "5"])
        for value in [["A"], ["A=1", "A=2"], ["A": nil], ["A": true], "A=b", [5], ["SLURM_JWT=x"], ["SPANK_X=1"]]
            as [JSONValue]
        {
            let error = refusal([("environment", value)])
            #expect(error?.message.hasPrefix("environment") == true)
            #expect(error?.message.contains("x\"") == false)
        }
    }

    @Test func readsListsAndWords() throws {
        for value in ["n[1-2],n4", ["n[1-2]", "n4"], ["n1", "n2", "n4"]] as [JSONValue] {
            #expect(try read([("required_nodes", value)]).requiredNodes?.names == ["n1", "n2", "n4"])
        }
        for value in [["END", "TIME=90%", "INVALID_DEPENDENCY"], "end,TIME_LIMIT_90,INVALID_DEPEND"] as [JSONValue] {
            for version in [38, 42] {
                #expect(
                    try read([("mail_type", value)], version).mail == MailEvents("END,TIME_LIMIT_90,INVALID_DEPEND"))
            }
        }
        #expect(try read([("open_mode", ["APPEND"])]).openMode == .append)
        #expect(try read([("open_mode", "append")], 38).openMode == .append)
        #expect(try read([("shared", ["none"])]).exclusive == .node)
        #expect(try read([("shared", "user")]).exclusive == .user)
        #expect(try read([("exclusive", ["true"])], 40).exclusive == .node)
        #expect(try read([("exclusive", ["false"])], 40).exclusive == nil)
        #expect(try read([("exclusive", "user")], 38).exclusive == .user)
        for (name, value) in [
            ("shared", ["mcs"]), ("shared", ["oversubscribe"]), ("shared", ["none", "user"]),
            ("open_mode", ["APPEND", "TRUNCATE"]),
            ("flags", ["SPREAD_JOB"]), ("flags", ["KILL_INVALID_DEPENDENCY", "STEPMGR_ENABLED"]),
            ("mail_type", ["NEVER"]),
            ("kill_warning_flags", ["FULL_JOB"]), ("required_nodes", ["n1": true]), ("name", true), ("hold", "maybe"),
            ("hold", 2),
        ] as [(String, JSONValue)] {
            #expect(refusal([(name, value)]) != nil, "\(name)")
        }
        #expect(try read([("flags", ["KILL_INVALID_DEPENDENCY"])]).killOnInvalidDependency == true)
        #expect(try read([("flags", [])]) == read([]))
    }

    @Test func readsSignals() throws {
        let whole = try read([
            ("kill_warning_signal", "SIGUSR1"), ("kill_warning_delay", ["set": true, "number": 30]),
            ("kill_warning_flags", ["BATCH_JOB"]),
        ])
        #expect(whole.signal?.description == "B:USR1@30")
        #expect(try read([("kill_warning_signal", 10)]).signal?.description == "10@60")
        #expect(refusal([("kill_warning_delay", 5)]) != nil)
        #expect(try read([("signal", "B:USR1@30")], 38).signal?.batchOnly == true)
    }

    @Test func readsFlagsAndPriorities() throws {
        #expect(try read([("hold", true)]).hold)
        #expect(try read([("priority", ["set": true, "number": 0])]).hold)
        #expect(try read([("priority", 0)], 38).hold)
        #expect(refusal([("priority", 100)])?.code == .unsupported)
        #expect(refusal([("priority", 0), ("hold", false)]) != nil)
        #expect(try read([("requeue", "false")]).requeue == false)
        #expect(try read([("no_requeue", true)], 38).requeue == false)
        #expect(try read([("no_requeue", false)], 38).requeue == nil)
        #expect(refusal([("no_requeue", true), ("requeue", true)], 38) != nil)
        #expect(try read([("kill_on_node_fail", false)]).noKill)
        #expect(try read([("no_kill", "set")], 38).noKill && read([("no_kill", true)], 38).noKill)
        #expect(try !read([("no_kill", "off")], 38).noKill)
        #expect(refusal([("no_kill", "x")], 38) != nil)
        #expect(try read([("kill_on_invalid_dependency", true)], 38).killOnInvalidDependency == true)
        #expect(try read([("kill_on_invalid_dependency", "no")], 38).killOnInvalidDependency == false)
        #expect(try read([("nice", 5)]).nice == 5)
        #expect(refusal([("nice", -5)]) != nil)
        #expect(try read([("required_switches", 2), ("wait_for_switch", 90)]).switches?.description == "2@0-00:01:30")
        #expect(refusal([("wait_for_switch", 90)]) != nil)
        #expect(try read([("argv", ["x", "a", "b c"])]).arguments == ["a", "b c"])
    }

    /// Every field that is refused, in every version that has it: by name, with its reason, unless it says nothing.
    @Test(arguments: [36, 37, 38, 40, 41, 42, 43, 44, 45]) func refusesByName(version: Int) throws {
        for field in jobDescriptionFields {
            guard case .refused(let reason) = field.policy else { continue }
            for spelling in field.spellings where spelling.versions.contains(version) {
                let name = String(spelling.name.prefix { $0 != "." })
                for value in [1, "x", ["x"], ["a": 1], true, ["set": false, "infinite": true]] as [JSONValue] {
                    let error = refusal([(name, value)], version)
                    #expect(error?.code == .unsupported && error?.hint == reason.hint, "\(name)")
                    #expect(error?.message == "field \(name) is not offered: \(reason.reason)")
                }
                for value in [nil, "", [], [:], ["set": false, "number": 5]] as [JSONValue] {
                    #expect(try read([(name, value)], version) == read([], version), "\(name)")
                }
            }
        }
    }

    @Test func stripsWhatMeansNothing() throws {
        #expect(
            try read([("allocation_node_list", "x"), ("reserve_ports", 5), ("allocation_node_port", 7)]) == read([]))
    }

    @Test func namesTheVersionsThatHaveAField() {
        #expect(refusal([("cores_per_socket", 2)], 42)?.message == "v0.0.42 has no field cores_per_socket")
        #expect(refusal([("cores_per_socket", 2)], 42)?.hint == "known in v0.0.36, v0.0.37, v0.0.38, v0.0.40, v0.0.45")
        #expect(refusal([("resv_mpi_ports", 2)], 42)?.hint == "known in v0.0.41")
        #expect(refusal([("nosuch", 2)])?.message == "unknown field \"nosuch\"")
        #expect(refusal([("Partition", "x")], 38) != nil)
    }

    @Test func namesEveryProblemAtOnce() {
        let error = refusal([("nosuch", 1), ("time_limit", true), ("partition", "-x"), ("wckey", "x")])
        for word in ["unknown field \"nosuch\"", "time_limit: expected", "partition", "field wckey is not offered"] {
            #expect(error?.message.contains(word) == true, "\(word)")
        }
        #expect(error?.code == .invalidRequest)
        #expect(refusal([("wckey", "x"), ("licenses", "y")])?.code == .unsupported)
    }

    @Test func doubledKeysAreNoJSON() {
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: Array(#"{"job": {"partition": "a", "partition": "b"}}"#.utf8))
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(#"{"job": {"time_limit": NaN}}"#.utf8)) }
    }
}
