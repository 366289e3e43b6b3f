// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import StrictJSON
import Synchronization
import Testing

@testable import SallyClusters

/// Adding and removing nodes, in every way in which it can end: the life cycle without containers. Slurm's side is shown on
/// real clusters.
@Suite struct NodeLifeTests {
    /// A cluster that runs, of a podman that remembers which containers there are and what slurmctld was told.
    private struct World {
        let fake: FakePodman
        let demo = ClusterName(unchecked: "demo")

        init(_ root: String, answers: String = "") throws {
            fake = try FakePodman(
                root: root,
                answers: """
                    \(answers)
                    'ps '*) ls '\(root)/containers' ;;
                    'container exists '*) [ -e '\(root)/containers/'"$3" ] || exit 1 ;;
                    'container inspect --format {{.Image}}'*) echo image-of-the-controller ;;
                    'container inspect'*)
                        shift 4
                        for name; do echo "$name|$(cat '\(root)/containers/'"$name")|\(root)/state/demo"; done ;;
                    run*) while [ $# -gt 0 ]; do
                        if [ "$1" = --name ]; then echo running >'\(root)/containers/'"$2"; fi; shift; done ;;
                    'rm '*) for name; do rm -f '\(root)/containers/'"$name"; done ;;
                    exec*)
                        text=$(cat)
                        case $text in
                        *'show node "$1"'*)
                            if [ -e '\(root)/resumed' ]; then echo 'NodeName=x State=IDLE'
                            else echo 'NodeName=x State=IDLE+DRAIN'; fi ;;
                        *State=RESUME*) touch '\(root)/resumed' ;;
                        *State=DRAIN*) rm -f '\(root)/resumed'; echo "drain $*" >>'\(root)/told' ;;
                        *scancel*) echo "end $*" >>'\(root)/told'; rm -f '\(root)/jobs'
                            echo 'requeued 12'; echo 'cancelled 13' ;;
                        *squeue*) cat '\(root)/jobs' 2>/dev/null; exit 0 ;;
                        *reconfigure*) echo reconfigure >>'\(root)/told'
                            if [ -e '\(root)/slow' ]; then rm '\(root)/slow'; echo 'timed out' >&2; exit 1; fi ;;
                        *slurmctld*) echo restart >>'\(root)/told' ;;
                        esac ;;
                    """)
            try Disk.makeFolder("\(root)/containers", mode: 0o700)
            let folder = fake.clusters.store.folder(of: demo)
            try Disk.makePath(fake.clusters.store.root)
            try folder.make()
            let record = Samples.record(folder: folder)
            try fake.clusters.store.write(record)
            for container in record.containers { try writeFile("\(root)/containers/\(container.name)", "running") }
            let files = Samples.files()
            for place in [folder.controllerConfiguration, folder.nodeConfiguration] {
                try writeFile("\(place)/slurm.conf", files.slurmConf(.host("master")))
                try writeFile("\(place)/gres.conf", files.gresConf)
            }
        }

        var root: String { fake.root }
        var containers: [String] { Disk.names(in: "\(root)/containers") }
        func record() throws -> ClusterRecord { try #require(try fake.clusters.store.record(of: demo)) }
        func text(_ path: String) throws -> String {
            String(decoding: try Disk.read("\(root)/\(path)") ?? [], as: UTF8.self)
        }
        func conf() throws -> String { try text("state/demo/config/node/slurm.conf") }
        func told() throws -> [String] {
            try text("told").split(separator: "\n").map(String.init).filter { $0 != "reconfigure" }
        }
        func reconfigured() throws -> Int { try text("told").split(separator: "\n").count { $0 == "reconfigure" } }

        /// Everything that a request that is refused or taken back must leave as it was.
        func everything() throws -> [String] {
            let places = ["controller", "node"].flatMap { ["\($0)/slurm.conf", "\($0)/gres.conf"] }
            return containers + (try places.map { try text("state/demo/config/\($0)") }) + [
                "\(try record().json.text())"
            ]
        }

        func add(
            _ aliases: [String] = [], count: Int? = nil, prepare: Clusters.Preparation = { _, _ in }
        ) async throws -> Clusters.Added {
            try await fake.clusters.addNodes(
                NodeRequest(count: count, aliases: aliases), to: demo, prepare: prepare)
        }

        func remove(
            _ nodes: [String], jobs: Clusters.JobsOnNodes = .keep,
            forget: @Sendable (ClusterRecord, [NodeName]) async throws -> Void = { _, _ in }
        ) async throws -> Clusters.Removed {
            try await fake.clusters.removeNodes(
                NodesToRemove(count: nil, aliases: [], nodes: nodes), from: demo, jobs: jobs, forget: forget)
        }
    }

    private func failure(_ body: () async throws -> Void) async -> SallyError? {
        do {
            try await body()
            return nil
        } catch { return error as? SallyError }
    }

    private static let controller = "sallyport-demo-master"
    private static let node003 = "sallyport-demo-node003"

    @Test func slurmMayUseANodeWhenItsUsersAreThere() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            let seen = Mutex<[String]>([])
            let added = try await world.add { record, names in
                let conf = try world.conf()
                seen.withLock {
                    $0 =
                        names.map(\.rawValue) + record.computeNodes.map { "\($0.hostname) \($0.isReady)" }
                        + conf.split(separator: "\n").filter { $0.hasPrefix("NodeName=node003") }.map(String.init)
                }
                // Slurm knew it, drained, before anybody was made there.
                #expect(try world.told().first == "restart")
                #expect(try world.told().last?.contains("users are not there yet node003") == true)
                #expect(world.containers.contains(Self.node003))
            }
            #expect(
                seen.withLock { $0 } == [
                    "node003", "node001 true", "node002 true", "node003 false",
                    "NodeName=node003 NodeAddr=10.231.0.13 CPUs=4 RealMemory=4000 \(SlurmConf.heldBack)",
                ])
            #expect(added.nodes.map(\.rawValue) == ["node003"])
            #expect(try world.record() == added.record && added.record.readyNodes.count == 3)
            #expect(
                try world.conf().contains(
                    "NodeName=node003 NodeAddr=10.231.0.13 CPUs=4 RealMemory=4000 State=UNKNOWN\n"))
            #expect(try world.conf() == world.text("state/demo/config/controller/slurm.conf"))
            #expect(Disk.exists("\(root)/resumed"))
            let run = try #require(try world.fake.calls().first { $0.hasPrefix("run ") })
            #expect(run.contains("--add-host node003:10.231.0.13") && run.hasSuffix("image-of-the-controller node"))
        }
    }

    /// Whoever could not be made keeps the node out of Slurm, and the same command goes on.
    @Test func aNodeWithoutItsUsersStaysDrained() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            let error = await failure {
                _ = try await world.add { _, _ in throw SallyError(.conflict, "tux was left alone", hint: "see above") }
            }
            #expect(error?.code == .conflict && error?.message == "node003 stays drained: tux was left alone")
            #expect(error?.hint == "see above; `sally cluster addnode -a node003 demo` goes on")
            #expect(!Disk.exists("\(root)/resumed"))
            #expect(
                try world.told().last?.contains("sallyport: node003 stays drained: tux was left alone node003") == true)
            #expect(
                try world.conf().contains("NodeName=node003 NodeAddr=10.231.0.13 CPUs=4 RealMemory=4000 State=DRAIN"))
            #expect(try world.record().computeNodes.map(\.isReady) == [true, true, false])
            #expect(world.containers.contains(Self.node003))

            let again = try await world.add(["node003"])
            #expect(again.nodes.map(\.rawValue) == ["node003"] && Disk.exists("\(root)/resumed"))
            #expect(try world.record().readyNodes.count == 3)
            #expect(try world.fake.calls().count { $0.hasPrefix("run ") } == 1)
            #expect(await failure { _ = try await world.add(["node003"]) }?.code == .conflict)
        }
    }

    @Test func anAdditionThatFailsLeavesNothing() async throws {
        try await withScratchFolder { root in
            let world = try World(
                root, answers: "run*'--name sallyport-demo-node004'*) echo 'Error: no space' >&2; exit 125 ;;")
            let before = try world.everything()
            let error = await failure { _ = try await world.add(count: 2) { _, _ in Issue.record("nobody is made") } }
            #expect(error?.message == "podman could not start container sallyport-demo-node004: no space")
            #expect(try world.everything() == before)
            #expect(try world.fake.calls().contains("rm --force --volumes --time 0 sallyport-demo-node003"))
        }
    }

    @Test func anAdditionThatIsCancelledLeavesNothing() async throws {
        try await withScratchFolder { root in
            let world = try World(root, answers: "run*) sleep 600 ;;")
            let before = try world.everything()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) { _ = try await world.add() }
                }
                await #expect(throws: Never.self) {
                    try await eventually("a container is being made") {
                        try world.fake.calls().contains { $0.hasPrefix("run ") }
                    }
                }
                group.cancelAll()
            }
            #expect(try world.everything() == before)
        }
    }

    /// scontrol gives up before slurmctld does.
    @Test func whoGivesUpAsksAgain() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            try writeFile("\(root)/slow", "")
            _ = try await world.add()
            // For the node that is held back, again, and for the one that is not.
            #expect(try world.reconfigured() == 3)
        }
    }

    /// While users are made nothing is taken back: they may be there already.
    @Test func whoInterruptsTheUsersIsToldHowToGoOn() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            let error = await failure { _ = try await world.add { _, _ in throw CancellationError() } }
            #expect(error?.message == "node003 stays drained: interrupted")
            #expect(error?.hint?.contains("addnode -a node003 demo") == true)
            #expect(try !world.record().computeNodes[2].isReady)
        }
    }

    /// (aliases, podman's answers, code): nothing is made.
    @Test(arguments: [
        (["node001"], "", SallyError.Code.conflict), (["master"], "", .conflict), (["a,b,a"], "", .invalidRequest),
        (["node003"], "'container exists sallyport-demo-node003') exit 0 ;;", .conflict),
        ([], "'container exists '*) exit 125 ;;", .unavailable),
        (
            [], "'container inspect --format {{.Name}}'*) echo 'sallyport-demo-master|exited|ROOT/state/demo' ;;",
            .unavailable
        ),
        ([], "info*) exit 1 ;;", .misconfigured),
    ])
    func whatIsRefusedMakesNothing(_ aliases: [String], _ answers: String, _ code: SallyError.Code) async throws {
        try await withScratchFolder { root in
            let world = try World(root, answers: answers.replacing("ROOT", with: root))
            let before = try world.everything()
            #expect(await failure { _ = try await world.add(aliases) }?.code == code)
            #expect(try world.everything() == before)
            #expect(try !world.fake.calls().contains { $0.hasPrefix("run ") || $0.hasPrefix("rm ") })
        }
    }

    @Test func twoAtOnceAreOne() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            _ = try await world.add { _, _ in
                let error = await failure { _ = try await world.remove(["node001"]) }
                #expect(
                    error?.message.hasPrefix("cluster demo is being changed by another program: addnode of tester")
                        == true)
                #expect(await failure { _ = try await world.add() }?.code == .conflict)
            }
        }
    }

    @Test func aClusterThatIsNotThereHasNoNodes() async throws {
        try await withScratchFolder { root in
            let clusters = try World(root).fake.clusters
            let other = ClusterName(unchecked: "other")
            let error = await failure {
                _ = try await clusters.addNodes(NodeRequest(count: 1, aliases: []), to: other) { _, _ in }
            }
            #expect(error?.message == "cluster 'other' does not exist")
        }
    }

    @Test func aNodeThatGoesIsGone() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            let before = try world.conf()
            _ = try await world.add()
            let forgotten = Mutex<[String]>([])
            let removed = try await world.remove(["node003"]) { record, names in
                forgotten.withLock { $0 = names.map(\.rawValue) + record.containers.map(\.hostname.rawValue) }
                let now = try world.conf()
                #expect(now == before && !world.containers.contains(Self.node003))
            }
            #expect(forgotten.withLock { $0 } == ["node003", "master", "node001", "node002"])
            #expect(removed.nodes.map(\.rawValue) == ["node003"] && removed.requeued.isEmpty)
            #expect(try world.record() == Samples.record(folder: world.fake.clusters.store.folder(of: world.demo)))
            #expect(try world.fake.calls().contains("rm --force --volumes --time 0 \(Self.node003)"))
            // slurm.conf(5) of 22.05: slurmctld is started again, for the addition and for this.
            #expect(try world.told().count { $0 == "restart" } == 2)
        }
    }

    /// What the others could not be made to forget is known until they have: the same command goes on.
    @Test func whatIsNotForgottenIsNotForgottenAbout() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            _ = try await world.add()
            let error = await failure {
                _ = try await world.remove(["node003"]) { _, _ in throw SallyError(.unavailable, "node001 is down") }
            }
            #expect(error?.message == "node001 is down")
            #expect(world.fake.said.all.contains(.step("`sally cluster removenode demo node003` goes on")))
            #expect(try world.record().computeNodes.map(\.isReady) == [true, true, false])
            _ = try await world.remove(["node003"])
            #expect(try world.record().computeNodes.count == 2)
        }
    }

    @Test func jobsKeepTheirNode() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            try writeFile("\(root)/jobs", "12|linus|on\n13|tux|on+asks\n14|tux|+asks\n")
            let before = try world.everything()
            let error = await failure { _ = try await world.remove(["node002"]) }
            #expect(error?.code == .conflict)
            #expect(
                error?.message
                    == "node002 is not removed: jobs 2 running there: 12 of linus, 13 of tux; 1 waiting for it by name: 14 of tux"
            )
            #expect(error?.hint?.contains("--force") == true && error?.hint?.contains("State=RESUME") == true)
            #expect(try world.everything() == before)
            // It takes no new ones.
            #expect(try world.told().count == 1 && world.told()[0].contains("sallyport: removenode node002"))
        }
    }

    @Test func withForceJobsAreEndedFirst() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            try writeFile("\(root)/jobs", "12|linus|on\n13|tux|on+asks\n")
            let removed = try await world.remove(["node002"], jobs: .end)
            #expect(removed.requeued == ["12"] && removed.cancelled == ["13"])
            // One that asks for the node would wait for ever, or be forgotten by Slurm.
            #expect(try world.told()[1].hasSuffix("-- requeue:12 cancel:13"))
            #expect(!world.containers.contains("sallyport-demo-node002"))
            #expect(try !world.text("state/demo/config/controller/gres.conf").contains("node002"))
        }
    }

    /// A cluster is stopped and started with what it has then, not with a node that was never finished.
    @Test func aNodeThatIsNotReadyKeepsNobodyFromTheOthers() async throws {
        try await withScratchFolder { root in
            let world = try World(root)
            var record = try world.record()
            record.containers[2].isReady = false
            try world.fake.clusters.store.write(record)
            try Disk.remove("\(root)/containers/sallyport-demo-node002")
            let started = try await world.fake.clusters.start(world.demo) { throw SallyError(.internal, "no template") }
            #expect(started == .wasRunning(record))
        }
    }

    @Test func namesOfMachinesAreWrittenEverywhere() {
        let record = Samples.record(folder: ClusterFolder(path: "/s/demo"))
        #expect(
            ClusterHealth.names(record).split(separator: "\n").map(String.init) == [
                "10.231.0.10\tmaster sallyport-demo-master", "10.231.0.11\tnode001 sallyport-demo-node001",
                "10.231.0.12\tnode002 sallyport-demo-node002",
            ])
        let places = ClusterHealth.places(in: record.subnet).split(separator: " ")
        #expect(places.count == 245 && places.first == "10.231.0.10" && places.last == "10.231.0.254")
    }

    @Test func slurmOf2205IsStartedAgainForNodes() {
        #expect(DebianRelease.debian12.needsRestartForNodes && !DebianRelease.debian13.needsRestartForNodes)
    }
}
