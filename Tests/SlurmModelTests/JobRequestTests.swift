// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import StrictJSON
import Testing

@Suite struct JobRequestTests {
    static let full: JSONValue = [
        "script": "#!/bin/sh\nid\n", "arguments": ["a", "b c"], "account": "research", "array": "0-9%2",
        "begin": "now+60",
        "chdir": "/home/alice", "comment": "hi",
        "constraint": "intel&[rack1|rack2]", "cpus_per_task": 2, "dependency": "afterok:1", "error": "err-%j",
        "exclude": "n9", "exclusive": "user", "mail_type": "END,FAIL", "nodelist": "n[1-2]",
        "gpus_per_node": "a100:1", "hold": true, "input": "/dev/null", "job_name": "train", "mem": "4G", "nice": 10,
        "nodes": "1-2", "ntasks": 4, "ntasks_per_node": 2, "open_mode": "append", "output": "out-%j",
        "partition": "gpu,debug",
        "qos": "normal", "requeue": false, "reservation": "maint", "signal": "B:USR1@60", "time": "1-00:00:00",
        "time_min": "1:00:00", "mincpus": 2, "ntasks_per_socket": 1, "prefer": "fast", "tmp": "1G", "no_kill": true,
        "kill_on_invalid_dep": "yes", "contiguous": true, "switches": "1@10:00",
        "environment": ["PATH": "/bin", "A": "b"],
    ]

    @Test func readsEveryField() throws {
        let request = try JobRequest(json: JobRequestTests.full)
        #expect(request.partitions.map(\.rawValue) == ["gpu", "debug"])
        #expect(request.requeue == false)
        #expect(request.gpusPerNode == GPUCounts(byType: ["a100": 1], untyped: 0))
        #expect(request.timeLimit?.minutes == 1440)
        #expect(request.environment == ["PATH": "/bin", "A": "b"])
        // What is written is read again as the same request.
        #expect(try JobRequest(json: request.json) == request)
        #expect(try StrictDecoder.decode(JobRequest.self, from: StrictEncoder.encode(request)) == request)
    }

    @Test func coversTheWholeList() throws {
        let keys = Set(JobRequestTests.full.object?.map(\.key) ?? [])
        // mem_per_cpu and mem_per_gpu exclude mem, cpus_per_gpu excludes cpus_per_task; gres is gpus_per_node; the others are alternatives.
        let others: Set<String> = ["mem_per_cpu", "gres", "gpus", "gpus_per_task", "cpus_per_gpu", "mem_per_gpu"]
        #expect(Set(JobField.allCases.map(\.rawValue)).subtracting(keys) == others)
        #expect(Set(RefusedField.byName.keys).isDisjoint(with: JobField.allCases.map(\.rawValue)))
        // No name stands under two reasons.
        #expect(RefusedField.allCases.flatMap(\.names).count == RefusedField.byName.count)
    }

    private func refusal(_ fields: [(String, JSONValue)], script: String = "#!/bin/sh\n") -> SallyError? {
        #expect(throws: SallyError.self) {
            try JobRequest(json: .object(JSONObject([("script", .string(script))] + fields)))
        }
    }

    @Test(arguments: RefusedField.byName.keys.sorted()) func refusesByNameWhatIsNotOffered(name: String) {
        let error = refusal([(name, 1)])
        #expect(error?.code == .unsupported)
        #expect(error?.message.hasPrefix("field \(name) is not offered: ") == true)
        #expect(error?.hint?.isEmpty == false)
    }

    @Test(arguments: [
        "user_id", "group_id", "spank_environment", "crontab", "mail_user", "required_nodes", "constraints",
        "container",
        "priority", "shared", "tres_per_job", "admin_comment", "reboot", "burst_buffer", "licenses",
        "flags", "deadline",
        "memory_per_node", "time_limit", "tasks", "current_working_directory", "uid", "gid", "x11", "wckey", "network",
    ]) func refusesSlurmsOwnNames(name: String) {
        #expect(RefusedField.byName[name] != nil)
    }

    @Test func namesEveryProblemAtOnce() {
        let error = refusal([("tme", 5), ("nodes", "0"), ("nice", -5), ("user_id", 0), ("hold", "yes")])
        #expect(error?.code == .invalidRequest)
        for word in [
            "unknown field \"tme\"", "nodes \"0\"", "nice \"-5\"", "field user_id is not offered",
            "hold: expected true or false",
        ] {
            #expect(error?.message.contains(word) == true, "\(word)")
        }
    }

    @Test(
        arguments: [
            ("script", 5 as JSONValue), ("arguments", "x"), ("arguments", [1]), ("environment", ["A=b"]),
            ("environment", ["A": 1]),
            ("ntasks", "4"), ("ntasks", .number("1.5")), ("ntasks", 0), ("ntasks", -1), ("hold", 1),
            ("partition", ["gpu"]),
            ("partition", nil),
            ("partition", ""), ("partition", "gpu,"), ("partition", "gpu,gpu"), ("partition", "-x"), ("account", "a b"),
            ("chdir", "home"),
            ("chdir", ""), ("job_name", "a\nb"), ("comment", ""), ("output", "a\u{0}b"), ("mem_per_cpu", 0),
            ("open_mode", "write"),
            ("job_name", "x\u{2028}y"), ("nodes", nil), ("time", [:]), ("cpus_per_task", .number("1e2")),
            ("exclusive", true), ("exclusive", "mcs"), ("exclusive", ""), ("cpus_per_gpu", 0), ("mem_per_gpu", "0"),
            ("nodelist", ""), ("nodelist", "/etc/hosts"), ("nodelist", "a b"), ("nodelist", "n[1"), ("nodelist", "-x"),
            ("nodelist", "n[1-9999]"), ("exclude", "ä"), ("mail_type", "SOMETIMES"), ("mail_type", "NONE,END"),
            ("mail_type", ""), ("constraint", ""), ("constraint", "a*2"), ("constraint", "[a*2&b*1]"),
            ("constraint", "a&"), ("constraint", "(a"), ("constraint", "a)"), ("constraint", "(a]"),
            ("constraint", "a b"),
            ("switches", "0"), ("switches", "1@"), ("switches", "x"), ("switches", "1@infinite"), ("tmp", "9999T"),
            ("kill_on_invalid_dep", "maybe"), ("mincpus", 65534), ("cpus_per_task", 65534), ("prefer", "a*2"),
            ("constraint", "-a"), ("constraint", "&a"), ("constraint", "()"),
        ] as [(String, JSONValue)]) func refusesWrongValues(key: String, value: JSONValue)
    {
        let fields: [(String, JSONValue)] = key == "script" ? [] : [(key, value)]
        if key == "script" {
            #expect(throws: SallyError.self) { try JobRequest(json: ["script": value]) }
        } else {
            #expect(refusal(fields) != nil)
        }
    }

    /// docs/fields.md, under "How values are read": what bodies in Slurm's shape may say, and this one may not.
    @Test(arguments: JobField.allCases) func noFieldTakesSlurmsStructures(field: JobField) {
        let nothing: [JSONValue] = [
            nil, "", [], [:], ["set": false], ["set": true, "number": 5], ["number": 5], ["set": true],
            ["infinite": true],
        ]
        for value in nothing { #expect(refusal([(field.rawValue, value)]) != nil, "\(value.text())") }
        switch field.kind {
        case .integer:
            for value: JSONValue in ["5", .number("5.0"), .number("5.5"), -1, 4_294_967_295, true] {
                #expect(refusal([(field.rawValue, value)]) != nil, "\(value.text())")
            }
        case .flag:
            for value: JSONValue in ["true", "yes", 1, "false", 0] {
                #expect(refusal([(field.rawValue, value)]) != nil, "\(value.text())")
            }
        case .text: #expect(refusal([(field.rawValue, ["a", "b"])]) != nil)
        }
    }

    @Test(
        arguments: [
            ("time", "5", 5), ("time", 5, 5), ("time", "unlimited", nil), ("time", "infinite", nil), ("time", 0, nil),
            ("time_min", "0", nil),
        ] as [(String, JSONValue, Int?)]) func timesAreInSbatchsNotation(key: String, value: JSONValue, minutes: Int?)
        throws
    {
        let request = try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n"), (key, value)])))
        let limit = try #require(key == "time" ? request.timeLimit : request.timeMinimum)
        #expect(limit.minutes == minutes)
    }

    @Test func numbersAreReadWhereTextsAreAndNothingIsEmpty() throws {
        let request = try JobRequest(json: [
            "script": "#!/bin/sh\n", "nodes": "5", "mem": 5, "job_name": 5, "ntasks": 5, "arguments": [],
            "environment": [:],
        ])
        let five = try NodeCount("5")
        #expect(request.nodes == five && request.memoryPerNode == Memory(mebibytes: 5))
        #expect(request.name == "5" && request.tasks == 5 && request.arguments == [] && request.environment == [:])
    }

    /// Named, because the scripts themselves are up to 4 MiB long.
    struct BadScript: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var script: String
        var says: String

        init(_ name: String, _ script: String, says: String) {
            testDescription = name
            self.script = script
            self.says = says
        }
    }

    @Test(arguments: [
        BadScript("empty", "", says: "script is missing"),
        BadScript("without #!", "echo", says: "does not begin with #!"),
        BadScript("DOS line breaks", "#!/bin/sh\r\n", says: "DOS line breaks"),
        BadScript("NUL", "#!/bin/sh\0", says: "NUL"),
        BadScript(
            "too long", "#!/bin/sh\n" + String(repeating: "#", count: 4 << 20), says: "longer than 4194304 bytes"),
    ]) func refusesScripts(bad: BadScript) {
        // Not the whole error: its comparison would be printed with the script.
        let says = refusal([], script: bad.script)?.message.contains(bad.says) == true
        #expect(says)
    }

    @Test(arguments: [
        "SLURM_JWT", "SLURM_GET_USER_ENV", "SPANK_X", "_SLURM_SPANK_OPTION_pyxis_container_image", "1A", "A B",
        "BASH_FUNC_x%%", "", "A=B", "Ä",
    ]) func refusesVariables(
        name: String
    ) {
        #expect(
            refusal([("environment", .object(JSONObject([(name, .string("x"))])))])?.message.hasPrefix("environment")
                == true)
    }

    /// Of a script's head slurmctld's plugins take them for options.
    @Test(arguments: ["#BB create_persistent name=x", "#DW jobdw capacity=500TB", "#BB_LUA pool=x"])
    func refusesBurstBuffers(line: String) throws {
        for head in ["", "#SBATCH -n1\n\n"] {
            let problem = refusal([], script: "#!/bin/sh\n\(head)\(line)\ntrue\n")
            #expect(problem?.message.contains("burst buffers") == true && problem?.hint == nil)
        }
        // A remark of another form, and what stands behind the first command.
        _ = try JobRequest(json: ["script": .string("#!/bin/sh\n#\(line)\n # \(line)\ntrue\n\(line)\n")])
    }

    /// Each would be copied once for every number, or told in every event.
    @Test func boundsWhatGrows() throws {
        let long = String(repeating: "a", count: JobRequest.longestNotation)
        for (key, text) in [
            ("nodelist", "\(String(repeating: "a", count: 100_000))[0-4095]"), ("nodelist", long + "a"),
            ("dependency", "afterok" + String(repeating: ":1", count: 1 << 20)),
            ("gpus", (0..<65).map { "a\($0):1" }.joined(separator: ",")),
        ] {
            #expect(refusal([(key, .string(text))])?.code == .invalidRequest, "\(key)")
        }
        let most = (0..<64).map { "a\($0):1" }.joined(separator: ",")
        _ = try JobRequest(json: ["script": "#!/bin/sh\n", "gpus": .string(most)])
    }

    /// Of many mistakes the first are told.
    @Test func tellsTheFirstTwentyMistakes() throws {
        let fields = (0..<1000).map { ("x\($0)", JSONValue.null) }
        let refusal = try #require(self.refusal(fields))
        #expect(refusal.message.split(separator: ";").count == 20, "\(refusal)")
    }

    @Test func refusesWhatContradictsItself() {
        #expect(refusal([("mem", "1G"), ("mem_per_cpu", "1G")])?.message == "mem and mem_per_cpu exclude each other")
        #expect(
            refusal([("mem_per_gpu", "1G"), ("mem_per_cpu", "1G"), ("gpus", "1")])?.message
                == "mem_per_cpu and mem_per_gpu exclude each other")
        #expect(
            refusal([("cpus_per_gpu", 2), ("cpus_per_task", 1), ("gpus", "1")])?.message
                == "cpus_per_task and cpus_per_gpu exclude each other")
        #expect(refusal([("cpus_per_gpu", 2)])?.message == "cpus_per_gpu needs gpus")
        #expect(refusal([("mem_per_gpu", "1G")])?.message == "mem_per_gpu needs gpus")
        #expect(
            refusal([("nodelist", "n[1-3]"), ("nodes", "1-2")])?.message == "nodelist names 3 nodes, and nodes is 1-2")
        #expect(
            refusal([("nodelist", "n[1-3]"), ("exclude", "n2")])?.message == "nodelist and exclude both name n2")
        #expect(refusal([("gpus_per_task", "1")]) != nil)
        #expect(refusal([("ntasks_per_socket", 1)])?.message == "ntasks_per_socket needs ntasks")
        #expect(refusal([("nodes", "4"), ("ntasks", 2)]) != nil)
        #expect(
            refusal([("nodes", "20505-30000"), ("ntasks_per_node", 65513)])?.message
                == "nodes 20505-30000 with ntasks_per_node 65513 are more than 10000000 tasks")
        #expect(throws: Never.self) {
            try JobRequest(json: ["script": "#!/bin/sh\n", "nodes": "10000000", "ntasks_per_node": 1])
        }
        #expect(refusal([("gres", "gpu:1"), ("gpus_per_node", "2")]) != nil)
        #expect(refusal([("time", "10"), ("time_min", "20")]) != nil)
    }

    /// Which field, and which of the two rules.
    @Test(arguments: ["partition", "qos", "reservation"]) func listsNameEachOnceAnd32AtMost(name: String) {
        #expect(refusal([(name, "b,a,a")])?.message.contains("\(name) \"b,a,a\" names a twice") == true)
        func list(_ count: Int) -> JSONValue { .string((1...count).map { "x\($0)" }.joined(separator: ",")) }
        #expect(refusal([(name, list(33))])?.message.contains("names 33, and 32 is the most") == true)
        #expect(throws: Never.self) {
            try JobRequest(json: .object(JSONObject([("script", "#!/bin/sh\n"), (name, list(32))])))
        }
    }

    @Test(arguments: [.null, "x", [], 1] as [JSONValue]) func refusesWhatIsNoObject(json: JSONValue) {
        #expect(throws: SallyError.self) { try JobRequest(json: json) }
    }
}
