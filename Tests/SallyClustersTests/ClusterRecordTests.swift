// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import StrictJSON
import Testing

@testable import SallyClusters

@Suite struct ClusterRecordTests {
    @Test(arguments: DebianRelease.allCases) func aRecordSurvivesItsFile(_ release: DebianRelease) async throws {
        try await withScratchFolder { root in
            let store = ClusterStore(root: root)
            let name = ClusterName(unchecked: "demo")
            let folder = store.folder(of: name)
            try folder.make()
            var record = Samples.record(release, folder: folder)
            record.containers[2].isReady = false
            for region in [nil, "eu-west-1"] {
                record.region = region
                try store.write(record)
                #expect(try store.record(of: name) == record)
            }
            #expect(permissions(of: folder.record) == 0o644)
        }
    }

    /// Written before nodes could be added.
    @Test func nodesOfAnOldRecordAreReady() throws {
        let record = Samples.record(folder: ClusterFolder(path: "/x/demo"))
        let text = record.json.text().replacing(",\"ready\":true", with: "")
        #expect(!text.contains("ready"))
        #expect(try ClusterRecord(parsing: Array(text.utf8), path: "/x/cluster.json") == record)
    }

    @Test func theRecordTellsNoSecret() {
        let text = Samples.record(folder: ClusterFolder(path: "/x/demo")).json.text()
        #expect(text.contains("\"path\":\"/x/demo/keys/key\""))
        #expect(text.contains("\"socket\":\"/x/demo/run/slurmrestd/socket\""))
    }

    @Test(arguments: [
        ("{}", "version missing"), ("{\"version\": 2}", "version 2"), ("not json", "cluster.json"),
        ("{\"version\": 1, \"status\": \"asleep\"}", "release"), ("", "cluster.json"),
    ])
    func whatIsNotUnderstoodIsRefused(_ text: String, _ expected: String) {
        #expect {
            try ClusterRecord(parsing: Array(text.utf8), path: "/x/cluster.json")
        } throws: { error in
            guard let error = error as? SallyError else { return false }
            return error.code == .misconfigured && error.message.contains(expected)
        }
    }

    @Test func foldersAreClosedAsFarAsTheyCanBe() async throws {
        try await withScratchFolder { root in
            let folder = ClusterFolder(path: "\(root)/demo")
            try folder.make()
            #expect(permissions(of: folder.path) == 0o711)
            #expect(permissions(of: "\(folder.path)/run") == 0o711)
            for closed in [folder.keys, "\(folder.path)/config", folder.shared, folder.socketFolder] {
                #expect(permissions(of: closed) == 0o700)
            }
        }
    }

    @Test func aSocketPathThatCannotBeUsedIsRefused() {
        let long = ClusterFolder(path: "/" + String(repeating: "x", count: 90))
        #expect(throws: SallyError.self) { try long.checkSocketPath() }
        #expect(throws: Never.self) { try ClusterFolder(path: "/x").checkSocketPath() }
    }

    @Test func theStateIsWhereItWasAskedFor() throws {
        #expect(try ClusterStore.located(environment: ["SALLYPORT_STATE": "/s"], isRoot: true).root == "/s")
        #expect(try ClusterStore.located(environment: [:], isRoot: true).root == "/var/lib/sallyport/clusters")
        let home = try ClusterStore.located(environment: ["HOME": "/home/x"], isRoot: false)
        #expect(home.root == "/home/x/.local/state/sallyport/clusters")
        for bad in ["relative", "/a/../b"] {
            #expect(throws: SallyError.self) {
                try ClusterStore.located(environment: ["SALLYPORT_STATE": bad], isRoot: true)
            }
        }
        #expect(throws: SallyError.self) { try ClusterStore.located(environment: [:], isRoot: false) }
    }

    @Test func oneBrokenRecordDoesNotHideTheRest() async throws {
        try await withScratchFolder { root in
            let store = ClusterStore(root: root)
            let demo = store.folder(of: ClusterName(unchecked: "demo"))
            try demo.make()
            try store.write(Samples.record(folder: demo))
            let broken = store.folder(of: ClusterName(unchecked: "broken"))
            try broken.make()
            try writeFile(broken.record, "{")
            let all = store.all()
            #expect(all.map(\.name.rawValue) == ["broken", "demo"])
            #expect(throws: SallyError.self) { try all[0].record.get() }
            #expect(try all[1].record.get() != nil)
        }
    }

    @Test func oneLockAtATime() async throws {
        try await withScratchFolder { root in
            let store = ClusterStore(root: "\(root)/state")
            let name = ClusterName(unchecked: "demo")
            func lock(_ name: ClusterName) throws -> ClusterLock {
                try ClusterLock(name, in: store, for: "addnode", by: "alice@host\u{1b}[2J")
            }
            let first = try lock(name)
            #expect {
                _ = try lock(name)
            } throws: { error in
                guard let error = error as? SallyError else { return false }
                return error.code == .conflict
                    && error.message.hasPrefix(
                        "cluster demo is being changed by another program: addnode of alice@host?[2J, process ")
            }
            try lock(ClusterName(unchecked: "other")).release()
            first.release()
            try lock(name).release()
            #expect(Disk.names(in: store.root).isEmpty)
        }
    }
}
