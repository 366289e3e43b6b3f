// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallySteward
import SallyTestSupport
import Testing

/// What a lock ends, and what it leaves alone, on real machines with a real Slurm.
@Suite(
    .enabled(if: StewardBench.isWanted, "SALLYPORT_CLUSTER_JSON names no cluster"), .serialized
)
struct LockOnSlurmTests {
    static func lock(_ bench: StewardBench, _ user: UserName) async throws -> KeeperReport {
        let report = try await bench.steward.lock(LockRequest(cluster: bench.name, user: user))
        #expect(!report.steps.contains { $0.outcome == .failed }, "\(report.steps)")
        return report
    }

    static func unlock(_ bench: StewardBench, _ user: UserName) async throws {
        let report = try await bench.steward.unlock(cluster: bench.name, user: user)
        #expect(!report.steps.contains { $0.outcome == .failed }, "\(report.steps)")
    }

    /// A job with a process that has left its tree goes on; a login's processes end on every machine, one that pretends
    /// to be of a job included. In containers without control groups of Slurm's nothing but its environment says that the
    /// job's process is one: the lock says so and has failed there, until the job has ended.
    @Test func endsWhatRunsOutsideOfJobs() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let job = try await bench.submit(
                user, uid,
                [
                    "--wrap=(setsid sleep 7001 &); until [ -e go ]; do sleep 0.2; done; pgrep -u \(uid) -f 'sleep 7001' && echo finished"
                ])
            var node = ""
            try await eventually("the job runs") {
                node = try await bench.run("squeue -h -j \(job) -t R -o %B")
                return !node.isEmpty
            }
            let host = try NodeName(node.split(separator: "\n").first.map(String.init) ?? "")
            try await eventually("it has left a process") {
                try await !bench.run("pgrep -u \(uid) -f 'sleep 7001'", on: host).isEmpty
            }
            let login =
                "cd /; for i in 1 2 3; do setsid setpriv --reuid=\(uid) --regid=\(uid) --init-groups env -i PATH=/usr/bin:/bin SLURM_JOB_ID=1 sleep 8001 >/dev/null 2>&1 & done; until [ \"$(pgrep -c -u \(uid) -f 'sleep 8001')\" = 3 ]; do :; done"
            for node in bench.nodes { _ = try await bench.run(login, on: node) }
            let report = try await bench.steward.lock(LockRequest(cluster: bench.name, user: user))
            #expect(
                report.steps.filter { $0.name == "sessions" && $0.detail.hasPrefix("3 processes") }.count
                    == bench.nodes.count, "\(report.steps)")
            for step in report.steps where step.outcome == .failed {
                #expect(
                    step.name == "sessions" && step.place == host.rawValue && step.detail.contains("(job \(job))"),
                    "\(step)")
            }
            for node in bench.nodes {
                #expect(try await bench.run("pgrep -u \(uid) -f 'sleep 8001'", on: node).isEmpty)
            }
            _ = try await bench.run("touch /home/\(user)/go")
            try await eventually("the job ends") {
                try await bench.run("squeue -h -j \(job) -t R,CG -o %T").isEmpty
            }
            #expect(try await bench.run("cat /home/\(user)/slurm-\(job).out").contains("finished"))
            // The job has ended, and so what was spared for it ends now.
            _ = try await Self.lock(bench, user)
            #expect(try await bench.run("pgrep -u \(uid) -f 'sleep 7001'", on: host).isEmpty)
            try await Self.unlock(bench, user)
        }
    }

    /// A QOS with limits of its own overrules those of the association (22.05.8 and 24.11.5).
    @Test func holdsWhereAQOSOverrulesTheAssociation() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let qos = "q\(user)"
            _ = try await bench.run(
                "sacctmgr -i add qos \(qos) set MaxSubmitJobsPerUser=9 GrpSubmitJobs=99; sacctmgr -i modify user \(user) set qos=normal,\(qos) defaultqos=\(qos)"
            )
            do {
                // slurmctld learns of it a moment later.
                try await eventually("slurmctld knows the QOS") {
                    (try? await bench.submit(user, uid, ["--qos=\(qos)", "--hold", "--wrap=true"])) != nil  // not yet
                }
                let before = try await bench.run(
                    "sacctmgr -nP show assoc where user=\(user) format=account,qos,defaultqos,maxsubmit,grpsubmit")
                let report = try await Self.lock(bench, user)
                #expect(report.steps.contains { $0.name == "submission limit" && $0.outcome == .done })
                for qos in ["--qos=\(qos)", "--qos=normal", "--hold"] {
                    let said = try await bench.run(
                        "cd /home/\(user) && setpriv --reuid=\(uid) --regid=\(uid) --init-groups sbatch --hold \(qos) --wrap=true"
                    )
                    #expect(!said.contains("Submitted"), "\(qos): \(said)")
                }
                _ = try await Self.lock(bench, user)
                try await Self.unlock(bench, user)
                let after = try await bench.run(
                    "sacctmgr -nP show assoc where user=\(user) format=account,qos,defaultqos,maxsubmit,grpsubmit")
                #expect(after == before)
                _ = try await bench.submit(user, uid, ["--qos=\(qos)", "--hold", "--wrap=true"])
            } catch {
                _ = try? await bench.run("sacctmgr -i delete qos \(qos)")  // the first error is the one to report
                throw error
            }
            _ = try await bench.run("scancel -u \(uid); sacctmgr -i delete qos \(qos)")
        }
    }

    /// Debian's 22.05 has no scrontab.
    @Test func movesAScrontabAsideAndLetsItsJobRun() async throws {
        try await StewardBench.with { bench in
            guard try await bench.run("command -v scrontab").isEmpty == false else { return }
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let shell = "cd /home/\(user) && setpriv --reuid=\(uid) --regid=\(uid) --init-groups env HOME=/home/\(user)"
            _ = try await bench.run("echo ScronParameters=enable >>/etc/slurm/slurm.conf; scontrol reconfigure")
            do {
                try await eventually("scrontab works") {
                    try await bench.run("printf '* * * * * sleep 300\\n' | (\(shell) scrontab -) && echo taken")
                        .contains(
                            "taken")
                }
                let report = try await Self.lock(bench, user)
                #expect(report.steps.contains { $0.name == "scrontab" && $0.outcome == .done }, "\(report.steps)")
                #expect(try await bench.run("scrontab -u \(user) -l").contains("no crontab"))
                _ = try await Self.lock(bench, user)
                try await Self.unlock(bench, user)
                #expect(try await bench.run("scrontab -u \(user) -l") == "* * * * * sleep 300\n")
            } catch {
                _ = try? await bench.run("scrontab -u \(user) -r")  // the first error is the one to report
                // The first error is the one to report.
                _ = try? await bench.run("sed -i '/^ScronParameters/d' /etc/slurm/slurm.conf; scontrol reconfigure")
                throw error
            }
            _ = try await bench.run(
                "scrontab -u \(user) -r; sed -i '/^ScronParameters/d' /etc/slurm/slurm.conf; scontrol reconfigure")
        }
    }

    @Test func givesBackCrontabAndAtJobs() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let tab = "/var/spool/cron/crontabs/\(user)"
            let at = "/var/spool/cron/atjobs/a\(uid)"
            _ = try await bench.run(
                "mkdir -p /var/spool/cron/crontabs /var/spool/cron/atjobs; echo first >\(tab); echo at >\(at); chown \(uid) \(tab) \(at)"
            )
            _ = try await Self.lock(bench, user)
            #expect(try await bench.run("ls \(tab) \(at) 2>/dev/null").isEmpty)
            _ = try await bench.run("echo second >\(tab); chown \(uid) \(tab)")
            _ = try await Self.lock(bench, user)
            try await Self.unlock(bench, user)
            #expect(try await bench.run("cat \(tab) \(at); stat -c %u \(tab) \(at)") == "first\nat\n\(uid)\n\(uid)\n")
            _ = try await bench.run("rm -f \(tab) \(at)")
        }
    }

    @Test func withdrawsWhoBecomesAnAdministrator() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            try await bench.steward.withdrawPowerful(bench.name)
            #expect(bench.registry.withdrawn.isEmpty)
            for (give, take) in [
                ("usermod -aG sudo \(user)", "gpasswd -d \(user) sudo"),
                ("usermod -g sudo \(user)", "usermod -g \(uid) \(user)"),
                (
                    "sacctmgr -i modify user \(user) set adminlevel=operator",
                    "sacctmgr -i modify user \(user) set adminlevel=none"
                ),
            ] {
                let count = bench.registry.withdrawn.count
                _ = try await bench.run(give)
                try await bench.steward.withdrawPowerful(bench.name)
                #expect(bench.registry.withdrawn.count == count + 1, "\(give)")
                await #expect(throws: SallyError.self) { try await bench.steward.ensure(bench.request(user, uid)) }
                _ = try await bench.run(take)
                _ = try await bench.steward.ensure(bench.request(user, uid))
            }
        }
    }
}
