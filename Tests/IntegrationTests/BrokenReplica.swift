// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

extension Stack {
    /// A second gateway whose way to `cluster` leads through a proxy; `before` gets the proxy before the gateway starts.
    ///
    /// - Parameters:
    ///   - upstream: where the daemon listens; nil for the cluster's own.
    ///   - version: the API version that the gateway's file says.
    func withBrokenReplica(
        _ name: String, _ cluster: String, waitsForReady: Bool = true, upstream: String? = nil,
        version: String = "auto",
        before: (SlurmProxy) async throws -> Void, body: (Replica, SlurmProxy) async throws -> Void
    ) async throws {
        // Its account is there: what is tested is the way of the job.
        let own = try await socket(cluster)
        try await withScratchFolder { folder in
            try await open(folder)
            let proxy = SlurmProxy(path: "\(folder)/slurm.sock", upstream: upstream ?? own)
            try await proxy.start()
            do {
                try await before(proxy)
                try await withReplica(
                    name, waitsForReady: waitsForReady,
                    change: { file, _ in
                        file.set("slurmrestd", "unix:\(proxy.path)", cluster: cluster)
                        file.set("api_version", version, cluster: cluster)
                    },
                    { replica in try await body(replica, proxy) })
            } catch {
                try await proxy.stop()
                throw error
            }
            try await proxy.stop()
        }
    }

    /// Where a cluster's slurmrestd listens.
    func socket(_ cluster: String) async throws -> String {
        let known = try await runProgram(
            "/usr/bin/jq", ["-er", ".socket", "\(state)/clusters/\(cluster)/cluster.json"])
        guard known.status == 0 else { throw Failure("\(known)") }
        return known.output.filter { !$0.isNewline }
    }

    /// The ids of all jobs of this name that slurmctld knows, ended or not.
    func jobs(_ cluster: String, named name: String) async throws -> [String] {
        let result = try await asked(cluster, ["squeue", "-a", "-h", "-t", "all", "-n", name, "-o", "%A"])
        return result.output.split(separator: "\n").map(String.init)
    }

    /// Cancels the one job of this name.
    func cancelOnly(_ cluster: String, named name: String) async throws {
        let found = try await jobs(cluster, named: name)
        #expect(found.count == 1, "jobs named \(name): \(found)")
        _ = try await onNode(cluster, "master", ["scancel", "--name", name])
    }

    /// Lets the OS user of `serve` through a folder.
    func open(_ folder: String) async throws {
        let result = try await runProgram("/bin/chmod", ["711", folder])
        guard result.status == 0 else { throw Failure("\(result)") }
    }
}
