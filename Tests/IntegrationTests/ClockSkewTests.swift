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
    .enabled(if: hasCompiler, "no C compiler: the clock of a process cannot be changed"), .serialized)
struct ClockSkewTests {
    private static let library = """
        #define _GNU_SOURCE
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        int clock_gettime(clockid_t clock, struct timespec *now) {
            int result = syscall(SYS_clock_gettime, clock, now);
            if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += SKEW;
            return result;
        }
        int gettimeofday(struct timeval *restrict now, void *restrict zone) {
            struct timespec value;
            (void)zone;
            clock_gettime(CLOCK_REALTIME, &value);
            now->tv_sec = value.tv_sec;
            now->tv_usec = value.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *place) {
            struct timespec value;
            clock_gettime(CLOCK_REALTIME, &value);
            if (place) *place = value.tv_sec;
            return value.tv_sec;
        }

        """

    @Test(arguments: [-55, 55])
    func aMinuteOfClockSkewIsBorne(_ seconds: Int) async throws {
        let stack = try Stack.required()
        try await withScratchFolder { folder in
            try await stack.open(folder)
            try writeFile("\(folder)/skew.c", ClockSkewTests.library)
            let made = try await runProgram(
                "clang",
                ["-shared", "-fPIC", "-O1", "-DSKEW=(\(seconds))", "-o", "\(folder)/skew.so", "\(folder)/skew.c"],
                environment: ["PATH": variable("PATH") ?? "/usr/bin:/bin"])
            try #require(made.status == 0, "\(made)")
            let url = "http://127.0.0.1:\(stack.port + 3)"
            try await stack.withReplica(
                seconds < 0 ? "clock-behind" : "clock-ahead", url: url, preload: "\(folder)/skew.so",
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

private let hasCompiler = (variable("PATH") ?? "").split(separator: ":").contains { exists("\($0)/clang") }
