// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel
import Testing

@Suite struct NotationTests {
    @Test(arguments: [
        ("1", 1), ("90", 90), ("1:30", 2), ("0:01", 1), ("10:00:00", 600), ("1:0:1", 61), ("1-0", 1440), ("1-12", 2160),
        ("1-12:30", 2190), ("0-0:0:1", 1), ("2-00:00:00", 2880), ("UNLIMITED", nil), ("infinite", nil), ("-1", nil),
        ("0", nil), ("0:0", nil),
    ]) func readsTimes(text: String, minutes: Int?) throws {
        #expect(try TimeLimit(text).minutes == minutes)
    }

    @Test(arguments: [
        "", "1:2:3:4", "1-2-3", "-5", "1-", "a", "1h", "1.5", " 1", "1:-1", "99999999999", "::",
    ])
    func refusesTimes(text: String) {
        #expect(throws: SallyError.self) { try TimeLimit(text) }
    }

    @Test(arguments: [1, 59, 60, 61, 1439, 1440, 10_000]) func writesTimesThatItReads(minutes: Int) throws {
        #expect(try TimeLimit(TimeLimit(minutes: minutes).description).minutes == minutes)
    }

    @Test(arguments: [
        ("4", 4), ("4M", 4), ("4MB", 4), ("1K", 1), ("1025k", 2), ("2G", 2048), ("1T", 1_048_576), ("0", 0),
    ]) func readsMemory(text: String, mebibytes: Int64) throws {
        #expect(try Memory(text).mebibytes == mebibytes)
    }

    @Test(arguments: ["", "G", "1.5G", "-1", "4X", "4 G", "4GG", "99999999999", "9999999T", "B", "4B"])
    func refusesMemory(text: String) {
        #expect(throws: SallyError.self) { try Memory(text) }
    }

    @Test(arguments: [("2", 2, 2), ("2-4", 2, 4), ("1k", 1024, 1024), ("1-2K", 1, 2048)])
    func readsNodeCounts(text: String, minimum: Int, maximum: Int) throws {
        #expect(try NodeCount(text) == NodeCount(minimum: minimum, maximum: maximum))
    }

    @Test(arguments: ["", "0", "4-2", "2-", "-2", "2,4", "2-8:2", "1-2-3", "99999m", "x"])
    func refusesNodeCounts(text: String) {
        #expect(throws: SallyError.self) { try NodeCount(text) }
    }

    @Test(
        arguments: [
            ("0-99", 100, 99, nil, "0-99"), ("1,3,5-7", 5, 7, nil, "1,3,5-7"), ("0-100:10", 11, 100, nil, "0-100:10"),
            ("0-99:10%5", 10, 90, 5, "0-90:10%5"), ("7", 1, 7, nil, "7"), ("0-9%0", 10, 9, nil, "0-9"),
            ("0-3:1%2", 4, 3, 2, "0-3%2"), ("0-3:7,1", 2, 1, nil, "0,1"),
            ("0-4000000:2,1-3999999:2", 4_000_001, 4_000_000, nil, "0-4000000:2,1-3999999:2"),
            ("0-8:2,1-9:2", 10, 9, nil, "0-8:2,1-9:2"),
        ] as [(String, Int, Int, Int?, String)])
    func readsArrays(text: String, count: Int, largest: Int, throttle: Int?, canonical: String) throws {
        let array = try ArraySpec(text)
        #expect(array.count == count)
        #expect(array.largestIndex == largest)
        #expect(array.throttle == throttle)
        #expect(array.description == canonical)
    }

    @Test(arguments: [
        "", "a", "1-", "-1", "5-1", "1,1", "0-5,3", "0-9:0", "3:2", "1,,2", "0-9%", "0-9%1%2", "0-9999999999",
        "0-4000001",
        "0-8:2,4-5", "0x3", "0-4000000:6,5-3999999:7",
    ]) func refusesArrays(text: String) {
        #expect(throws: SallyError.self) { try ArraySpec(text) }
    }

    @Test func readsGPUs() throws {
        #expect(try GPUCounts(gpus: "2") == GPUCounts(byType: [:], untyped: 2))
        #expect(try GPUCounts(gpus: "a100:2,v100:1") == GPUCounts(byType: ["a100": 2, "v100": 1], untyped: 0))
        for text in ["gpu", "gpu:1", "gpu=1", "gres/gpu=1", "gres/gpu:1", "gres:gpu:1"] {
            #expect(try GPUCounts(gres: text) == GPUCounts(byType: [:], untyped: 1), "\(text)")
        }
        for text in ["gpu:a100:2", "gpu:a100=2", "gres/gpu:a100=2", "gres/gpu:a100:2"] {
            #expect(try GPUCounts(gres: text) == GPUCounts(byType: ["a100": 2], untyped: 0), "\(text)")
        }
        #expect(try GPUCounts(gres: "gpu:a100").byType == ["a100": 1])
        #expect(try GPUCounts(gres: "none").isEmpty)
    }

    @Test(arguments: [
        "", "0", "a100", "a100:0", "a100:x", "a100:1,a100:1", "1,a100:1", "a100:1,1", "1,1", ":1", "9:1", "a b:1",
        "1.5",
    ])
    func refusesGPUs(text: String) {
        #expect(throws: SallyError.self) { try GPUCounts(gpus: text) }
    }

    @Test(arguments: [
        "", "gpu:", "gpu:a100:b:1", "gpu:a100:x=1", "gpu=x", "gpu:1,gpu:1", "gpu:0", "gpu:1=2", "shard:1", "mps:50",
        "GPU:1",
    ])
    func refusesResources(text: String) {
        #expect(throws: SallyError.self) { try GPUCounts(gres: text) }
    }

    @Test(arguments: [
        "afterok:1", "afterok:1:2,afterany:3", "afterok:1?afternotok:2", "singleton", "after:5+10:6", "aftercorr:7",
        "afterok:12_3", "afterok:12_*",
    ]) func readsDependencies(text: String) throws {
        #expect(try Dependency(text).description == text)
    }

    @Test(arguments: [
        "", "afterok", "afterok:", "afterok:x", "before:1", "afterok:1,", "afterok:0", "afterok:1+5", "1",
        "afterok:1,x?y", "expand:1",
    ])
    func refusesDependencies(text: String) {
        #expect(throws: SallyError.self) { try Dependency(text) }
    }

    @Test func readsBeginTimes() throws {
        let now = Timestamp(1_000_000_000)
        #expect(try BeginTime("now+1hour").moment(now: now).rawValue == 1_000_003_600)
        #expect(try BeginTime("now+2weeks").moment(now: now).rawValue == 1_001_209_600)
        #expect(try BeginTime("now+2594967295").moment(now: Timestamp(1_700_000_000)).rawValue == 4_294_967_295)
        #expect(try BeginTime("now").moment(now: now) == now)
        #expect(try BeginTime("2026-11-21T04:05:06Z").moment(now: now).description == "2026-11-21T04:05:06Z")
        #expect(try BeginTime("2028-02-29T00:00Z").moment(now: now).description == "2028-02-29T00:00:00Z")
        for text in [
            "", "16:00", "tomorrow", "2026-11-21T04:05:06", "2026-02-30T00:00:00Z", "now+1month", "now-1", "now+",
            "2026-11-21", "2026-13-01T00:00:00Z", "now+7000000000", "now+9999999999weeks", "now+00000000001",
        ] {
            #expect(throws: SallyError.self, "\(text)") { try BeginTime(text) }
        }
    }

    @Test func readsSignals() throws {
        #expect(try JobSignal("USR1@120").description == "USR1@120")
        #expect(try JobSignal("B:SIGTERM").description == "B:TERM@60")
        #expect(try JobSignal("10@5").description == "10@5")
        for text in ["", "FOO", "R:USR1", "USR1@", "USR1@70000", "0", "65", "USR1@1@2"] {
            #expect(throws: SallyError.self, "\(text)") { try JobSignal(text) }
        }
    }

    @Test(arguments: [
        ("node1", ["node1"]), ("node[1-3]", ["node1", "node2", "node3"]),
        ("node[001-003,007]", ["node001", "node002", "node003", "node007"]),
        ("a[1-2],b", ["a1", "a2", "b"]), ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
        ("n[08-10]-x", ["n08-x", "n09-x", "n10-x"]), ("", []),
    ]) func expandsHostLists(text: String, names: [String]) throws {
        #expect(try HostList.expand(text) == names)
    }

    @Test(arguments: [
        "a[", "a]", "a[1-", "a[[1]]", "a[3-1]", "a,,b", ",a", "a[x]", "a[0-999999999]", "a[1-999]b[1-999]",
        "a[1][1][1][1][1][1]", String(repeating: "a", count: 255) + "[0-1]",
        "[0-1]" + String(repeating: "a", count: 255),
        "a[" + String(repeating: "0", count: 256) + "-1]", String(repeating: "a", count: 256),
        "a" + String(repeating: "[1]", count: 100_000),
    ])
    func refusesHostLists(text: String) {
        #expect(throws: SallyError.self) { try HostList.expand(text) }
    }

    /// As sacct(1) shows them.
    @Test(
        arguments: [
            ("0x3FE", "1-9"), ("0x3fe", "1-9"), ("0x1", "0"), ("0x0000000a", "1,3"), ("0x15", "0,2,4"),
            ("0x" + String(repeating: "F", count: 1000), "0-3999"), ("0x0", nil), ("0x", nil), ("3FE", nil),
            ("0x3G", nil),
            ("1-9", nil), ("0x" + String(repeating: "5", count: 1000), nil),
            ("0x" + String(repeating: "0", count: 1_000_002), nil),
        ] as [(String, String?)])
    func readsMasksOfTasks(text: String, tasks: String?) {
        #expect(ArraySpec(mask: text)?.description == tasks)
    }

    @Test func readsTrackableResources() {
        let tres = TRES("cpu=8,mem=8000M,node=2,billing=8,gres/gpu=5,gres/gpu:a100=2,gres/gpu:v100=2")
        #expect(tres.cpus == 8)
        #expect(tres.nodes == 2)
        #expect(tres.gpus == GPUCounts(byType: ["a100": 2, "v100": 2], untyped: 1))
        #expect(TRES("junk,=,x").cpus == nil)
    }

    /// Random texts are read or refused, never anything else; what is read is written so that it is read the same.
    @Test(arguments: 0..<40) func survivesRandomTexts(seed: UInt64) throws {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func random(_ limit: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(limit))
        }
        let letters = Array("0123456789-:,%[]=+@_aknGMTB ")
        for _ in 0..<200 {
            let text = String((0..<random(12)).map { _ in letters[random(letters.count)] })
            if let value = try? TimeLimit(text) { #expect(try TimeLimit(value.description) == value) }  // nil: refused
            if let value = try? ArraySpec(text) { #expect(try ArraySpec(value.description) == value) }  // nil: refused
            if let value = try? Memory(text) { #expect(try Memory(value.description) == value) }  // nil: refused
            if let value = try? NodeCount(text) { #expect(try NodeCount(value.description) == value) }  // nil: refused
            let gpus = try? GPUCounts(gpus: text)  // nil: refused
            if let gpus { #expect(try GPUCounts(gpus: gpus.description) == gpus) }
            _ = try? HostList.expand(text)  // refused or not
        }
    }
}
