// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

/// The identity provider goes away, comes back, and changes its keys.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct ProviderOutageTests {
    @Test func whoIsSignedInGoesOnAndANewSignInIsRefusedInOneSentence() async throws {
        let stack = try Stack.required()
        let provider = "\(stack.state)/provider"
        #expect(try await stack.script("provider", ["pause", "--state", provider]).status == 0)
        do {
            let job = try await stack.submit(
                "carol", "it13", ["--begin=now+1hour", "--time=1"], script: "#!/bin/bash\ntrue\n")
            #expect(try await stack.sally("carol", ["cancel", "-M", "it13", job]).status == 0)
            try await eventually("it is ready") { try await stack.request("GET", "/readyz").status == 200 }
            try await stack.withReplica("outage", change: { _, _ in }) { replica in
                try await withScratchFolder { folder in
                    let failed = try await stack.signIn(
                        "carol", context: "outage", at: replica.url, with: ["SALLY_CONFIG_DIR": folder])
                    #expect(failed.status == 69, "\(failed)")
                    #expect(failed.errors.contains("provider") && failed.errors.contains("demo"), "\(failed)")
                    #expect(!exists("\(folder)/sessions/outage.json"))
                }
            }
        } catch {
            _ = try await stack.script("provider", ["unpause", "--state", provider])
            throw error
        }
        let back = try await stack.script("provider", ["unpause", "--state", provider])
        #expect(back.status == 0, "\(back)")
    }

    @Test func afterANewKeyOfTheProviderPeopleSignInAgain() async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            let own = ["SALLY_CONFIG_DIR": folder]
            // The gateway has read the keys that are going to be replaced.
            let before = try await stack.signIn("carol", context: "rotated", with: own)
            #expect(before.status == 0, "\(before)")
            let rotated = try await stack.script("provider", ["rotate-keys", "--state", "\(stack.state)/provider"])
            #expect(rotated.status == 0, "\(rotated)")
            let after = try await stack.signIn("carol", context: "rotated", with: own)
            #expect(after.status == 0, "\(after)")
            #expect(try await stack.sally("rotated", ["whoami"], with: own).output.contains("carol"))
        }
    }
}
