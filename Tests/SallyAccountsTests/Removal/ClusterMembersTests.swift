// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import Testing

@testable import SallyAccounts

@Suite struct ClusterMembersTests {
    private func record(
        _ user: String, _ uid: UInt32, _ state: ManagedRecord.State = .active, _ profile: String = "createusers",
        _ revision: Int = 1
    ) throws -> ManagedRecord {
        ManagedRecord(
            user: try UserName(user), uid: try UserID(uid), profile: try ProfileName(profile), origin: .created,
            state: state, revision: revision)
    }

    private func entry(_ name: String, _ uid: UInt32, shell: String = "/bin/zsh") -> NodeObservation.PasswdEntry {
        NodeObservation.PasswdEntry(name: name, uid: uid, gid: uid, gecos: "", home: "/home/\(name)", shell: shell)
    }

    @Test func theNewestLineOfTheRecordDecides() throws {
        var seen = UsersObservation()
        seen.records = [
            try record("zoe", 3000), try record("ann", 3001), try record("bob", 3002), try record("cid", 3003),
            try record("dan", 3004, .active, "researchers"), try record("eve", 3005), try record("bob", 3002, .locked),
            try record("cid", 3003, .removed), try record("fay", 3006, .locked), try record("fay", 3006),
        ]
        seen.users = ["zoe": entry("zoe", 3000), "ann": entry("ann", 9999), "fay": entry("fay", 3006, shell: "/x/y")]
        seen.associations = ["zoe": [AccountName(unchecked: "b"), AccountName(unchecked: "a")]]
        let (active, locked) = ClusterUsers.members(of: ProfileName(unchecked: "createusers"), seen)
        #expect(active.map(\.user.rawValue) == ["ann", "eve", "fay", "zoe"])
        #expect(locked.map(\.rawValue) == ["bob"])
        // Somebody else's entry says nothing.
        #expect(active.map(\.shell) == [nil, nil, "/x/y", "/bin/zsh"])
        #expect(active.map(\.home) == [nil, nil, "/home/fay", "/home/zoe"])
        #expect(active.map { $0.accounts.map(\.rawValue) } == [[], [], [], ["a", "b"]])
    }

    @Test(arguments: [
        (ClusterLayout.Slurm.required, "\nprobe_associations\n"),
        (.whereInstalled, "\nif command -v scontrol >/dev/null; then probe_associations; fi\n"),
        (.ignored, ""),
    ])
    func slurmIsAskedWhereThereIsOne(_ slurm: ClusterLayout.Slurm, _ call: String) {
        let master = NodeName(unchecked: "master")
        var layout = ClusterLayout(mode: .everywhere, controller: master, nodes: [], homeServer: master)
        layout.slurm = slurm
        let script = UsersProbe.controller(.all, .everything, in: layout)
        #expect(script.contains("probe_associations\n") == !call.isEmpty || script.contains(call))
        #expect(script.contains(call))
        #expect(script.components("\nprobe_associations\n") == (slurm == .required ? 1 : 0))
    }
}

extension String {
    fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}
