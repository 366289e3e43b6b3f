// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import SallyAccounts
import SallyKeepProtocol
import SallyModel
import SallySocket
import SallySteward
import SallyTestSupport
import SallyTransport
import StrictJSON
import Testing

/// The steward's scripts on real machines with a real Slurm: a local cluster whose record SALLYPORT_CLUSTER_JSON names.
@Suite(
    .enabled(if: StewardBench.isWanted, "SALLYPORT_CLUSTER_JSON names no cluster"), .serialized
)
struct StewardOnSlurmTests {
    @Test func makesAnAccountThatRunsJobs() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            let first = try await bench.steward.ensure(bench.request(user, uid))
            #expect(first.changed && first.home == "/home/\(user)")
            let told = try #require(bench.registry.accounts.first)
            #expect(told.uid == uid)
            let job = try await bench.submit(user, uid, ["--wrap=id"])
            let output = try await bench.output(user, job, until: "uid=\(uid)")
            #expect(output.contains("uid=\(uid)(\(user)) gid=\(uid)(\(user))"))
            let seen = try await bench.run("stat -c '%a %u %g' /home/\(user); getent shadow \(user) | cut -d: -f2")
            #expect(seen.hasPrefix("700 \(uid) \(uid)\n!"))
        }
    }

    @Test func findsNothingToDoTheSecondTime() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            try await withScratchFolder { folder in
                let again = try bench.other(folder)
                #expect(try await again.ensure(bench.request(user, uid)).changed == false)
                let records = try await again.list(cluster: bench.name)
                let mine = try #require(records.first { $0.user == user })
                #expect(mine.uid == uid && mine.state == .active && mine.origin == .created && mine.revision == 1)
            }
        }
    }

    @Test func changesNoAccountOfSomebodyElse() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            let (other, otherUID) = try bench.person()
            _ = try await bench.run("useradd --uid \(uid) --shell /bin/sh \(user)")
            // Other suites make homes of their own meanwhile.
            let look = "getent passwd \(user) \(other) \(uid) \(otherUID); ls -d /home/\(user) /home/\(other); true"
            let before = try await bench.run(look)
            for (name, number) in [(user, uid), (other, uid), (user, otherUID)] {
                try await withScratchFolder { folder in
                    let error = try await #require(throws: SallyError.self) {
                        try await bench.other(folder).ensure(bench.request(name, number))
                    }
                    #expect(error.code == .conflict, "\(error)")
                }
            }
            #expect(try await bench.run(look) == before)
        }
    }

    @Test func refusesPowerfulAccounts() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            for (give, take) in [
                ("usermod -aG sudo \(user)", "gpasswd -d \(user) sudo"),
                (
                    "sacctmgr -i modify user \(user) set adminlevel=operator",
                    "sacctmgr -i modify user \(user) set adminlevel=none"
                ),
            ] {
                _ = try await bench.run(give)
                try await withScratchFolder { folder in
                    let error = try await #require(throws: SallyError.self) {
                        try await bench.other(folder).ensure(bench.request(user, uid))
                    }
                    #expect(error.code == .conflict, "\(error)")
                }
                _ = try await bench.run(take)
            }
        }
    }

    @Test func followsNoLinkWhereAHomeShouldBe() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.run("ln -s /etc /home/\(user)")
            await #expect(throws: SallyError.self) { try await bench.steward.ensure(bench.request(user, uid)) }
            #expect(try await bench.run("stat -c %u /etc").hasPrefix("0"))
        }
    }

    @Test func locksWithoutHurtingARunningJob() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let home = "/home/\(user)"
            _ = try await bench.run(
                "install -d -m 700 -o \(uid) -g \(uid) \(home)/.ssh; echo key >\(home)/.ssh/authorized_keys; chown \(uid):\(uid) \(home)/.ssh/authorized_keys"
            )
            let script =
                "until [ -e go ]; do sleep 0.2; done; sbatch --wrap=true && echo submitted; scontrol requeue $SLURM_JOB_ID && echo requeued; echo finished"
            let job = try await bench.submit(user, uid, ["--requeue", "--wrap=\(script)"])
            try await eventually("the job runs") {
                try await bench.run("squeue -h -j \(job) -o %T").contains("RUNNING")
            }
            let report = try await bench.steward.lock(LockRequest(cluster: bench.name, user: user))
            #expect(!report.steps.contains { $0.outcome == .failed }, "\(report.steps)")
            #expect(report.steps.contains { $0.name == "requeue" && $0.detail.hasPrefix("1 jobs") }, "\(report.steps)")
            #expect(report.steps.filter { $0.name == "account expiry" && $0.outcome == .done }.count == 3)
            #expect(try await bench.run("ls \(home)/.ssh").isEmpty)
            for node in bench.nodes {
                #expect(
                    try await bench.run("getent shadow \(user) | cut -d: -f8; grep -x \(user) /etc/cron.deny", on: node)
                        == "1\n\(user)\n")
            }
            _ = try await bench.run("touch \(home)/go")
            try await eventually("the job ends") {
                try await bench.run("squeue -h -j \(job) -o %T").contains("RUNNING") == false
            }
            let output = try await bench.run("cat \(home)/slurm-\(job).out")
            #expect(
                output.contains("finished") && !output.contains("submitted") && !output.contains("requeued"),
                "\(output)")
            await #expect(throws: SallyError.self) { try await bench.steward.ensure(bench.request(user, uid)) }

            let again = try await bench.steward.lock(LockRequest(cluster: bench.name, user: user))
            #expect(!again.steps.contains { $0.outcome == .failed }, "\(again.steps)")
            let back = try await bench.steward.unlock(cluster: bench.name, user: user)
            #expect(!back.steps.contains { $0.outcome == .failed }, "\(back.steps)")
            #expect(
                try await bench.run("cat \(home)/.ssh/authorized_keys; stat -c %u \(home)/.ssh/authorized_keys")
                    == "key\n\(uid)\n")
            #expect(
                try await bench.run(
                    "getent shadow \(user) | cut -d: -f8; sacctmgr -nP show assoc where user=\(user) format=maxsubmit")
                    == "\n\n")
            _ = try await bench.steward.ensure(bench.request(user, uid))
            _ = try await bench.submit(user, uid, ["--wrap=true"])
        }
    }

    @Test func removesALockedAccountAndKeepsItsHome() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            _ = try await bench.steward.lock(LockRequest(cluster: bench.name, user: user))
            let report = try await bench.steward.remove(cluster: bench.name, user: user)
            #expect(!report.steps.contains { $0.outcome == .failed }, "\(report.steps)")
            #expect(try await bench.run("getent passwd \(user); stat -c %u /home/\(user)") == "\(uid)\n")
            let (other, _) = try bench.person()
            try await withScratchFolder { folder in
                _ = await #expect(throws: SallyError.self) {
                    try await bench.other(folder).ensure(bench.request(other, uid))
                }
            }
        }
    }

    @Test func adoptsByName() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            for node in bench.nodes {
                _ = try await bench.run("useradd --uid \(uid) --shell /bin/bash \(user)", on: node)
            }
            await #expect(throws: SallyError.self) { try await bench.steward.ensure(bench.request(user, uid)) }
            let report = try await bench.steward.adopt(cluster: bench.name, user: user)
            #expect(report.steps.map(\.outcome) == [.done])
            #expect(try await bench.steward.ensure(bench.request(user, uid)).changed)
            _ = try await bench.steward.lock(LockRequest(cluster: bench.name, user: user))
            await #expect(throws: SallyError.self) { try await bench.steward.remove(cluster: bench.name, user: user) }
        }
    }

    @Test func readsPiecesOfOutput() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let job = try await bench.submit(
                user, uid, ["-o", "out-%x-%j", "-e", "err.%u", "-J", "a b", "--wrap=echo 0123456789; echo oops >&2"])
            #expect(try await bench.output(user, job, until: "9\n") == "0123456789\n")
            var request = bench.read(user, job)
            request.offset = 3
            request.limit = 4
            #expect(try await bench.text(request) == "3456")
            request.offset = 5000
            #expect(try await bench.text(request) == "")
            request.offset = 0
            request.stream = .standardError
            #expect(try await bench.text(request) == "oops")
        }
    }

    @Test func readsNoOutputOfAnother() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            let (other, otherUID) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            _ = try await bench.steward.ensure(bench.request(other, otherUID))
            let job = try await bench.submit(user, uid, ["--wrap=echo private"])
            _ = try await bench.output(user, job, until: "private")
            let error = try await #require(throws: SallyError.self) {
                try await bench.steward.readOutput(bench.read(other, job))
            }
            #expect(error.code == .denied)
            let unknown = try await #require(throws: SallyError.self) {
                try await bench.steward.readOutput(bench.read(user, try JobID("60000000")))
            }
            #expect(unknown.code == .notFound)
        }
    }

    @Test func readsNothingButRegularFiles() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let home = "/home/\(user)"
            let job = try await bench.submit(user, uid, ["-o", "\(home)/d/out", "-D", home, "--hold", "--wrap=true"])
            let paths = [
                "ln -s /etc/hostname d/out", "mkfifo d/out", "ln -s /dev/zero d/out", "mkdir d/out",
                "rmdir d; ln -s /etc d; ln -s x d/out", "rmdir d; ln -s e d; mkdir e; echo x >e/out",
            ]
            for path in paths {
                _ = try await bench.run("cd \(home) && rm -rf d e && mkdir d && \(path); chown -hR \(uid):\(uid) d")
                let outcome = await bench.outcome(bench.read(user, job))
                #expect(
                    outcome == .denied || outcome == .notFound || outcome == nil,
                    "\(path): \(String(describing: outcome))")
                if outcome == nil { #expect(try await bench.text(bench.read(user, job)) == "", "\(path)") }
            }
            _ = try await bench.run("cd \(home) && rm -rf d e && mkdir d && echo secret >d/out && chmod 600 d/out")
            #expect(await bench.outcome(bench.read(user, job)) == .denied)
            _ = try await bench.run("cd \(home) && rm -f d/out && truncate -s 5T d/out && chown \(uid) d/out")
            var huge = bench.read(user, job)
            huge.offset = 4 << 40
            let piece = try await bench.steward.readOutput(huge)
            #expect(piece.size == 5 << 40 && Base64.standard.decode(piece.data)?.count == huge.limit)
            let dots = try await bench.submit(
                user, uid, ["-o", "\(home)/d/../../../etc/hostname", "--hold", "--wrap=true"])
            #expect(await bench.outcome(bench.read(user, dots)) == .denied)
            let zero = try await bench.submit(user, uid, ["-o", "/dev/zero", "--hold", "--wrap=true"])
            #expect(await bench.outcome(bench.read(user, zero)) == .denied)
        }
    }

    /// slurmctld has forgotten the job; only accounting knows it, without its paths on 22.05.
    @Test func readsOutputOfAJobThatEndedLongAgo() async throws {
        try await StewardBench.with { bench in
            let (user, uid) = try bench.person()
            _ = try await bench.steward.ensure(bench.request(user, uid))
            let usual = try await bench.submit(user, uid, ["--wrap=echo usual"])
            let named = try await bench.submit(user, uid, ["-o", "named-%j", "--wrap=echo named"])
            #expect(try await bench.output(user, usual, until: "usual") == "usual\n")
            // Slurm 22.05 says uid 0 for some seconds after a job's end.
            try await eventually("accounting knows both jobs") {
                try await bench.run("sacct -nPX -j \(usual),\(named) -o uid,state")
                    == "\(uid)|COMPLETED\n\(uid)|COMPLETED\n"
            }
            // Nobody asked for the named file while slurmctld knew of it: the sweep has seen it.
            try await bench.steward.sweep(bench.name)
            _ = try await bench.run(
                "mkdir -p /run/sally-test && printf '#!/bin/sh\\nexit 1\\n' >/run/sally-test/squeue && chmod 755 /run/sally-test/squeue"
            )
            let forgetful = try bench.again(slurmCommands: "/run/sally-test")
            for (job, text) in [(usual, "usual\n"), (named, "named\n")] {
                let piece = try await forgetful.readOutput(bench.read(user, job))
                #expect(piece.final)
                #expect(Base64.standard.decode(piece.data).map { String(decoding: $0, as: UTF8.self) } == text)
            }
        }
    }
}
