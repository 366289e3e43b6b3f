// SPDX-License-Identifier: Apache-2.0

import SallyClient
import SallyModel
import SallyTestSupport
import SallyWire
import StrictJSON
import Synchronization
import Testing

/// Own jobs as they are served from the shared snapshot, on both versions of Slurm.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped))
struct JobListTests {
    @Test(arguments: Stack.clusters)
    func listsAreFilteredPagedAndTagged(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "listed-\(stack.port)"
        var jobs: [String] = []
        for _ in 1...3 {
            jobs.append(
                try await stack.submit(
                    "bob", cluster, ["--begin=now+1hour", "--time=1", "-J", name], script: "#!/bin/bash\ntrue\n"))
        }
        let token = try await stack.token("bob")
        let path = "/v1/clusters/\(cluster)/jobs?name=\(name)&sort=-job"
        let first = try await stack.request("GET", "\(path)&limit=2&fields=job,states", token: token)
        let page = try JSONValue(parsing: first.body)
        #expect(page["jobs"]?.array?.map { $0["job"]?.integer() } == [Int(jobs[2]), Int(jobs[1])], "\(first)")
        let cursor = try #require(page["next"]?.string)
        let second = try await stack.request("GET", "\(path)&limit=2&fields=job&cursor=\(cursor)", token: token)
        #expect(second.body == #"{"jobs":[{"job":\#(jobs[0])}]}"#)
        let other = try await stack.request(
            "GET", "/v1/clusters/\(cluster)/jobs?name=\(name)", token: try await stack.token("alice"))
        #expect(other.body == #"{"jobs":[]}"#)
        // What Slurm says of a job may change while it is asked: then there is a new tag.
        try await eventually("a tag that is still good") {
            let lines = "Authorization: Bearer \(token)\n"
            let tagged = try await runProgram(
                "/usr/bin/curl", ["-sS", "-m", "60", "-D", "-", "-o", "/dev/null", "-H", "@-", stack.gateway + path],
                input: lines)
            let header = tagged.output.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("etag: ") }
            guard let tag = header?.dropFirst(6) else { throw Failure("no tag: \(tagged)") }
            return try await stack.request("GET", path, token: token, headers: ["If-None-Match: \(tag)"]).status == 304
        }
        _ = try await stack.sally("bob", ["cancel", "-M", cluster] + jobs)
    }

    /// What happens to a job behind the gateway's back is told to who watches.
    @Test(arguments: Stack.clusters)
    func whatHappensIsTold(_ cluster: String) async throws {
        let stack = try Stack.required()
        let job = try await stack.submit(
            "bob", cluster, ["--begin=now+1hour", "--time=1"], script: "#!/bin/bash\ntrue\n")
        var request = WireRequest(.get, "/v1/clusters/\(cluster)/job-events?job=\(job)")
        request.headers.append((name: "Authorization", value: "Bearer \(try await stack.token("bob"))"))
        let exchange = try AsyncHTTPExchange(gateway: GatewayAddress(stack.gateway), caFile: nil)
        var reader = ServerEventReader()
        var events: [ServerEvent] = []
        do {
            let reply = try await exchange.stream(request) { bytes in
                for event in reader.read(bytes) {
                    if events.isEmpty {
                        let cancelled = try await stack.onNode(cluster, "master", ["scancel", job])
                        #expect(cancelled.status == 0, "\(cancelled)")
                    }
                    events.append(event)
                    if event.name == "gone" || event.data.contains("CANCELLED") { return .enough }
                }
                return .more
            }
            #expect(reply.status == 200)
        } catch {
            await exchange.close()
            throw error
        }
        await exchange.close()
        let first = try #require(events.first)
        #expect(first.name == "jobs" && first.data.contains("\"job\":\(job)") && first.data.contains("PENDING"))
        #expect(events.count > 1)
    }

    /// `sally jobs --watch`: what is there, what comes later, and what happens behind the gateway's back, a line for each.
    @Test(arguments: Stack.clusters)
    func theProgramShowsWhatHappens(_ cluster: String) async throws {
        let stack = try Stack.required()
        let name = "shown-\(stack.port)-\(cluster)"
        func submit() async throws -> String {
            try await stack.submit(
                "bob", cluster, ["--begin=now+1hour", "--time=1", "-J", name], script: "#!/bin/bash\ntrue\n")
        }
        let first = try await submit()
        // Another name: it is not shown.
        let hidden = try await stack.submit(
            "bob", cluster, ["--begin=now+1hour", "--time=1", "-J", name + "-not"], script: "#!/bin/bash\ntrue\n")
        try await stack.watchingJobs("bob", ["-M", cluster, "--name", name]) { watch in
            try await watch.shows(first, "  \(name)  debug  research  PENDING  ")
            let second = try await submit()
            try await watch.shows(second, "  PENDING  ")
            let changed = try await stack.onNode(
                cluster, "master", ["scontrol", "update", "jobid=\(first)", "timelimit=7"])
            #expect(changed.status == 0, "\(changed)")
            try await watch.shows(first, "  00:07:00  ")
            let cancelled = try await stack.onNode(cluster, "master", ["scancel", first, second])
            #expect(cancelled.status == 0, "\(cancelled)")
            for job in [first, second] { try await watch.shows(job, "  CANCELLED  ") }
            let all = try await watch.output
            // At the beginning of a line: its number may end a name.
            #expect(!all.split(separator: "\n").contains { $0.hasPrefix("\(hidden)  ") }, "\(all)")
        }
        _ = try await stack.onNode(cluster, "master", ["scancel", hidden])
    }
}
