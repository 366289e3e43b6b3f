// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyClusters

@Suite struct ClusterFinderTests {
    private static let lab = Inventory(
        file: "clusters.yaml",
        entries: [
            .init(
                name: ClusterName(unchecked: "lab"),
                cluster: .success(
                    InventoryCluster(
                        name: ClusterName(unchecked: "lab"), login: .root, identityFile: "/k", knownHostsFile: "/h",
                        region: "lab",
                        controller: .init(name: NodeName(unchecked: "master"), address: "10.1.0.10", port: 22),
                        nodes: [], homeServer: NodeName(unchecked: "master"), networks: ["10.1.0.10"],
                        accounting: .unknown, plugins: [])))
        ])

    /// What podman says of three containers that run since 1700000000, but for what `answers` says.
    private func fake(
        _ root: String, states: String = "running running running", status: ClusterRecord.Status = .running
    )
        throws -> FakePodman
    {
        let names = ["master", "node001", "node002"]
        let lines = zip(names, states.split(separator: " ")).filter { $0.1 != "-" }
            .map { "sallyport-demo-\($0.0)|\($0.1)|1700000000" }
        let fake = try FakePodman(
            root: root, answers: "'container inspect'*) printf '%s\\n' '\(lines.joined(separator: "' '"))' ;;")
        let folder = fake.clusters.store.folder(of: ClusterName(unchecked: "demo"))
        try Disk.makePath(fake.clusters.store.root)
        try folder.make()
        var record = Samples.record(folder: folder)
        record.status = status
        try fake.clusters.store.write(record)
        return fake
    }

    private func failure(_ body: () async throws -> Void) async -> SallyError? {
        do {
            try await body()
            return nil
        } catch { return error as? SallyError }
    }

    @Test func aLocalClusterIsItsContainers() async throws {
        try await withScratchFolder { root in
            let found = try await fake(root, states: "running exited paused").finder().find("demo")
            #expect((found.provider, found.region) == (.podman, "us-east-1"))
            #expect(found.controller.id == "sallyport-demo-master")
            #expect(found.controller.startedAt == Timestamp(1_700_000_000))
            #expect(found.nodes.map(\.state) == [.down("stopped"), .down("paused")])
            #expect(found.nodes.map(\.startedAt) == [nil, nil])
            #expect(found.networks == ["10.231.0.0/24"])
            #expect(found.homeServer == found.controller.name)
            #expect((found.accounting, found.release) == (.enforced, .debian12))
            let node = try found.machine(named: "1")
            #expect((node.id, node.address) == ("sallyport-demo-node001", "10.231.0.11"))
        }
    }

    @Test(arguments: ["exited exited exited", "- - -"]) func oneThatDoesNotRunIsSaid(_ states: String) async throws {
        try await withScratchFolder { root in
            let finder = try fake(root, states: states).finder()
            let error = await failure { _ = try await finder.find("demo") }
            #expect(error?.message == "cluster demo is not running")
            #expect(error?.code == .unavailable)
            #expect(try await finder.all().map(\.condition) == [.stopped])
        }
    }

    @Test func oneThatIsBeingStartedIsNotRunning() async throws {
        try await withScratchFolder { root in
            let finder = try fake(root, status: .starting).finder()
            #expect(await failure { _ = try await finder.find("demo") }?.message == "cluster demo is not running")
            #expect(try await finder.all().map(\.condition) == [.starting])
        }
    }

    @Test(arguments: ["nope", "Bad_Name", "../demo", ""]) func anUnknownOneIsNamedBesideThoseThatAre(
        _ name: String
    ) async throws {
        try await withScratchFolder { root in
            let finder = try fake(root).finder { ClusterFinderTests.lab }
            let error = await failure { _ = try await finder.find(name) }
            #expect(error?.message == "cluster '\(name)' does not exist")
            #expect(error?.hint == "(active clusters: demo, lab)")
            #expect(error?.code == .notFound)
        }
    }

    @Test func oneOfTheInventoryNeedsNoPodman() async throws {
        try await withScratchFolder { root in
            let finder = ClusterFinder(
                store: ClusterStore(root: "\(root)/state"), environment: ["HOME": "/h"],
                podman: { throw SallyError(.misconfigured, "no podman") }, inventory: { ClusterFinderTests.lab })
            let lab = try await finder.find("lab")
            let listed = try await finder.all()
            #expect(lab.provider == .inventory)
            #expect(listed.map(\.condition) == [.listed])
        }
    }

    @Test func aListThatIsBrokenKeepsNobodyFromLocalClusters() async throws {
        try await withScratchFolder { root in
            let finder = try fake(root).finder { throw SallyError(.misconfigured, "broken") }
            #expect(try await finder.find("demo").provider == .podman)
            #expect(await failure { _ = try await finder.find("lab") }?.message == "broken")
        }
    }

    @Test func twoOfOneNameAreRefused() async throws {
        try await withScratchFolder { root in
            let twin = Inventory(
                file: "clusters.yaml",
                entries: [
                    .init(name: ClusterName(unchecked: "demo"), cluster: .failure(SallyError(.misconfigured, "x")))
                ])
            let finder = try fake(root).finder { twin }
            let error = await failure { _ = try await finder.find("demo") }
            #expect(error?.code == .conflict)
            #expect(error?.message == "there are two clusters demo: a local one, and one in clusters.yaml")
        }
    }

    @Test func aBrokenOneIsListedWithWhatIsWrong() async throws {
        try await withScratchFolder { root in
            let fake = try fake(root)
            try writeFile(fake.clusters.store.folder(of: ClusterName(unchecked: "demo")).record, "{")
            let listed = try await fake.finder { ClusterFinderTests.lab }.all()
            #expect(listed.map(\.condition) == [.broken, .listed])
            #expect(listed.first?.problem?.contains("cluster.json") == true)
        }
    }
}
