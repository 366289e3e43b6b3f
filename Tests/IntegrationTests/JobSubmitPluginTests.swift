// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SlurmClient
import StrictJSON
import Testing

@testable import SlurmModel

/// What a site's own plugin in slurmctld says of submissions, as slurmrestd tells it. On clusters of the test's own, because it is a
/// setting of a whole cluster.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct JobSubmitPluginTests {
    private static let person = "linus"

    private static let settings = """
        templates:
          plugged: {release: RELEASE, nodes: 1, cpus_per_node: 2, memory_per_node: 2000}
        plugins:
          createusers: {type: createusers, usernames: [linus], accounts: [research]}

        """

    private static let script = """
        function slurm_job_submit(job, partitions, uid)
            if job.name == "silent" then return slurm.ERROR end
            if job.name == "named" then return slurm.ESLURM_ACCESS_DENIED end
            return slurm.SUCCESS
        end
        function slurm_job_modify(job, record, partitions, uid) return slurm.SUCCESS end
        return slurm.SUCCESS
        """

    @Test(arguments: [("plugged12", "debian12"), ("plugged13", "debian13")])
    func itsRefusalsAreHeard(_ name: String, _ release: String) async throws {
        try await withScratchFolder { folder in
            try writeFile("\(folder)/clusters.yaml", Self.settings.replacing("RELEASE", with: release))
            try await OwnCluster.with(name, "plugged", in: folder) { cluster in
                _ = try await cluster.done(["runplugin", "createusers", cluster.name])
                try await plug(cluster)
                try await cluster.stack.withSlurm(cluster.name) { client, key, _ in
                    let defaults = try await MadeUpJobs(
                        client: client, cluster: cluster.name, key: key, person: Self.person
                    ).defaults()
                    func submit(_ name: JSONValue) async throws -> JobID {
                        let fields = MadeUpJobs.usual().filter { $0.0 != "job_name" } + [("job_name", name)]
                        let job = try JobRequest(json: .object(JSONObject(fields))).resolved(
                            with: defaults, user: UserName(Self.person))
                        return try await client.submit(submission(job, cluster.name), token: key.token(Self.person)).id
                    }
                    _ = try await submit("plain")
                    // No number says that it was the plugin.
                    let silent = await #expect(throws: SlurmError.self) { _ = try await submit("silent") }
                    guard case .refused(let word) = silent else { throw Failure("\(String(describing: silent))") }
                    #expect(word.isUnexplained && silent?.outcomeIsUnknown == true, "\(word)")
                    let named = await #expect(throws: SlurmError.self) { _ = try await submit("named") }
                    guard case .refused(let number) = named else { throw Failure("\(String(describing: named))") }
                    #expect(number.number == 2002 && named?.outcomeIsUnknown == false, "\(number)")
                }
            }
        }
    }

    private func plug(_ cluster: OwnCluster) async throws {
        let line = """
            cat >/etc/slurm/job_submit.lua <<'END'
            \(Self.script)
            END
            echo JobSubmitPlugins=lua >>/etc/slurm/slurm.conf && scontrol reconfigure
            """
        _ = try await cluster.cluster(["sshnode", cluster.name, "master", line])
        try await eventually("\(cluster.name) has the plugin") {
            let shown = try await cluster.cluster([
                "sshnode", cluster.name, "master", "scontrol show config | tr -d ' '",
            ])
            return shown.output.contains("JobSubmitPlugins=lua")
        }
    }
}
