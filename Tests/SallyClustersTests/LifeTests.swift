// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyClusters

@Suite struct LifeTests {
    private let demo = ClusterName(unchecked: "demo")

    private func start(_ fake: FakePodman) async throws -> Clusters.Started {
        try await fake.clusters.start(demo) { ChosenTemplate(name: "demo", template: Samples.template, region: nil) }
    }

    private func failure(_ body: () async throws -> Void) async -> SallyError? {
        do {
            try await body()
            return nil
        } catch { return error as? SallyError }
    }

    @Test func withoutPodmanNothingIsMade() async throws {
        try await withScratchFolder { root in
            let clusters = Clusters(
                store: ClusterStore(root: "\(root)/state"),
                podman: PodmanEnvironment(program: "\(root)/podman", variables: [:]), images: root,
                progress: Progress { _ in }, who: "tester")
            let error = await failure {
                _ = try await clusters.start(demo) {
                    ChosenTemplate(name: "demo", template: Samples.template, region: nil)
                }
            }
            #expect(error?.message == "podman is not installed")
            #expect(Disk.names(in: "\(root)/state").isEmpty)
        }
    }

    @Test func aPodmanThatDoesNotWorkIsQuoted() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root, answers: "info*) echo 'Error: no cgroups here' >&2; exit 125 ;;")
            let error = await failure { _ = try await start(fake) }
            #expect(error?.message == "podman does not work here: no cgroups here")
        }
    }

    @Test func anUnknownTemplateIsNamedBeforeAnythingIsMade() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root)
            let error = await failure {
                _ = try await fake.clusters.start(demo) { throw SallyError(.notFound, "no such template") }
            }
            #expect(error?.message == "no such template")
            #expect(fake.left().isEmpty)
        }
    }

    @Test func anImageThatCannotBeBuiltIsOneError() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root, image: "echo 'E: no package' >&2; exit 100")
            let error = await failure { _ = try await start(fake) }
            #expect(error?.code == .unavailable)
            #expect(error?.message == "the node image for bookworm could not be built (status 100)")
            #expect(fake.said.all.contains(.detail("E: no package")))
            #expect(fake.left().isEmpty)
        }
    }

    @Test func anExhaustedPoolIsNamed() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(
                root: root,
                answers: "'network ls --quiet') echo other ;;\n'network inspect'*) echo 10.231.0.0/16 ;;")
            let error = await failure { _ = try await start(fake) }
            #expect(error?.code == .limitExceeded)
            #expect(error?.message == "no free subnet is left in 10.231.0.0/16")
            #expect(fake.left().isEmpty)
        }
    }

    @Test func anotherSubnetIsTriedWhenTheFirstIsTakenMeanwhile() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(
                root: root,
                answers:
                    "'network create --subnet 10.231.0.0/24'*) exit 125 ;;\nrun*) echo 'Error: full' >&2; exit 125 ;;")
            _ = await failure { _ = try await start(fake) }
            #expect(try fake.calls().contains { $0.hasPrefix("network create --subnet 10.231.1.0/24") })
        }
    }

    @Test func aStartThatFailsLeavesNothing() async throws {
        try await withScratchFolder { root in
            // What `ps` lists appears once a container was made, as it would.
            let made = """
                run*node001*node) echo 'Error: no space' >&2; exit 125 ;;
                run*) touch '\(root)/made' ;;
                'rm '*) rm -f '\(root)/made' ;;
                'ps '*) [ -e '\(root)/made' ] && echo sallyport-demo-master ;;
                'network ls --quiet --filter'*) [ -e '\(root)/made' ] && echo sallyport-demo ;;
                'container inspect'*) echo 'sallyport-demo-master|running|\(root)/state/demo' ;;
                'network inspect'*Name*) echo 'sallyport-demo|network|\(root)/state/demo' ;;
                """
            let fake = try FakePodman(root: root, answers: made)
            let error = await failure { _ = try await start(fake) }
            #expect(error?.message == "podman could not start container sallyport-demo-node001: no space")
            #expect(try fake.calls().contains("rm --force --volumes --time 0 sallyport-demo-master"))
            #expect(fake.left().isEmpty)
        }
    }

    @Test func aStartThatIsCancelledLeavesNothing() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root, answers: "run*) sleep 600 ;;")
            let clusters = fake.clusters
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        _ = try await clusters.start(ClusterName(unchecked: "demo")) {
                            ChosenTemplate(name: "demo", template: Samples.template, region: nil)
                        }
                    }
                }
                await #expect(throws: Never.self) {
                    try await eventually("a container is being made") {
                        try fake.calls().contains { $0.hasPrefix("run ") }
                    }
                }
                group.cancelAll()
            }
            #expect(fake.left().isEmpty)
        }
    }

    @Test func whatAKilledStartLeftIsRemovedFirst() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root, image: "exit 1")
            let folder = fake.clusters.store.folder(of: demo)
            try Disk.makePath(fake.clusters.store.root)
            try folder.make()
            var record = Samples.record(folder: folder)
            record.status = .starting
            try fake.clusters.store.write(record)
            _ = await failure { _ = try await start(fake) }
            #expect(fake.said.all.contains(.step("removed what an unfinished start had left")))
            #expect(fake.left().isEmpty)
        }
    }

    @Test func containersOfAnotherStateFolderAreNotTouched() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(
                root: root,
                answers: """
                    'ps '*) echo sallyport-demo-master ;;
                    'container inspect'*) echo 'sallyport-demo-master|running|/elsewhere/demo' ;;
                    """)
            let error = await failure { _ = try await start(fake) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("/elsewhere/demo") == true)
            let gone = await failure { try await fake.clusters.terminate(demo) }
            #expect(gone?.code == .notFound)
            #expect(try !fake.calls().contains { $0.hasPrefix("rm ") })
        }
    }

    @Test func aClusterThatLostAContainerIsNotResumed() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root)
            let folder = fake.clusters.store.folder(of: demo)
            try Disk.makePath(fake.clusters.store.root)
            try folder.make()
            try fake.clusters.store.write(Samples.record(folder: folder))
            let error = await failure { _ = try await start(fake) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("sallyport-demo-node001") == true)
            #expect(fake.left() == ["demo"])
            let listed = try await fake.finder().all()
            #expect(listed.map(\.condition) == [.stopped])
        }
    }

    @Test func stoppingEndsTheNodesFirstAndKeepsEverything() async throws {
        try await withScratchFolder { root in
            let names = ["master", "node001", "node002"].map { "sallyport-demo-\($0)" }
            let states = zip(names, ["running", "running", "exited"]).map { "\($0.0)|\($0.1)|\(root)/state/demo" }
            let fake = try FakePodman(
                root: root,
                answers: """
                    'ps '*) printf '%s\\n' \(names.joined(separator: " ")) ;;
                    'container inspect'*) printf '%s\\n' '\(states.joined(separator: "' '"))' ;;
                    """)
            let missing = await failure { _ = try await fake.clusters.stop(demo) }
            #expect(missing?.message == "cluster 'demo' does not exist")
            let folder = fake.clusters.store.folder(of: demo)
            try Disk.makePath(fake.clusters.store.root)
            try folder.make()
            var record = Samples.record(folder: folder)
            try fake.clusters.store.write(record)
            let stopped = try await fake.clusters.stop(demo)
            #expect(stopped)
            let calls = try fake.calls().filter { $0.hasPrefix("stop ") }
            #expect(calls == ["stop sallyport-demo-node001", "stop sallyport-demo-master"])
            #expect(fake.left() == ["demo"])
            record.status = .starting
            try fake.clusters.store.write(record)
            let unfinished = await failure { _ = try await fake.clusters.restart(demo) }
            #expect(unfinished?.message == "cluster demo has never been up")
        }
    }

    @Test func containersThatAreGoneAreRemovedWhateverPodmanSays() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(
                root: root,
                answers: """
                    'ps '*) [ -e '\(root)/gone' ] || echo sallyport-demo-master ;;
                    'rm '*) touch '\(root)/gone'; echo 'Error: freeing lock' >&2; exit 1 ;;
                    'container inspect'*) echo 'sallyport-demo-master|running|\(root)/state/demo' ;;
                    """)
            await #expect(throws: Never.self) { try await fake.clusters.terminate(demo) }
        }
    }

    @Test func containersThatCannotBeRemovedAreNamed() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(
                root: root,
                answers: """
                    'ps '*) echo sallyport-demo-master ;;
                    'rm '*) exit 1 ;;
                    'container inspect'*) echo 'sallyport-demo-master|running|\(root)/state/demo' ;;
                    """)
            let error = await failure { try await fake.clusters.terminate(demo) }
            #expect(error?.message == "podman could not remove sallyport-demo-master")
        }
    }

    @Test func whatIsNotThereCannotBeTerminated() async throws {
        try await withScratchFolder { root in
            let fake = try FakePodman(root: root)
            #expect(await failure { try await fake.clusters.terminate(demo) }?.code == .notFound)
        }
    }

    @Test func nodesSeeNeitherKeysNorTheSocket() {
        let folder = ClusterFolder(path: "/s/demo")
        let record = Samples.record(folder: folder)
        let arguments = ContainerArguments(record: record, folder: folder, image: "image", socketGroup: 7)
        for node in record.computeNodes {
            let line = arguments.run(node).joined(separator: " ")
            #expect(!line.contains("/keys") && !line.contains("config/controller") && !line.contains("slurmrestd"))
            #expect(line.contains("/s/demo/config/node:/run/sallyport:ro"))
        }
        let controller = arguments.run(record.containers[0])
        #expect(controller.contains("SALLY_SOCKET_GROUP=7"))
        #expect(!controller.joined(separator: " ").contains("/keys"))
    }

    @Test func aGroupThatIsNotThereIsNamed() {
        #expect {
            _ = try SocketGroup.resolve("no-such-group-here")
        } throws: { ($0 as? SallyError)?.message.contains("no-such-group-here") == true }
    }
}
