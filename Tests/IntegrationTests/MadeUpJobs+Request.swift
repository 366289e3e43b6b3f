// SPDX-License-Identifier: Apache-2.0

import StrictJSON

extension MadeUpJobs {
    /// What the requests are cut out for.
    enum Shape {
        /// templates/demo.yaml and demo13.yaml.
        case demo
        /// Cores of several CPUs, and less memory for each than some ask for.
        case threads

        /// What Slurm gives more CPUs than it says, there where cores have two CPUs and each CPU may have 500 MiB: the rest of a
        /// core, and three CPUs for each task, which are two cores.
        var sure: [JSONValue] {
            switch self {
            case .demo: []
            case .threads:
                [
                    MadeUpJobs.request([("ntasks", 1)]), MadeUpJobs.request([("ntasks", 1), ("mem_per_cpu", "1200M")]),
                    MadeUpJobs.request([("ntasks", 2), ("nodes", "1"), ("mem_per_cpu", "1200M")]),
                ]
            }
        }

        fileprivate var memoryOfNode: [JSONValue] {
            switch self {
            case .demo: ["50M", "100M", "0"]
            case .threads: ["100M", "900M", "1700M", "0"]
            }
        }

        fileprivate var memoryOfCPU: [JSONValue] {
            switch self {
            case .demo: ["50M", "100M"]
            case .threads: ["100M", "501M", "1200M", "1999M"]
            }
        }
    }

    struct Random: RandomNumberGenerator {
        var state: UInt64
        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
        mutating func one(_ values: [JSONValue]) -> JSONValue { values[Int(next() % UInt64(values.count))] }
        mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
    }

    /// A job that ends at once.
    static func usual(account: JSONValue = "research", partition: JSONValue = "debug") -> [(String, JSONValue)] {
        [
            ("script", "#!/bin/sh\n"), ("job_name", .string(name)), ("time", "5"), ("output", "/dev/null"),
            ("account", account), ("partition", partition),
        ]
    }

    static func request(_ fields: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(usual() + fields)) }

    static func request(_ random: inout Random, on shape: Shape) -> JSONValue {
        // Also where there are none, so that the rest stays as it is.
        let isGPU = random.chance(40) && shape == .demo
        var job = JSONObject(isGPU ? usual(account: "gpu", partition: "gpu") : usual())
        if random.chance(33) { job["hold"] = true }
        func perhaps(_ key: String, _ percent: UInt64, _ values: [JSONValue]) {
            if random.chance(percent) { job[key] = random.one(values) }
        }
        perhaps("nodes", 45, ["1", "1-2", "2"])
        perhaps("ntasks", 45, [1, 2, 3, 4])
        perhaps("ntasks_per_node", 25, [1, 2])
        perhaps("ntasks_per_socket", 15, [1, 2])
        perhaps("cpus_per_task", 30, [1, 2, 3])
        perhaps("mincpus", 25, [1, 2, 4])
        perhaps("exclusive", 12, ["node", "user"])
        perhaps("array", 8, ["0-2%1", "1,5"])
        perhaps("tmp", 5, ["1M"])
        perhaps("no_kill", 5, [true])
        perhaps("kill_on_invalid_dep", 5, ["yes", "no"])
        perhaps("requeue", 5, [true, false])
        switch random.next() % 4 {
        case 0: perhaps("mem", 80, shape.memoryOfNode)
        case 1: perhaps("mem_per_cpu", 80, shape.memoryOfCPU)
        default: break
        }
        if isGPU {
            let key = ["gpus", "gpus_per_node", "gpus_per_task"][Int(random.next() % 3)]
            perhaps(key, 80, ["1", "2", "a100:1", "a100:1,v100:1"])
            if job[key] != nil {
                if job["cpus_per_task"] == nil { perhaps("cpus_per_gpu", 30, [1, 2]) }
                if job["mem"] == nil, job["mem_per_cpu"] == nil { perhaps("mem_per_gpu", 40, ["50M"]) }
            }
        }
        return .object(job)
    }
}
