// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A gateway whose clock is a minute wrong, before the real provider, keepers and Slurm: its process sees another wall clock
/// through a library that it loads first.
@Suite(
    .enabled(if: Stack.current != nil, Stack.skipped),
    .enabled(if: OtherClock.isPossible, OtherClock.missing), .serialized)
struct ClockSkewTests {
    @Test(arguments: [-55, 55])
    func aMinuteOfClockSkewIsBorne(_ seconds: Int) async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            try await stack.open(folder)
            let skew = try await OtherClock.library(seconds, in: folder)
            let url = "http://127.0.0.1:\(stack.port + 3)"
            try await stack.withReplica(
                seconds < 0 ? "clock-behind" : "clock-ahead", url: url, preload: skew,
                change: { file, _ in file.set("public_url", url) }
            ) { replica in
                let own = ["SALLY_CONFIG_DIR": "\(folder)/contexts"]
                let before = time(nil)
                let signedIn = try await stack.signIn("bob", context: "skewed", at: url, with: own)
                try #require(signedIn.status == 0, "\(signedIn)")
                let session = try await runProgram("/bin/cat", ["\(folder)/contexts/sessions/skewed.json"]).output
                let claims = try #require(SessionText.claims(of: SessionText.value("access_token", of: session)))
                let issued = try #require(Int(SessionText.number("iat", of: claims)))
                #expect((before + seconds...time(nil) + seconds).contains(issued), "the clock is right after all")
                for cluster in Stack.clusters {
                    let job = try await stack.sally(
                        "skewed", ["submit", "-M", cluster, "--follow", "--time=1"],
                        input: "#!/bin/bash\necho skewed\n", with: own)
                    #expect(job.status == 0 && job.output.hasSuffix("skewed\n"), "\(job)")
                }
            }
        }
    }
}
