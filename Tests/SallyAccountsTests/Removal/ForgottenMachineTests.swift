// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport
import Testing

@testable import SallyAccounts

/// A machine that is no more of a cluster is forgotten by the others at the next run: its lines are not written anew.
@Suite(.enabled(if: LockScriptTests.isRoot, "the file belongs to root")) struct ForgottenMachineTests {
    static func observation(_ key: String, known: [String]) -> NodeObservation {
        var seen = NodeObservation()
        seen.hostKeys = ["ssh-ed25519 \(key)"]
        seen.knownHosts = Set(known)
        return seen
    }

    /// What a run writes on the controller when `nodes` are the cluster's and `reached` answered.
    static func steps(_ nodes: [String], reached: [String], known: [String]) throws -> [AccountStep] {
        let trust = try SSHTrust(cluster: ClusterName("demo"), networks: ["10.0.0.0/8"])
        let setup = ClusterSetup(
            trust: trust, addresses: [:], keys: .init(brought: [:], source: nil, renew: false), scratch: nil)
        var layout = AccountPlanTests.layout
        layout.nodes = nodes.map(AccountPlanTests.name)
        var observed: [NodeName: NodeObservation] = [:]
        for node in ["master"] + reached {
            observed[AccountPlanTests.name(node)] = observation("key-of-\(node)", known: known)
        }
        var plan = AccountPlan()
        plan.add(setup, for: [], observed: observed, layout: layout)
        return plan.steps[layout.controller] ?? []
    }

    @Test func linesOfARemovedMachineAreGone() async throws {
        try await withScratchFolder { folder in
            let file = "\(folder)/etc/ssh/ssh_known_hosts"
            let trust = try SSHTrust(cluster: ClusterName("demo"), networks: ["10.0.0.0/8"])
            func run(_ steps: [AccountStep]) async throws -> [String] {
                let script = AccountScript.make(
                    steps, material: SSHMaterial(trust: trust), in: AccountPlanTests.layout
                ).replacing("state=/var/lib/sallyport\n", with: "state=\(folder)/state\n")
                    .replacing("/etc/", with: "\(folder)/etc/")
                let done = try await LockScriptTests.bash(script)
                #expect(done.output.contains("step\tknown hosts\tdone\t"), "\(done.output) \(done.errorOutput)")
                return try await LockScriptTests.bash("cat \(file)").output.split(separator: "\n").map(String.init)
            }
            _ = try await LockScriptTests.bash(
                "mkdir -p \(folder)/etc/ssh; printf '%s\\n' 'own ssh-rsa A' '# sallyport begin other' 'node002 ssh-rsa B' '# sallyport end other' >\(file)"
            )
            let both = ["node001", "node002"]
            let first = try await run(Self.steps(both, reached: both, known: []))
            let ours = ["master", "node001", "node002"].map { "\($0) ssh-ed25519 key-of-\($0)" }
            #expect(ours.allSatisfy(first.contains))
            // One that is down is known as before: nothing is to be written.
            #expect(try Self.steps(both, reached: ["node001"], known: ours).isEmpty)
            // One that is no more is not.
            let after = try await run(Self.steps(["node001"], reached: ["node001"], known: ours))
            #expect(
                after == [
                    "own ssh-rsa A", "# sallyport begin other", "node002 ssh-rsa B", "# sallyport end other",
                    "# sallyport begin demo", ours[0], ours[1], "# sallyport end demo",
                ])
        }
    }
}
